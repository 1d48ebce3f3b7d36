"""Language models in GGUF files, run with llama.cpp in processes of its own."""

import errno
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ._contract import Job, Refused
from ._limits import Limits
from ._pooled import Pooled
from ._process import ProcessPool
from ._setup import EngineOptions, Setup

_WEIGHTS = "model.gguf"
_MAGIC = b"GGUF"
_MAX_TOKENS = 512
# Loading a large file is one silent call, and so is a stretch of a long prompt on a slow machine.
_PATIENCE = 300.0
# As long as a stretch of a prompt takes; afterwards the weights would have to be loaded again.
_CANCEL_GRACE = 10.0
# Half a day on each of its cores.
_SECONDS = 43_200
# llama.cpp takes 32 bits, and the highest of them means "roll one".
_SEEDS = 2**32 - 1
# Our names for what llama.cpp can be told about choosing the next word.
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
    """What an owner may say of this engine."""

    threads: int = Field(
        default=1,
        ge=1,
        le=256,
        description="Processor cores for each answer; more than are idle make it slower.",
    )
    idle_seconds: float = Field(
        default=300.0, gt=0, description="How long a model stays in memory after its last job, in seconds."
    )


OPTIONS = LlamaOptions


class _Card(BaseModel):
    """What a card may say under ``[options]``.

    ``file`` is a GGUF file, from where the card lies; ``context`` bounds prompt and answer together, in
    tokens; ``dry_multiplier`` is how strongly repeated phrases are avoided (llama.cpp's DRY), 0 for not.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    file: str | None = Field(None, min_length=1)
    context: int = Field(4096, ge=64, le=1_048_576)
    dry_multiplier: float = Field(0.0, ge=0, le=5)

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Self:
        """Read a card's options. Raises ValueError that names what is wrong and what is taken."""
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            causes = [f"options.{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
            raise ValueError(f"{'; '.join(causes)}; it takes: {', '.join(cls.model_fields)}") from error


class LlamaEngine(Pooled):
    """Writes text with a model that stays loaded. Repeatable: same job, same text."""

    def __init__(self, setup: Setup) -> None:
        """Use at most ``setup.processes`` writers, each with one model in memory (its weights are shared)."""
        options = setup.options
        assert isinstance(options, LlamaOptions)
        self._threads = options.threads
        pool = ProcessPool(
            "terrarium_server.engines._llama_process",
            processes=setup.processes,
            scratch=setup.scratch,
            # The owner chose the model and its context, it may lie on a GPU, and people send it text alone.
            limits=Limits(seconds=_SECONDS * options.threads, memory=None),
            patience=_PATIENCE,
            idle_seconds=options.idle_seconds,
            threads=options.threads,
            cancel_grace=_CANCEL_GRACE,
        )
        super().__init__(setup.name, pool)

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Say what is missing: llama.cpp, or the card's file."""
        if importlib.util.find_spec("xllamacpp") is None:
            return "llama.cpp is not installed; run: pip install xllamacpp"
        try:
            card = _Card.read(job_options)
        except ValueError as error:
            return str(error)
        return None if card.file is None else _trouble(Path(card.file))

    def request(self, job: Job) -> dict[str, Any]:
        """Ask for a text. Raises Refused for another type, a missing file or an unknown parameter."""
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
        try:
            card = _Card.read(job.options)
        except ValueError as error:
            raise Refused("GENERATION_PROVIDER_NOT_SUPPORTED", f"{job.model_id}: {error}.") from error
        if card.file is not None:
            path = Path(card.file)
        elif _WEIGHTS in job.weights:
            path = job.weights[_WEIGHTS]
        else:
            message = f"{job.model_id} names no model: give [options] file, or [weights] with {_WEIGHTS}."
            raise Refused("GENERATION_PROVIDER_NOT_SUPPORTED", message)
        trouble = _trouble(path)
        if trouble is not None:
            raise Refused("GENERATION_PROVIDER_NOT_SUPPORTED", f"{job.model_id} cannot be used: {trouble}.")
        return path, card


def _trouble(path: Path) -> str | None:
    """Say why a file is no model, as far as can be seen without loading it."""
    try:
        with path.open("rb") as file:
            magic = file.read(len(_MAGIC))
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
            # That is this server's trouble for a moment, and says nothing of the file.
            return None
        return f"{path} cannot be read ({error.strerror}); put the GGUF file there or correct options.file"
    return None if magic == _MAGIC else f"{path} is not a GGUF file; convert it, or name another"


def build(setup: Setup) -> LlamaEngine:
    """Make the engine for this server."""
    return LlamaEngine(setup)
