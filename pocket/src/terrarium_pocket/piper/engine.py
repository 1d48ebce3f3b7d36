"""The engine of the kind ``piper``, as the server sees it."""

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from terrarium_pocket.speech.espeak import espeak_problem
from terrarium_pocket.speech.request import speech_request
from terrarium_server.engines import Job, Refused
from terrarium_server.engines.processes import GIB, Limits, PooledEngine, ProcessPool, size_of
from terrarium_server.engines.setup import EngineOptions, Setup

OPTIONS = EngineOptions

_WEIGHTS = "voice.onnx"
_THREADS = 4
# The longest text, spoken slowly, takes 4.1 GiB and 230 s with a voice of 60 MB.
_LIMITS = Limits(seconds=7200, memory=8 * GIB)
# A process keeps two voices, and an open network takes several times the bytes of its file.
_MEMORY_PER_WEIGHT = 8


class PiperEngine(PooledEngine):
    """Speaks with the voice of a card's weights or ``[options]``. Repeatable: same job, same bytes."""

    def __init__(self, setup: Setup) -> None:
        """Use at most ``setup.processes`` processes."""
        pool = ProcessPool(
            "terrarium_pocket.piper.process",
            processes=setup.processes,
            scratch=setup.scratch,
            limits=_LIMITS,
            patience=300,
            idle_seconds=300,
            threads=threads_for(setup.processes),
            cancel_grace=5,
        )
        super().__init__(setup.name, pool)

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Return what is missing: eSpeak NG, onnxruntime, or the voice of the card."""
        if problem := espeak_problem():
            return problem
        if importlib.util.find_spec("onnxruntime") is None:
            return "onnxruntime is missing: pip install onnxruntime"
        voice = job_options.get("file")
        if voice is None:
            return None
        if not isinstance(voice, str):
            return "[options] file must be the path of a Piper voice, NAME.onnx"
        return _voice_problem(Path(voice))

    def request(self, job: Job) -> dict[str, Any]:
        """Return the request for a text. Raises Refused for another type, no text, or a missing voice."""
        request = speech_request(job)
        voice = _voice(job)
        if problem := _voice_problem(voice):
            raise Refused("GENERATION_ENDPOINT_NOT_FOUND", problem)
        more = {"more_memory": _MEMORY_PER_WEIGHT * size_of(voice)}
        return {**request, **more, "voice": str(voice), "speaker": job.params.get("speaker")}


def threads_for(processes: int) -> int:
    """Return the number of threads for each process; the speech is the same with any number."""
    return max(1, min(_THREADS, (os.cpu_count() or 1) // processes))


def _voice(job: Job) -> Path:
    named = job.options.get("file")
    if named:
        return Path(str(named))
    if _WEIGHTS not in job.weights:
        message = (
            f'The card {job.model_id} names no voice: give it [weights], or file = "NAME.onnx" in [options].'
        )
        raise Refused("GENERATION_ENDPOINT_NOT_FOUND", message)
    return job.weights[_WEIGHTS]


def _voice_problem(voice: Path) -> str | None:
    if not voice.is_file():
        return (
            f"The voice {voice.name} is missing; put it where the card says, next to its {voice.name}.json."
        )
    if not voice.with_name(f"{voice.name}.json").is_file():
        return f"The voice {voice.name} has no {voice.name}.json next to it; download it with the voice."
    return None


def build(setup: Setup) -> PiperEngine:
    """Build an engine."""
    return PiperEngine(setup)
