"""Melodies: a motif with its own rhythm, developed over the bars of a phrase.

The motif gives a target pitch for each note. The pitches are the line of least cost near the targets: chord
tones on strong beats, other tones only in passing, few leaps, and clear endings.
"""

import random
from dataclasses import dataclass

from .form import Phrase
from .score import Note, Span

# Rhythms of a bar by their density: lengths in beats, with rests in parentheses.
_CELLS = {
    4: (
        (0.0, "4"), (0.0, "(2) 2"), (0.05, "3 1"), (0.1, "2 2"), (0.15, "(1) 3"), (0.2, "1.5 2.5"),
        (0.3, "1 1 2"), (0.3, "1.5 .5 2"), (0.35, "(1) 1 2"), (0.4, ".5 .5 1 2"), (0.4, "1 .5 .5 2"),
        (0.45, "1.5 .5 1 1"),
        (0.5, "(.5) .5 .5 .5 2"), (0.5, "1.5 1.5 1"), (0.5, "(.5) .5 1 2"),
        (0.55, "1 .5 .5 1 1"), (0.6, ".5 1 .5 2"),
        (0.6, "(.5) .5 1 .5 1.5"), (0.65, ".5 .5 .5 .5 1 1"), (0.7, ".75 .75 .5 1 1"),
        (0.7, "1 .5 .5 .5 .5 1"),
        (0.8, "(.5) .5 .5 .5 .5 .5 1"), (0.85, ".75 .25 .5 .5 1 .5 .5"), (0.9, ".5 .5 .5 .5 .5 .5 1"),
    ),
    3: (
        (0.0, "3"), (0.1, "2 1"), (0.2, "(1) 2"), (0.3, "1 2"), (0.35, "2 .5 .5"), (0.4, "1 1 1"),
        (0.45, "1.5 .5 1"),
        (0.5, "1 .5 .5 1"), (0.55, "(1) 1 1"), (0.6, "1.5 .5 .5 .5"), (0.65, ".5 .5 1 1"),
        (0.75, "(.5) .5 .5 .5 1"), (0.85, ".5 .5 .5 .5 1"), (0.9, ".5 .5 .5 .5 .5 .5"),
    ),
}  # fmt: skip
_CADENCES = {4: ("3 (1)", "1 2 (1)", ".5 .5 2 (1)", "1 1 1.5 (.5)"), 3: ("2 (1)", "1 1.5 (.5)", ".5 .5 2")}
# The cells of four bars: the motif, its answers and a cadence, each with a shift in scale steps.
_PLANS = (
    (("a", 0), ("a", 1), ("b", 2), ("c", 0)),
    (("a", 0), ("b", 0), ("a", 1), ("c", 0)),
    (("a", 0), ("a", -1), ("i", 1), ("c", 0)),
    (("a", 0), ("b", 1), ("a", 2), ("c", 0)),
    (("a", 0), ("i", 0), ("b", 2), ("c", 0)),
)
_ARC = (0.0, 1.5, 3.5, 0.5)


@dataclass(frozen=True, slots=True)
class Cell:
    """Onsets and lengths in beats within a bar, and the scale steps from the first note."""

    onsets: tuple[float, ...]
    lengths: tuple[float, ...]
    steps: tuple[int, ...]

    def inverted(self) -> "Cell":
        """Return the same rhythm with inverted steps."""
        return Cell(self.onsets, self.lengths, tuple(-step for step in self.steps))


@dataclass(frozen=True, slots=True)
class _Slot:
    start: float
    length: float
    strong: bool
    target: float
    span: Span
    ends: bool


class MelodyWriter:
    """Writes the melodies of one piece. Phrases of the same letter are variations of the same melody."""

    def __init__(self, seed: int, beats_per_bar: int, busy: float) -> None:
        self._seed = seed
        self._beats = beats_per_bar
        self._busy = busy
        self._motifs: dict[str, tuple[dict[str, Cell], tuple[tuple[str, int], ...]]] = {}

    def write(self, phrase: Phrase, spans: list[Span], low: int, high: int) -> list[Note]:
        """Return the melody of a phrase between two pitches; the last phrase includes the final note."""
        rng = random.Random(f"{self._seed} {phrase.letter} {phrase.turn} sing")
        cells, plan = self._motif(phrase.letter)
        middle = low + (high - low) * (0.42 if phrase.letter != "B" else 0.55)
        slots: list[_Slot] = []
        for index in range(phrase.bars):
            ends = index == phrase.bars - 1
            name, shift = plan[3] if ends else plan[index % 4 if index % 4 < 3 else 1]
            if phrase.turn % 2 and index == 2 and name == "b":
                name = "i"
            start = (phrase.first_bar + index) * self._beats
            base = middle + _ARC[index % 4 if not ends else 3] + shift * 1.7
            slots += self._slots(cells[name], start, base, spans, ends=ends and not phrase.last)
        if phrase.last:
            final = spans[-1]
            home = middle - 1.0
            slots.append(_Slot(final.start, final.length, strong=True, target=home, span=final, ends=True))
        pitches = _cheapest(slots, phrase, low, high, rng, tonic=spans[-1].chord.root)
        return [
            Note(slot.start, slot.length, pitch, 0.9 if slot.strong else 0.74)
            for slot, pitch in zip(slots, pitches, strict=True)
        ]

    def _motif(self, letter: str) -> tuple[dict[str, Cell], tuple[tuple[str, int], ...]]:
        if letter not in self._motifs:
            rng = random.Random(f"{self._seed} {letter} motif")
            cells = {
                "a": self._cell(rng, self._busy),
                "b": self._cell(rng, min(1.0, self._busy + 0.12)),
                "c": _read(rng.choice(_CADENCES[self._beats]), rng, calm=True),
            }
            cells["i"] = cells["a"].inverted()
            self._motifs[letter] = cells, rng.choice(_PLANS)
        return self._motifs[letter]

    def _cell(self, rng: random.Random, busy: float) -> Cell:
        weighted = [(2.0 ** (-abs(level - busy) * 14), text) for level, text in _CELLS[self._beats]]
        (text,) = rng.choices([text for _, text in weighted], [weight for weight, _ in weighted])
        return _read(text, rng, calm=False)

    def _slots(
        self, cell: Cell, bar_start: float, base: float, spans: list[Span], *, ends: bool
    ) -> list[_Slot]:
        slots: list[_Slot] = []
        for index, (onset, length, step) in enumerate(
            zip(cell.onsets, cell.lengths, cell.steps, strict=True)
        ):
            start = bar_start + onset
            strong = (
                onset % (3 if self._beats == 3 else 2) == 0
                or (length >= 1 and onset % 1 == 0)
                or length >= 1.5
            )
            span = next(one for one in reversed(spans) if one.start <= start)
            slots.append(
                _Slot(start, length, strong, base + step * 1.7, span, ends and index == len(cell.steps) - 1)
            )
        return slots


