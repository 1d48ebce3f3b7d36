"""The model process of the kind espeak: it has eSpeak NG speak each sentence, and joins them."""

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from terrarium_pocket.speech.espeak import Espeak, EspeakError, Voice, open_espeak
from terrarium_pocket.speech.language import NoSuchLanguage, find_language
from terrarium_pocket.speech.sound import encoded, joined
from terrarium_pocket.speech.text import sentences
from terrarium_server.engines import Output
from terrarium_server.engines.child import JobContext, JobError, serve
from terrarium_server.media import AUDIO_TYPES

_WORDS_PER_MINUTE = 175
_SILENT = "There is nothing in the prompt that can be spoken in this language; give it words."


@functools.cache
def _espeak() -> Espeak:
    return open_espeak()


@functools.cache
def _voices() -> list[Voice]:
    return _espeak().voices()


def _speak(request: dict[str, Any], context: JobContext) -> list[Output]:
    context.report(0.0)
    voice = find_language(request["language"], _voices())
    texts = sentences(request["prompt"])
    if request["variant"] != "default":
        voice = f"{voice}+{request['variant']}"
    speed = round(_WORDS_PER_MINUTE * request["rate"])
    parts: list[NDArray[np.float32]] = []
    rate = 0
    for number, text in enumerate(texts):
        spoken = _espeak().speak(voice, text, words_per_minute=speed, pitch=request["pitch"])
        samples = np.frombuffer(spoken.samples, "<i2").astype(np.float32) / 32768.0
        if samples.any():
            rate = spoken.rate
            parts.append(samples)
        context.report(0.95 * (number + 1) / len(texts))
    if not parts:
        raise JobError("GENERATION_INPUT_VALIDATION", _SILENT)
    samples = joined(parts, rate, request["pause"])
    data = encoded(samples, rate, request["format"])
    return [Output(AUDIO_TYPES[request["format"]], data, duration_seconds=len(samples) / rate)]


def _handle(request: dict[str, Any], context: JobContext) -> list[Output]:
    try:
        return _speak(request, context)
    except NoSuchLanguage as error:
        raise JobError("GENERATION_INVALID_PARAMS", str(error)) from error
    except EspeakError as error:
        raise JobError("AUDIO_GENERATION_ERROR", f"{error}.") from error


if __name__ == "__main__":
    serve(_handle)
