"""Finding the voice that somebody means."""

import difflib
from collections.abc import Sequence

from .espeak import Voice

_SHOWN = 6


class NoSuchLanguage(Exception):
    """No voice goes by this name; the message names those that are near."""


def find_language(wanted: str, voices: Sequence[Voice]) -> str:
    """Return the handle of the voice that is meant by a language's code or a voice's name.

    Raises NoSuchLanguage.
    """
    asked = _plain(wanted)
    fitting = [
        (rank, voice.handle)
        for voice in voices
        for code, rank in voice.languages
        if asked in (_plain(code), _plain(voice.name), _plain(voice.handle))
    ]
    if fitting:
        return min(fitting, key=lambda found: found[0])[1]
    near = (
        ", ".join(_near(asked, voices)) or "en-us (English (America)), de (German), fr-fr (French (France))"
    )
    raise NoSuchLanguage(
        f"There is no language {wanted[:40]!r}; near it: {near}. eSpeak NG has {len(voices)} voices here; "
        "give a language's code or a voice's name."
    )


def _near(asked: str, voices: Sequence[Voice]) -> list[str]:
    """Voices with a code or a word of their name that is spelt alike, the likest first."""

    def likeness(voice: Voice) -> float:
        words = [_plain(code) for code, _ in voice.languages]
        words += [_plain(voice.name), *_plain(voice.name).replace("(", " ").replace(")", " ").split()]
        same_start = 0.9 if asked.split("-")[0] in [word.split("-")[0] for word in words] else 0.0
        return max(same_start, *(difflib.SequenceMatcher(None, asked, word).ratio() for word in words))

    ranked = sorted(voices, key=likeness, reverse=True)[:_SHOWN]
    return [f"{voice.languages[0][0]} ({voice.name})" for voice in ranked if likeness(voice) >= 0.6]


def _plain(name: str) -> str:
    return name.strip().casefold().replace("_", "-")
