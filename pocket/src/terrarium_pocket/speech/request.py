"""The checks of a job for speech. The server imports this module, so it imports nothing heavy."""

from typing import Any

from terrarium_server.engines import Job, Refused

_LONGEST = 20_000
_FORMATS = ("mp3", "wav", "m4a")


def speech_request(job: Job) -> dict[str, Any]:
    """Return the part of a job's request that all kinds share. Raises Refused."""
    if job.type != "audio":
        raise Refused(
            "GENERATION_PROVIDER_NOT_SUPPORTED", f"A speaking voice makes no {job.type}, only audio."
        )
    if not job.prompt.strip():
        raise Refused("GENERATION_INPUT_VALIDATION", "The prompt is the text to speak, and it is empty.")
    if len(job.prompt) > _LONGEST:
        raise Refused(
            "GENERATION_INPUT_VALIDATION",
            f"The text has {len(job.prompt)} characters; a run speaks at most {_LONGEST}, about 20 minutes.",
        )
    format = job.params.get("format", "mp3")
    if format not in _FORMATS:
        raise Refused("GENERATION_INVALID_PARAMS", f"format must be one of: {', '.join(_FORMATS)}.")
    rate = float(job.params.get("rate", 1.0))
    if not 0.5 <= rate <= 2.0:
        raise Refused("GENERATION_INVALID_PARAMS", "rate must be between 0.5 and 2.")
    pause = float(job.params.get("sentence_pause", 0.3))
    if not 0.0 <= pause <= 5.0:
        raise Refused("GENERATION_INVALID_PARAMS", "sentence_pause must be between 0 and 5 seconds.")
    return {"prompt": job.prompt, "seed": job.seed, "rate": rate, "pause": pause, "format": format}
