"""The engine of the kind ``llama``, as the server sees it."""

import errno
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from terrarium_server.engines import Job, Refused
from terrarium_server.engines.processes import Limits, PooledEngine, ProcessPool
from terrarium_server.engines.setup import CardOptions, EngineOptions, Setup

_WEIGHTS = "model.gguf"
_MAGIC = b"GGUF"
_MAX_TOKENS = 512
# Loading a large file is one call without progress, and so is a batch of a long prompt on a slow machine.
_PATIENCE = 300.0
# As long as a batch of a prompt takes. After it the process is killed and must load its weights again.
_CANCEL_GRACE = 10.0
# Half a day on each of its cores.
_SECONDS = 43_200
# llama.cpp's seeds have 32 bits, and the highest one means a random seed.
_SEEDS = 2**32 - 1
# The parameters of sampling, and their names in llama.cpp.
_SAMPLING = {
    "temperature": "temperature",
    "top_p": "top_p",
    "top_k": "top_k",
    "min_p": "min_p",
    "repetition_penalty": "repeat_penalty",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
}
_KNOWN = ("system_prompt", "max_tokens", "seed", *_SAMPLING)


class LlamaOptions(EngineOptions):
    """The owner's options for this kind."""

    threads: int = Field(
        default=1,
        ge=1,
        le=256,
        description="Processor cores for each answer; more than are free make it slower.",
    )
    idle_seconds: float = Field(
        default=300.0, gt=0, description="How long a model stays in memory after its last job, in seconds."
    )


OPTIONS = LlamaOptions


class _Card(CardOptions):
    """A card's ``[options]``.

    ``file`` is a GGUF file, relative to the card. ``context`` limits prompt and answer together, in tokens.
    ``dry_multiplier`` is how strongly repeated phrases are avoided (llama.cpp's DRY); 0 turns it off.
    """

    file: str | None = Field(None, min_length=1)
    context: int = Field(4096, ge=64, le=1_048_576)
    dry_multiplier: float = Field(0.0, ge=0, le=5)


class LlamaEngine(PooledEngine):
    """Writes text; a model stays loaded between jobs. Repeatable: same job, same text."""

    def __init__(self, setup: Setup) -> None:
        """Use at most ``setup.processes`` processes, each with one model; the memory of weights is shared."""
        options = setup.options
        assert isinstance(options, LlamaOptions)
        self._threads = options.threads
        pool = ProcessPool(
            "terrarium_pocket.llama.process",
            processes=setup.processes,
            scratch=setup.scratch,
            # No limit on memory: the owner chooses the model, it may be on a GPU, and callers send only text.
            limits=Limits(seconds=_SECONDS * options.threads, memory=None),
            patience=_PATIENCE,
            idle_seconds=options.idle_seconds,
            threads=options.threads,
            cancel_grace=_CANCEL_GRACE,
        )
        super().__init__(setup.name, pool)

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Return what is missing: llama.cpp, or the card's file."""
        if importlib.util.find_spec("xllamacpp") is None:
            return "llama.cpp is not installed; run: pip install xllamacpp"
        try:
            card = _Card.read(job_options)
        except ValueError as error:
            return str(error)
        return None if card.file is None else _file_problem(Path(card.file))

    def request(self, job: Job) -> dict[str, Any]:
        """Return the request for a text. Raises Refused for another type, a missing file or parameter."""
        if job.type != "text":
            raise Refused("GENERATION_PROVIDER_NOT_SUPPORTED", f"The llama engine makes no {job.type}.")
        unknown = [name for name in job.params if name not in _KNOWN]
        if unknown:
            message = f"The llama engine does not know {', '.join(unknown)}; it takes: {', '.join(_KNOWN)}."
            raise Refused("GENERATION_INVALID_PARAMS", message)
        path, card = self._find(job)
        system = str(job.params.get("system_prompt", "")).strip()
        messages = [{"role": "system", "content": system}] if system else []
        return {
            "model": str(path),
            "context": card.context,
            "threads": self._threads,
            "messages": [*messages, {"role": "user", "content": job.prompt}],
            "max_tokens": job.params.get("max_tokens", _MAX_TOKENS),
            "sampling": {
                "seed": job.seed % _SEEDS,
                "dry_multiplier": card.dry_multiplier,
                **{_SAMPLING[name]: value for name, value in job.params.items() if name in _SAMPLING},
            },
        }

    def _find(self, job: Job) -> tuple[Path, _Card]:
        card = _Card.of_job(job)
        if card.file is not None:
            path = Path(card.file)
        elif _WEIGHTS in job.weights:
            path = job.weights[_WEIGHTS]
        else:
            message = f"{job.model_id} names no model: give [options] file, or [weights] with {_WEIGHTS}."
            raise Refused("GENERATION_PROVIDER_NOT_SUPPORTED", message)
        problem = _file_problem(path)
        if problem is not None:
            raise Refused("GENERATION_PROVIDER_NOT_SUPPORTED", f"{job.model_id} cannot be used: {problem}.")
        return path, card


def _file_problem(path: Path) -> str | None:
    """Return why a file is no model, as far as its first bytes show."""
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
            # A temporary shortage of this server, and no error of the file.
            return None
        return f"{path} cannot be read ({error.strerror}); put the GGUF file there or correct options.file"
    return None if magic == _MAGIC else f"{path} is not a GGUF file; convert it, or name another"


def build(setup: Setup) -> LlamaEngine:
    """Build an engine."""
    return LlamaEngine(setup)
