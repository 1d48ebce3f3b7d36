"""Piper voices: natural speech from a small network, spoken in a process of its own."""

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ._contract import Job, Refused
from ._limits import GIB, Limits, size_of
from ._pooled import Pooled
from ._process import ProcessPool
from ._setup import EngineOptions, Setup
from ._speech.espeak import espeak_problem
from ._speech.request import speech_request

OPTIONS = EngineOptions

_WEIGHTS = "voice.onnx"
_THREADS = 4
# The longest text, spoken slowly, takes 4.1 GiB and 230 s with a voice of 60 MB.
_LIMITS = Limits(seconds=7200, memory=8 * GIB)
# A process keeps two voices, and an open network takes several times the bytes of its file.
_MEMORY_PER_WEIGHT = 8


class PiperEngine(Pooled):
    """Speaks with the voice of the card's weights, or the one its ``[options]`` name. Repeatable."""

    def __init__(self, setup: Setup) -> None:
        """Use at most ``setup.processes`` speakers."""
        pool = ProcessPool(
            "terrarium_server.engines._piper_process",
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
        """Say what is missing here: eSpeak NG, onnxruntime, or the voice of the card."""
        if problem := espeak_problem():
            return problem
        if importlib.util.find_spec("onnxruntime") is None:
            return "onnxruntime is missing: pip install onnxruntime"
        voice = job_options.get("file")
        if voice is None:
            return None
        if not isinstance(voice, str):
            return "[options] file must be the path of a Piper voice, NAME.onnx"
        return _missing(Path(voice))

    def request(self, job: Job) -> dict[str, Any]:
        """Ask for a text to be spoken. Raises Refused for another type, no text, or a missing voice."""
        asked = speech_request(job)
        voice = _voice(job)
        if problem := _missing(voice):
            raise Refused("GENERATION_ENDPOINT_NOT_FOUND", problem)
        more = {"more_memory": _MEMORY_PER_WEIGHT * size_of(voice)}
        return {**asked, **more, "voice": str(voice), "speaker": job.params.get("speaker")}


def threads_for(processes: int) -> int:
    """Return how many cores each of the processes may use; the speech is the same with any number."""
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


def _missing(voice: Path) -> str | None:
    if not voice.is_file():
        return (
            f"The voice {voice.name} is not there; put it where the card says, beside its {voice.name}.json."
        )
    if not voice.with_name(f"{voice.name}.json").is_file():
        return (
            f"The voice {voice.name} has no {voice.name}.json beside it; it comes from where the voice does."
        )
    return None


def build(setup: Setup) -> PiperEngine:
    """Make the engine for this server."""
    return PiperEngine(setup)
