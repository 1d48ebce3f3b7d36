"""The model process of the kind piper; eSpeak NG, which provides the phonemes, runs in one of its own."""

import functools
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from terrarium_pocket.speech.espeak import Espeak, EspeakError, open_espeak
from terrarium_pocket.speech.language import NoSuchLanguage, find_language
from terrarium_pocket.speech.sound import encoded, joined
from terrarium_pocket.speech.text import clauses, sentences
from terrarium_server.engines import Output
from terrarium_server.engines.child import JobContext, JobError, serve
from terrarium_server.media import AUDIO_TYPES

from .voice import (
    BadVoice,
    Description,
    Network,
    NoSuchSpeaker,
    phoneme_ids,
    read_description,
    speaker_number,
)

_THREADS = int(os.environ.get("TERRARIUM_CHILD_THREADS", "1"))
_SILENT = "There is nothing in the prompt that this voice can speak; give it words in its language."


@functools.cache
def _espeak() -> Espeak:
    return open_espeak()


# A voice takes some 200 MiB.
@functools.lru_cache(maxsize=2)
def _network(path: Path, _changed: float) -> Network:
    return Network(path, threads=_THREADS)


@functools.cache
def _handle_of(language: str) -> str:
    return find_language(language, _espeak().voices())


def _ids(description: Description, sentence: str) -> list[int]:
    if description.espeak_voice is None:
        return phoneme_ids(description, sentence.lower())
    parts = clauses(sentence)
    phonemes = _espeak().phonemes(_handle_of(description.espeak_voice), [part.text for part in parts])
    spoken = [f"{sounds}{part.mark}" for sounds, part in zip(phonemes, parts, strict=True) if sounds]
    return phoneme_ids(description, " ".join(spoken))


def _speak(request: dict[str, Any], context: JobContext) -> list[Output]:
    path = Path(request["voice"])
    context.report(0.0)
    description = read_description(path.with_name(f"{path.name}.json"))
    speaker = speaker_number(description, request["speaker"])
    network = _network(path.resolve(), path.stat().st_mtime)
    context.report(0.05)
    texts = sentences(request["prompt"])
    spoken: list[NDArray[np.float32]] = []
    for number, sentence in enumerate(texts):
        if ids := _ids(description, sentence):
            seed = (request["seed"], number)
            spoken.append(network.speak(description, ids, seed=seed, rate=request["rate"], speaker=speaker))
        context.report(0.05 + 0.9 * (number + 1) / len(texts))
    if not spoken:
        raise JobError("GENERATION_INPUT_VALIDATION", _SILENT)
    samples = joined(spoken, description.rate, request["pause"])
    data = encoded(samples, description.rate, request["format"])
    seconds = len(samples) / description.rate
    return [Output(AUDIO_TYPES[request["format"]], data, duration_seconds=seconds)]


def _handle(request: dict[str, Any], context: JobContext) -> list[Output]:
    try:
        return _speak(request, context)
    except NoSuchSpeaker as error:
        raise JobError("GENERATION_INVALID_PARAMS", f"{error}.") from error
    except (BadVoice, NoSuchLanguage, FileNotFoundError) as error:
        raise JobError("GENERATION_ENDPOINT_NOT_FOUND", f"The voice cannot be used: {error}.") from error
    except EspeakError as error:
        raise JobError("AUDIO_GENERATION_ERROR", f"{error}.") from error


if __name__ == "__main__":
    serve(_handle)
