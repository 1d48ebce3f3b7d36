"""Finds the voice for the name of a language."""

import difflib
from collections.abc import Sequence

from .espeak import Voice

_SHOWN = 6


class NoSuchLanguage(Exception):
    """No voice has this name; the message suggests similar ones."""


def find_language(wanted: str, voices: Sequence[Voice]) -> str:
    """Return the handle of the voice for a language's code or a voice's name. Raises NoSuchLanguage."""
    name = _normalised(wanted)
    matches = [
        (rank, voice.handle)
        for voice in voices
        for code, rank in voice.languages
        if name in (_normalised(code), _normalised(voice.name), _normalised(voice.handle))
    ]
    if matches:
        return min(matches, key=lambda match: match[0])[1]
    suggestions = (
        ", ".join(_similar(name, voices)) or "en-us (English (America)), de (German), fr-fr (French (France))"
    )
    raise NoSuchLanguage(
        f"There is no language {wanted[:40]!r}; similar: {suggestions}. eSpeak NG has {len(voices)} voices "
        "here; give a language's code or a voice's name."
    )


def _similar(wanted: str, voices: Sequence[Voice]) -> list[str]:
    """Return the voices whose code or name is spelt similarly, the most similar first."""

    def similarity(voice: Voice) -> float:
        words = [_normalised(code) for code, _ in voice.languages]
        words += [
            _normalised(voice.name),
            *_normalised(voice.name).replace("(", " ").replace(")", " ").split(),
        ]
        same_start = 0.9 if wanted.split("-")[0] in [word.split("-")[0] for word in words] else 0.0
        return max(same_start, *(difflib.SequenceMatcher(None, wanted, word).ratio() for word in words))

    ranked = sorted(voices, key=similarity, reverse=True)[:_SHOWN]
    return [f"{voice.languages[0][0]} ({voice.name})" for voice in ranked if similarity(voice) >= 0.6]


def _normalised(name: str) -> str:
    return name.strip().casefold().replace("_", "-")
