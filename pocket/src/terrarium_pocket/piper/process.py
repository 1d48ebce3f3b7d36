"""The process in which Piper voices speak; eSpeak NG, which gives the phonemes, has one of its own."""

import functools
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from terrarium_server.engines._child import Talk, Unfit, serve
from terrarium_server.engines._contract import Output
from terrarium_server.engines._speech.espeak import Espeak, EspeakError, open_espeak
from terrarium_server.engines._speech.language import NoSuchLanguage, find_language
from terrarium_server.engines._speech.sound import encoded, joined
from terrarium_server.engines._speech.text import clauses, sentences
from terrarium_server.engines._speech.voice import (
    BadVoice,
    Description,
    Network,
    NoSuchSpeaker,
    phoneme_ids,
    read_description,
    speaker_number,
)
from terrarium_server.media import AUDIO_TYPES

_THREADS = int(os.environ.get("TERRARIUM_CHILD_THREADS", "1"))
_SILENT = "There is nothing in the prompt that this voice can speak; give it words in its language."


@functools.cache
def _espeak() -> Espeak:
    return open_espeak()


# Few: a voice takes some 200 MiB.
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
    said = _espeak().phonemes(_handle_of(description.espeak_voice), [part.text for part in parts])
    row = [f"{phonemes}{part.mark}" for phonemes, part in zip(said, parts, strict=True) if phonemes]
    return phoneme_ids(description, " ".join(row))


def _speak(request: dict[str, Any], talk: Talk) -> list[Output]:
    path = Path(request["voice"])
    talk.report(0.0)
    description = read_description(path.with_name(f"{path.name}.json"))
    speaker = speaker_number(description, request["speaker"])
    network = _network(path.resolve(), path.stat().st_mtime)
    talk.report(0.05)
    written = sentences(request["prompt"])
    spoken: list[NDArray[np.float32]] = []
    for number, sentence in enumerate(written):
        if ids := _ids(description, sentence):
            seed = (request["seed"], number)
            spoken.append(network.speak(description, ids, seed=seed, rate=request["rate"], speaker=speaker))
        talk.report(0.05 + 0.9 * (number + 1) / len(written))
    if not spoken:
        raise Unfit("GENERATION_INPUT_VALIDATION", _SILENT)
    samples = joined(spoken, description.rate, request["pause"])
    data = encoded(samples, description.rate, request["format"])
    seconds = len(samples) / description.rate
    return [Output(AUDIO_TYPES[request["format"]], data, duration_seconds=seconds)]


def _handle(request: dict[str, Any], talk: Talk) -> list[Output]:
    try:
        return _speak(request, talk)
    except NoSuchSpeaker as error:
        raise Unfit("GENERATION_INVALID_PARAMS", f"{error}.") from error
    except (BadVoice, NoSuchLanguage, FileNotFoundError) as error:
        raise Unfit("GENERATION_ENDPOINT_NOT_FOUND", f"The voice cannot be used: {error}.") from error
    except EspeakError as error:
        raise Unfit("AUDIO_GENERATION_ERROR", f"{error}.") from error


if __name__ == "__main__":
    serve(_handle)
