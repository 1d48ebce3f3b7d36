"""The process in which language models write."""

import http.client
import importlib
import json
import secrets
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from terrarium_server.engines._child import Talk, Unfit, serve
from terrarium_server.engines._contract import Output

# It has no types to check against.
_xllamacpp: Any = importlib.import_module("xllamacpp")

# Tokens of a prompt that are read at once: between two such stretches a job can be cancelled.
_STRETCH = 64
_PREVIEW_SECONDS = 0.05
_ERRORS_ONLY = 1
# How much of the progress reading the prompt is.
_READING = 0.1


class Model:
    """A loaded GGUF file. Raises Unfit if it is none that llama.cpp can load."""

    def __init__(self, path: Path, *, context: int, threads: int) -> None:
        key = secrets.token_urlsafe(32)
        params = _xllamacpp.CommonParams()
        params.model.path = str(path)
        params.n_ctx = context
        params.n_parallel = 1
        params.n_batch = params.n_ubatch = _STRETCH
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
        params.warmup = False
        # What was computed for one prompt would make the next one's numbers differ in the last digit.
        params.cache_prompt = False
        params.cache_ram_mib = 0
        # It listens on loopback, for nobody but us.
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
                f"know, or needs more memory than there is with a context of {context} tokens. The server's "
                "log has the cause; replace the file, or use another model."
            )
            raise Unfit("GENERATION_FAILED_TO_START", message) from error
        self.context = _context(self._server.listening_address, key)

    def write(self, request: dict[str, Any], hearer: "Hearer") -> None:
        """Let it answer, token by token; the hearer's errors end it and come out of here."""
        trouble: list[BaseException] = []

        # llama.cpp calls this and would swallow what it raises; true means: write no more.
        def hear(chunk: dict[str, Any]) -> bool:
            try:
                hearer.hear(chunk)
            except BaseException as error:
                trouble.append(error)
            return bool(trouble)

        completion = {
            "messages": request["messages"],
            "max_tokens": request["max_tokens"],
            "stream": True,
            "return_progress": True,
            "cache_prompt": False,
            "dry_penalty_last_n": self.context,
            **request["sampling"],
        }
        try:
            self._server.handle_chat_completions(completion, hear)
        except ValueError as error:
            # The chat template's own refusal is the last line of a long story.
            cause = str(error).strip().splitlines()[-1]
            message = f"The model's chat template does not take this prompt: {cause}"
            raise Unfit("GENERATION_INPUT_VALIDATION", message) from error
        if trouble:
            raise trouble[0]


class Hearer:
    """Puts an answer together and reports it. Raises Unfit for what llama.cpp refuses, and Cancelled."""

    def __init__(self, talk: Talk, *, max_tokens: int, context: int) -> None:
        self._talk = talk
        self._max_tokens = max_tokens
        self._context = context
        self._parts: list[str] = []
        self._tokens = 0
        self._reported = 0.0

    @property
    def text(self) -> str:
        """The answer so far."""
        return "".join(self._parts).strip()

    def hear(self, chunk: dict[str, Any]) -> None:
        """Take one chunk of a streamed chat completion."""
        match chunk:
            case {"error": error}:
                raise self._refusal(error)
            case {"prompt_progress": {"total": total, "processed": processed}}:
                if total + self._max_tokens > self._context:
                    raise self._too_long(total)
                self._talk.report(_READING * processed / total)
            case {"choices": [{"delta": delta}]}:
                self._add(delta)
            case _:
                pass

    def _add(self, delta: dict[str, Any]) -> None:
        content: str = delta.get("content") or ""
        if not content and not delta.get("reasoning_content"):
            return
        self._parts.append(content)
        self._tokens += 1
        # A preview holds all the text: one for each token of a long answer would cost more than the answer.
        now = time.monotonic()
        if now - self._reported >= _PREVIEW_SECONDS:
            self._reported = now
            written = min(self._tokens / self._max_tokens, 1.0)
            text = self.text
            preview = Output("text/plain", text) if text else None
            self._talk.report(_READING + (1 - _READING) * written, preview)

    def finish(self) -> Output:
        """Return the whole answer. Raises Unfit if there is none."""
        if self.text:
            return Output("text/plain", self.text)
        if self._tokens:
            cause = f"The model thought for {self._tokens} tokens and wrote nothing; allow more max_tokens."
        else:
            cause = "The model ended its answer before the first word; change the prompt or the seed."
        raise Unfit("GENERATION_NO_RESULT", cause)

    def _refusal(self, error: dict[str, Any]) -> Unfit:
        if error.get("type") == "exceed_context_size_error":
            return self._too_long(error["n_prompt_tokens"])
        return Unfit("GENERATION_INPUT_VALIDATION", f"The model does not take this: {error.get('message')}")

    def _too_long(self, tokens: int) -> Unfit:
        message = (
            f"The prompt has {tokens} tokens with the system prompt, and up to {self._max_tokens} "
            f"(max_tokens) are to follow, but this model's context holds {self._context}; shorten the prompt"
        )
        less = self._context - tokens
        remedy = f" or ask for at most {less} max_tokens." if less > 0 else "."
        return Unfit("GENERATION_INPUT_VALIDATION", message + remedy)


class Desk:
    """The one model that is in memory, until another is asked for."""

    def __init__(self) -> None:
        self._model: Model | None = None
        self._stamp: tuple[Any, ...] = ()

    def handle(self, request: dict[str, Any], talk: Talk) -> list[Output]:
        """Answer one request."""
        model = self._get(Path(request["model"]), request["context"], request["threads"])
        hearer = Hearer(talk, max_tokens=request["max_tokens"], context=model.context)
        model.write(request, hearer)
        return [hearer.finish()]

    def _get(self, path: Path, context: int, threads: int) -> Model:
        # A file that was replaced under the same name is another model.
        there = path.stat()
        stamp = (path, there.st_mtime_ns, there.st_size, context, threads)
        if self._model is None or stamp != self._stamp:
            # Two may not fit into memory.
            self._model = None
            self._model = Model(path, context=context, threads=threads)
            self._stamp = stamp
        return self._model


def _context(address: str, key: str) -> int:
    """Ask how many tokens prompt and answer may have: no more than the model was trained for."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    connection.request("GET", "/props", headers={"Authorization": f"Bearer {key}"})
    props = json.loads(connection.getresponse().read())
    connection.close()
    return int(props["default_generation_settings"]["n_ctx"])


if __name__ == "__main__":
    serve(Desk().handle)
