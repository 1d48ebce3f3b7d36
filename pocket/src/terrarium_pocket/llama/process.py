"""The model process of the kind llama."""

import http.client
import importlib
import json
import secrets
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from terrarium_server.engines import Output
from terrarium_server.engines.child import JobContext, JobError, serve

# The package has no types.
_xllamacpp: Any = importlib.import_module("xllamacpp")

# Tokens of a prompt that are read at once: a job can be cancelled between two batches.
_BATCH = 64
_PREVIEW_SECONDS = 0.05
_ERRORS_ONLY = 1
# The share of reading the prompt in the progress.
_READING = 0.1


class Model:
    """A loaded GGUF file; ``context_size`` is the most tokens of a prompt and its answer together."""

    def __init__(self, path: Path, *, context: int, threads: int) -> None:
        """Load a file. Raises JobError if llama.cpp cannot load it."""
        key = secrets.token_urlsafe(32)
        params = _xllamacpp.CommonParams()
        params.model.path = str(path)
        params.n_ctx = context
        params.n_parallel = 1
        params.n_batch = params.n_ubatch = _BATCH
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        params.warmup = False
        # Reusing the results of an earlier prompt would change the last digits, and so the answer.
        params.cache_prompt = False
        params.cache_ram_mib = 0
        # The server listens on loopback; the key keeps other programs out.
        params.api_keys = [key]
        params.ui = False
        params.endpoint_slots = False
        params.n_threads_http = 1
        params.verbosity = _ERRORS_ONLY
        try:
            self._server = _xllamacpp.Server(params)
        except RuntimeError as error:
            message = (
                f"{path.name} cannot be loaded: it is damaged, or of a kind that this llama.cpp does not "
                f"support, or needs more memory than is free with a context of {context} tokens. The "
                "server's log has the cause; replace the file, or use another model."
            )
            raise JobError("GENERATION_FAILED_TO_START", message) from error
        self.context_size = _context_size(self._server.listening_address, key)

    def write(self, request: dict[str, Any], answer: "Answer") -> None:
        """Generate an answer, token by token. Raises JobError, and what ``answer.add`` raises."""
        errors: list[BaseException] = []

        # llama.cpp ignores exceptions of its callback; it stops when the callback returns True.
        def add(chunk: dict[str, Any]) -> bool:
            try:
                answer.add(chunk)
            except BaseException as error:
                errors.append(error)
            return bool(errors)

        completion = {
            "messages": request["messages"],
            "max_tokens": request["max_tokens"],
            "stream": True,
            "return_progress": True,
            "cache_prompt": False,
            "dry_penalty_last_n": self.context_size,
            **request["sampling"],
        }
        try:
            self._server.handle_chat_completions(completion, add)
        except ValueError as error:
            # The message of the chat template is the last line of a long trace.
            cause = str(error).strip().splitlines()[-1]
            message = f"The model's chat template does not take this prompt: {cause}"
            raise JobError("GENERATION_INPUT_VALIDATION", message) from error
        if errors:
            raise errors[0]


class Answer:
    """Collects the chunks of an answer and reports its progress."""

    def __init__(self, context: JobContext, *, max_tokens: int, context_size: int) -> None:
        self._context = context
        self._max_tokens = max_tokens
        self._context_size = context_size
        self._parts: list[str] = []
        self._tokens = 0
        self._reported = 0.0

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self._parts).strip()

    def add(self, chunk: dict[str, Any]) -> None:
        """Add one chunk of a streamed chat completion.

        Raises Cancelled, and JobError if llama.cpp refuses the request.
        """
        match chunk:
            case {"error": error}:
                raise self._refusal(error)
            case {"prompt_progress": {"total": total, "processed": processed}}:
                if total + self._max_tokens > self._context_size:
                    raise self._too_long(total)
                self._context.report(_READING * processed / total)
            case {"choices": [{"delta": delta}]}:
                self._add_delta(delta)
            case _:
                pass

    def _add_delta(self, delta: dict[str, Any]) -> None:
        content: str = delta.get("content") or ""
        if not content and not delta.get("reasoning_content"):
            return
        self._parts.append(content)
        self._tokens += 1
        # A preview holds all the text: one for each token would cost more than a long answer itself.
        now = time.monotonic()
        if now - self._reported >= _PREVIEW_SECONDS:
            self._reported = now
            fraction = min(self._tokens / self._max_tokens, 1.0)
            text = self.text
            preview = Output("text/plain", text) if text else None
            self._context.report(_READING + (1 - _READING) * fraction, preview)

    def finish(self) -> Output:
        """Return the whole answer. Raises JobError if there is none."""
        if self.text:
            return Output("text/plain", self.text)
        if self._tokens:
            message = f"The model used {self._tokens} tokens for reasoning alone; allow more max_tokens."
        else:
            message = "The model ended its answer before the first word; change the prompt or the seed."
        raise JobError("GENERATION_NO_RESULT", message)

    def _refusal(self, error: dict[str, Any]) -> JobError:
        if error.get("type") == "exceed_context_size_error":
            return self._too_long(error["n_prompt_tokens"])
        return JobError("GENERATION_INPUT_VALIDATION", f"The model refuses this: {error.get('message')}")

    def _too_long(self, tokens: int) -> JobError:
        message = (
            f"The prompt has {tokens} tokens with the system prompt, and the answer may have "
            f"{self._max_tokens} (max_tokens), but this model's context holds {self._context_size} in all; "
            "shorten the prompt"
        )
        left = self._context_size - tokens
        remedy = f" or ask for at most {left} max_tokens." if left > 0 else "."
        return JobError("GENERATION_INPUT_VALIDATION", message + remedy)


class Writer:
    """Answers requests; the model of the last one stays in memory."""

    def __init__(self) -> None:
        self._model: Model | None = None
        self._key: tuple[Any, ...] = ()

    def handle(self, request: dict[str, Any], context: JobContext) -> list[Output]:
        """Answer one request. Raises JobError and Cancelled."""
        model = self._get(Path(request["model"]), request["context"], request["threads"])
        answer = Answer(context, max_tokens=request["max_tokens"], context_size=model.context_size)
        model.write(request, answer)
        return [answer.finish()]

    def _get(self, path: Path, context: int, threads: int) -> Model:
        # A file that was replaced under the same name is another model.
        status = path.stat()
        key = (path, status.st_mtime_ns, status.st_size, context, threads)
        if self._model is None or key != self._key:
            # Released first, because two models may not fit into memory.
            self._model = None
            self._model = Model(path, context=context, threads=threads)
            self._key = key
        return self._model


def _context_size(address: str, key: str) -> int:
    """Ask the server for the size of its context: at most what the model was trained for."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    connection.request("GET", "/props", headers={"Authorization": f"Bearer {key}"})
    props = json.loads(connection.getresponse().read())
    connection.close()
    return int(props["default_generation_settings"]["n_ctx"])


if __name__ == "__main__":
    serve(Writer().handle)