def _read(text: str, rng: random.Random, *, calm: bool) -> Cell:
    """Read a rhythm and give it a contour: mostly steps in one direction, some leaps, and turns."""
    onsets: list[float] = []
    lengths: list[float] = []
    position = 0.0
    for word in text.split():
        length = float(word.strip("()"))
        if not word.startswith("("):
            onsets.append(position)
            lengths.append(length)
        position += length
    direction, step, steps = rng.choice((1, 1, -1)), 0, [0]
    for _ in onsets[1:]:
        if calm:
            step -= rng.choice((0, 1, 1))
        else:
            size = rng.choices((0, 1, 2, 3), (0.8, 5, 2, 0.8))[0]
            step += direction * size
            if size > 1 or abs(step) >= 3 or rng.random() < 0.3:
                direction = -direction
        steps.append(step)
    return Cell(tuple(onsets), tuple(lengths), tuple(steps))


def _cheapest(
    slots: list[_Slot], phrase: Phrase, low: int, high: int, rng: random.Random, tonic: int
) -> list[int]:
    """Find the line of least cost through all slots (Viterbi)."""
    best: dict[int, tuple[float, tuple[int, ...]]] = {}
    previous: _Slot | None = None
    for slot in slots:
        allowed = slot.span.chord.scale | set(slot.span.chord.tones)
        reached: dict[int, tuple[float, tuple[int, ...]]] = {}
        for pitch in range(low, high + 1):
            if pitch % 12 not in allowed:
                continue
            own = _own_cost(slot, pitch, phrase, tonic) + rng.random() * 0.5
            if previous is None:
                reached[pitch] = own, (pitch,)
                continue
            wanted = slot.target - previous.target
            candidates = (
                (cost + _step_cost(previous, slot, line, pitch, wanted), line) for cost, line in best.values()
            )
            cost, line = min(candidates, key=lambda candidate: candidate[0])
            reached[pitch] = cost + own, (*line, pitch)
        best, previous = reached, slot
    return list(min(best.values(), key=lambda candidate: candidate[0])[1]) if best else []


def _own_cost(slot: _Slot, pitch: int, phrase: Phrase, tonic: int) -> float:
    tones = slot.span.chord.tones
    tone = pitch % 12
    cost = 0.22 * abs(pitch - slot.target)
    if tone not in tones:
        cost += 25 if slot.length >= 1.5 or slot.ends else 8 if slot.strong else 0.4
        if any((tone - other) % 12 == 1 for other in tones[:3]):
            cost += 2 * slot.length
    elif tone in tones[3:]:
        cost += 0.5
    if slot.ends and phrase.last:
        cost += 0 if tone == tonic else 60
    elif slot.ends and phrase.closed:
        cost += {tones[0]: 0.0, tones[1]: 1.5}.get(tone, 4.0)
    elif slot.ends:
        cost += {tones[0]: 1.2, tones[1]: 0.0, tones[2]: 0.4}.get(tone, 2.0)
    return cost


_LEAPS = {0: 0.9, 1: 0.0, 2: 0.0, 3: 0.5, 4: 0.7, 5: 1.2, 7: 1.8, 8: 4.0, 9: 4.0, 12: 3.5}


def _step_cost(before: _Slot, slot: _Slot, line: tuple[int, ...], pitch: int, wanted: float) -> float:
    last = line[-1]
    move = pitch - last
    cost = _LEAPS.get(abs(move), 9.0) + 0.3 * abs(move - wanted)
    if abs(move) > 2:
        cost += 30 if last % 12 not in before.span.chord.tones else 0
        cost += 4 if pitch % 12 not in slot.span.chord.tones else 0
    if len(line) > 1 and abs(back := last - line[-2]) > 4 and (move * back > 0 or abs(move) > 4):
        cost += 2.5  # After a leap a melody turns back.
    under, ground = before.span.chord.bass, slot.span.chord.bass
    if move and under != ground and (last - under) % 12 == (pitch - ground) % 12 in (0, 7):
        cost += 3.0  # Parallel octaves and fifths with the bass make a melody less distinct.
    if move == 0 and len(line) > 1 and line[-2] == last:
        cost += 2.0
    return cost
