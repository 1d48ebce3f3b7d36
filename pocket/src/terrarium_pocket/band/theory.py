"""Keys, chords written as Roman numerals, and voicings."""

import functools
import itertools
import re
from dataclasses import dataclass

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
}
LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_DEGREES = ("I", "II", "III", "IV", "V", "VI", "VII")
_SYMBOL = re.compile(r"(b?)([ivIV]+)(°|ø|)(sus|)(7|)(?:/(3|5|[ivIV]+))?")
_THIRDS = {"°": (0, 3, 6), "ø": (0, 3, 6), "sus": (0, 5, 7), "upper": (0, 4, 7), "lower": (0, 3, 7)}


@dataclass(frozen=True, slots=True)
class Key:
    """``tonic`` is a pitch class, ``mode`` one of `SCALES`."""

    tonic: int
    mode: str

    @property
    def minor(self) -> bool:
        """Whether its third is minor."""
        return 3 in SCALES[self.mode]

    @property
    def name(self) -> str:
        """The usual notation: ``F#m``, ``Eb``."""
        return _NAMES[self.tonic] + ("m" if self.minor else "")

    @property
    def scale(self) -> frozenset[int]:
        """Its pitch classes."""
        return frozenset((self.tonic + step) % 12 for step in SCALES[self.mode])


@dataclass(frozen=True, slots=True)
class Chord:
    """``tones`` are pitch classes from the root up; ``scale`` are those that may be played over it."""

    symbol: str
    root: int
    bass: int
    tones: tuple[int, ...]
    scale: frozenset[int]


@functools.cache
def chord(symbol: str, key: Key, richness: int) -> Chord:
    """Read a numeral such as ``ii``, ``bVII``, ``V7``, ``viiø``, ``V/vi`` or ``I/3`` (third in the bass).

    ``richness`` 0 gives triads, 1 adds the seventh, 2 the ninth, if the scale has them.
    """
    match = _SYMBOL.fullmatch(symbol)
    if match is None:
        raise ValueError(f"not a chord: {symbol}")
    flat, numeral, quality, sus, seven, below = match.groups()
    home = key.tonic
    steps = SCALES[key.mode]
    secondary = below is not None and below not in ("3", "5")
    if secondary:
        home = (home + steps[_DEGREES.index(str(below).upper())]) % 12
        steps = SCALES["major"]
    root = (home + steps[_DEGREES.index(numeral.upper())] - len(flat)) % 12
    triad_type = quality or sus or ("upper" if numeral.isupper() else "lower")
    triad = [(root + step) % 12 for step in _THIRDS[triad_type]]
    scale = _fitted(key.scale, triad, triad_type)
    tones = list(triad)
    dominant = seven == "7" or secondary or (numeral == "V" and key.mode in ("major", "minor"))
    if richness > 0 or seven or secondary:
        tones.append((root + _seventh(root, scale, triad_type, dominant=dominant)) % 12)
    if richness > 1 and (root + 2) % 12 in scale and triad_type not in ("°", "ø", "sus"):
        tones.append((root + 2) % 12)
    scale = _fitted(scale, tones[3:4], "")
    bass = triad[{"3": 1, "5": 2}.get(below or "", 0)]
    return Chord(symbol, root, bass, tuple(tones), scale)


def _seventh(root: int, scale: frozenset[int], triad_type: str, *, dominant: bool) -> int:
    if triad_type == "°":
        return 9
    if dominant or triad_type in ("ø", "lower", "sus"):
        return 10
    return 11 if (root + 11) % 12 in scale else 10


def _fitted(scale: frozenset[int], tones: list[int], triad_type: str) -> frozenset[int]:
    """Return the scale with a chord's foreign tones, each instead of the degree that it alters."""
    fitted = set(scale)
    for index, tone in enumerate(tones):
        if tone not in fitted:
            # A raised leading tone replaces the degree below it, a borrowed flat the one above.
            raised = triad_type == "°" or (triad_type == "upper" and index == 1)
            fitted.discard((tone + (-1 if raised else 1)) % 12)
            fitted.add(tone)
    return frozenset(fitted)


def voicing(tones: tuple[int, ...], before: tuple[int, ...] | None, low: int, high: int) -> tuple[int, ...]:
    """Return the best pitches within ``low`` to ``high``, with little motion from those ``before``.

    Of four or more tones the root is left to the bass.
    """
    wanted = tones[1:] if len(tones) > 3 else tones
    middle = (low + high) / 2
    best: tuple[float, tuple[int, ...]] | None = None
    pitches = [[pitch for pitch in range(low, high + 1) if pitch % 12 == tone] for tone in wanted]
    for choice in itertools.product(*pitches):
        notes = tuple(sorted(choice))
        gaps = [above - under for under, above in itertools.pairwise(notes)]
        if notes[-1] - notes[0] > 16 or (gaps and min(gaps) == 0):
            continue
        cost = abs(sum(notes) / len(notes) - middle) * 0.35 + sum(gap == 1 for gap in gaps) * 3
        cost += sum(gap > 9 for gap in gaps) * 2 + (gaps[0] < 3 and notes[0] < 52) * 4
        if before:
            cost += sum(min(abs(note - old) for old in before) for note in notes)
            cost += 0.7 * abs(notes[-1] - before[-1]) + 0.4 * abs(notes[0] - before[0])
        if best is None or cost < best[0]:
            best = cost, notes
    return best[1] if best else tuple(sorted(options[0] for options in pitches))
