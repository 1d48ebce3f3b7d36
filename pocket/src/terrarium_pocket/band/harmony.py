"""The chords of a whole piece, and their voicings."""

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
    """Return the key with its mode, and all chords."""
    rng = random.Random(f"{brief.seed} harmony")
    names = brief.style.minor if brief.key.minor else brief.style.major
    name = rng.choice(names)
    if brief.mood_name == "dreamy" and not brief.key.minor and brief.style.richness < 2:
        name = "lydian"
    grammar = PROGRESSIONS[name]
    key = dataclasses.replace(brief.key, mode=grammar.mode)
    material: dict[str, tuple[str, str, str]] = {}
    for letter in dict.fromkeys(phrase.letter for phrase in form.phrases):
        starts = grammar.open if letter == "A" else grammar.away
        used = {opening for opening, _, _ in material.values()}
        fresh = [bars for bars in _bars(starts) if bars not in used] or _bars(starts)
        closes = (rng.choice(_bars(grammar.half)), rng.choice(_bars(grammar.full)))
        material[letter] = (rng.choice(fresh), *closes)
    spans: list[Span] = []
    for phrase in form.phrases:
        bars = _phrase_bars(phrase, material[phrase.letter])
        if phrase.last:
            # The last phrase ends on the tonic only in the final chord.
            half = material[phrase.letter][1].split(" | ")
            bars[-2:] = [*half[:1], rng.choice(_bars(grammar.last))][-len(bars) :]
        for index, bar in enumerate(bars):
            spans += _spans(bar, (phrase.first_bar + index) * brief.beats_per_bar, key, brief)
    home = "i" if key.minor else "I7" if name == "blues" else "I"
    ending = float(form.bars * brief.beats_per_bar)
    spans.append(Span(ending, float(brief.beats_per_bar), chord(home, key, brief.style.richness)))
    return key, spans


def _bars(alternatives: str) -> list[str]:
    return alternatives.split(" / ")


def _phrase_bars(phrase: Phrase, material: tuple[str, str, str]) -> list[str]:
    """Fill the bars of a phrase from its opening and its close, repeated or shortened as needed."""
    start, half, full = (part.split(" | ") for part in material)
    close = full if phrase.closed and not phrase.intro else half
    if phrase.intro:
        return (start + half)[-phrase.bars :] if phrase.bars > 2 else start[: phrase.bars]
    if phrase.bars < 4:
        return (start + close)[-phrase.bars :] if phrase.bars > 1 else [start[0]]
    return (start + half + start + close)[-phrase.bars :] if phrase.bars > 4 else start + close


def _spans(bar: str, start: float, key: Key, brief: Brief) -> list[Span]:
    # Chords change on the beats of a bar.
    symbols = bar.split()[-brief.beats_per_bar :]
    cuts = _CHANGES[brief.beats_per_bar][len(symbols)]
    return [
        Span(start + cuts[index], cuts[index + 1] - cuts[index], chord(symbol, key, brief.style.richness))
        for index, symbol in enumerate(symbols)
    ]


def voice_chords(spans: list[Span], low: int, high: int, voices: int = 4) -> list[tuple[int, ...]]:
    """Return a voicing within ``low`` to ``high`` for each chord, with the least motion between them."""
    voicings: list[tuple[int, ...]] = []
    before: tuple[int, ...] | None = None
    for span in spans:
        before = voicing(_used_tones(span.chord, voices), before, low, high)
        voicings.append(before)
    return voicings


def _used_tones(chord: Chord, voices: int) -> tuple[int, ...]:
    return chord.tones[: voices + 1] if len(chord.tones) > voices else chord.tones
