"""The process in which the band plays."""

import functools
from pathlib import Path
from typing import Any

from terrarium_server.engines._band import Unplayable, compose, read_brief
from terrarium_server.engines._band.mix import Stem, mix
from terrarium_server.engines._band.perform import perform
from terrarium_server.engines._band.play import RATE, Orchestra
from terrarium_server.engines._child import Talk, Unfit, serve
from terrarium_server.engines._contract import Output
from terrarium_server.media import AUDIO_TYPES, encode_audio

# Shares of the whole, as measured: playing, then mixing; what remains is encoding.
_WRITTEN, _PLAYED, _MIXED = 0.06, 0.5, 0.88

_orchestra = functools.lru_cache(maxsize=1)(Orchestra)


def _handle(request: dict[str, Any], talk: Talk) -> list[Output]:
    try:
        brief = read_brief(request["prompt"], request["params"], request["seed"])
    except Unplayable as unplayable:
        raise Unfit("GENERATION_INVALID_PARAMS", str(unplayable)) from unplayable
    talk.report(0.01)
    score = compose(brief)
    orchestra = _orchestra(Path(request["instruments"]))
    talk.report(_WRITTEN)
    stems: list[Stem] = []
    for index, part in enumerate(score.parts):

        def played(fraction: float, index: int = index) -> None:
            talk.report(_WRITTEN + (_PLAYED - _WRITTEN) * (index + fraction) / len(score.parts))

        strokes = perform(score, part, brief)
        stems.append(Stem(part.role, orchestra.play(part.instrument, strokes, score.seconds, played)))
        played(1.0)
    sound = mix(
        stems,
        brief.style,
        score.seconds,
        lambda fraction: talk.report(_PLAYED + (_MIXED - _PLAYED) * fraction),
    )
    talk.report(_MIXED)
    format = request["params"]["format"]
    data = encode_audio(sound, RATE, format)
    return [Output(AUDIO_TYPES[format], data, duration_seconds=len(sound) / RATE)]


if __name__ == "__main__":
    serve(_handle)
