"""The model process of the kind band."""

import functools
from pathlib import Path
from typing import Any

from terrarium_server.engines import Output
from terrarium_server.engines.child import JobContext, JobError, serve
from terrarium_server.media import AUDIO_TYPES, encode_audio

from .brief import BriefError, read_brief
from .compose import compose
from .mix import Stem, mix
from .perform import perform
from .synthesizer import RATE, Synthesizer

# The measured progress after composing, playing and mixing; the rest is encoding.
_COMPOSED, _PLAYED, _MIXED = 0.06, 0.5, 0.88

_synthesizer = functools.lru_cache(maxsize=1)(Synthesizer)


def _handle(request: dict[str, Any], context: JobContext) -> list[Output]:
    try:
        brief = read_brief(request["prompt"], request["params"], request["seed"])
    except BriefError as error:
        raise JobError("GENERATION_INVALID_PARAMS", str(error)) from error
    context.report(0.01)
    score = compose(brief)
    synthesizer = _synthesizer(Path(request["instruments"]))
    context.report(_COMPOSED)
    stems: list[Stem] = []
    for index, part in enumerate(score.parts):

        def report(fraction: float, index: int = index) -> None:
            context.report(_COMPOSED + (_PLAYED - _COMPOSED) * (index + fraction) / len(score.parts))

        notes = perform(score, part, brief)
        stems.append(Stem(part.role, synthesizer.play(part.instrument, notes, score.seconds, report)))
        report(1.0)
    sound = mix(
        stems,
        brief.style,
        score.seconds,
        lambda fraction: context.report(_PLAYED + (_MIXED - _PLAYED) * fraction),
    )
    context.report(_MIXED)
    format = request["params"]["format"]
    data = encode_audio(sound, RATE, format)
    return [Output(AUDIO_TYPES[format], data, duration_seconds=len(sound) / RATE)]


if __name__ == "__main__":
    serve(_handle)
