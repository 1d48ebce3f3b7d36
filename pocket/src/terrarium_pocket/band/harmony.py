"""The chords of a whole piece, and how they lie under the hands."""

import dataclasses
import random

from .brief import Brief
from .form import Form, Phrase
from .progressions import PROGRESSIONS
from .score import Span
from .theory import Chord, Key, chord, voicing

_CHANGES = {
    3: {1: (0, 3), 2: (0, 2, 3), 3: (0, 1, 2, 3)},
    4: {1: (0, 4), 2: (0, 2, 4), 3: (0, 2, 3, 4), 4: (0, 1, 2, 3, 4)},
}


def harmonise(brief: Brief, form: Form) -> tuple[Key, list[Span]]:
    """Return the key with its mode, and the chords up to and with the last."""
    dice = random.Random(f"{brief.seed} harmony")
    names = brief.style.minor if brief.key.minor else brief.style.major
    name = dice.choice(names)
    if brief.mood_name == "dreamy" and not brief.key.minor and brief.style.richness < 2:
        name = "lydian"
    grammar = PROGRESSIONS[name]
    key = dataclasses.replace(brief.key, mode=grammar.mode)
    material: dict[str, tuple[str, str, str]] = {}
    for letter in dict.fromkeys(phrase.letter for phrase in form.phrases):
        starts = grammar.open if letter == "A" else grammar.away
        used = {found[0] for found in material.values()}
        fresh = [bars for bars in _bars(starts) if bars not in used] or _bars(starts)
        closes = (dice.choice(_bars(grammar.half)), dice.choice(_bars(grammar.full)))
        material[letter] = (dice.choice(fresh), *closes)
    spans: list[Span] = []
    for phrase in form.phrases:
        bars = _phrase_bars(phrase, material[phrase.letter])
        if phrase.last:
            # What would come home here comes home in the final chord instead.
            half = material[phrase.letter][1].split(" | ")
            bars[-2:] = [*half[:1], dice.choice(_bars(grammar.last))][-len(bars) :]
        for index, bar in enumerate(bars):
            spans += _spans(bar, (phrase.first_bar + index) * brief.beats_per_bar, key, brief)
    home = "i" if key.minor else "I7" if name == "blues" else "I"
    ending = float(form.bars * brief.beats_per_bar)
    spans.append(Span(ending, float(brief.beats_per_bar), chord(home, key, brief.style.richness)))
    return key, spans


def _bars(alternatives: str) -> list[str]:
    return alternatives.split(" / ")


def _phrase_bars(phrase: Phrase, material: tuple[str, str, str]) -> list[str]:
    """Fill a phrase's bars from its opening and its close, repeating or leaving out what is needed."""
    start, half, full = (part.split(" | ") for part in material)
    close = full if phrase.closed and not phrase.intro else half
    if phrase.intro:
        return (start + half)[-phrase.bars :] if phrase.bars > 2 else start[: phrase.bars]
    if phrase.bars < 4:
        return (start + close)[-phrase.bars :] if phrase.bars > 1 else [start[0]]
    return (start + half + start + close)[-phrase.bars :] if phrase.bars > 4 else start + close


def _spans(bar: str, start: float, key: Key, brief: Brief) -> list[Span]:
    # Where the chords of a bar change, on its beats and not across them.
    symbols = bar.split()[-brief.beats_per_bar :]
    cuts = _CHANGES[brief.beats_per_bar][len(symbols)]
    return [
        Span(start + cuts[index], cuts[index + 1] - cuts[index], chord(symbol, key, brief.style.richness))
        for index, symbol in enumerate(symbols)
    ]


def lay(spans: list[Span], low: int, high: int, voices: int = 4) -> list[tuple[int, ...]]:
    """Return a voicing within ``low`` to ``high`` for each chord, led with the least motion."""
    laid: list[tuple[int, ...]] = []
    before: tuple[int, ...] | None = None
    for span in spans:
        before = voicing(_shown(span.chord, voices), before, low, high)
        laid.append(before)
    return laid


def _shown(found: Chord, voices: int) -> tuple[int, ...]:
    return found.tones[: voices + 1] if len(found.tones) > voices else found.tones
