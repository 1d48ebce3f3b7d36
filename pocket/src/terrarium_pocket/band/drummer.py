"""The drums: grooves that grow with the energy, ghost notes, and fills at the ends of phrases."""

import random

from .patterns import FILLS, GROOVES, LOUDNESS, MARCH_FILLS, PIECES, SOFT_FILLS
from .score import Note


class Drummer:
    """Plays one groove throughout a piece."""

    def __init__(self, seed: int, groove: str, beats_per_bar: int) -> None:
        self._rng = random.Random(f"{seed} drums")
        self._beats = beats_per_bar
        # The orchestra's kit has timpani instead of toms, and no ride.
        self._orchestra = groove == "epic"
        self._lines: list[tuple[int, float, list[str]]] = []
        for line in GROOVES[groove].split("\n"):
            if line.strip():
                piece, energy, steps = line.split()
                self._lines.append((PIECES[piece], float(energy), steps.split("|")))

    def bar(self, bar: int, start: float, energy: float, *, fill: bool, crash: bool) -> list[Note]:
        """Return one bar, with a ``fill`` before the next phrase, or a ``crash`` at the start of this one."""
        cut = self._beats - 2 if fill and self._beats == 4 else self._beats
        notes: list[Note] = []
        for piece, least, bars in self._lines:
            if energy < least:
                continue
            for step, mark in enumerate(bars[bar % len(bars)]):
                beat = step / 4
                if mark == "." or beat >= (cut if piece != PIECES["kick"] else self._beats):
                    continue
                # Ghost notes vary from bar to bar.
                if mark == "-" and self._rng.random() < 0.3:
                    continue
                notes.append(Note(start + beat, 0.2, piece, LOUDNESS[mark]))
        if cut < self._beats:
            notes += self._fill(start + cut, energy)
        if crash and energy > 0.6:
            notes.append(Note(start, 1.0, PIECES["crash"], 0.6))
        return notes

    def end(self, start: float, energy: float) -> list[Note]:
        """Return the last notes."""
        notes = [Note(start, 2.0, PIECES["kick"], 0.8)]
        if energy > 0.45:
            notes.append(
                Note(start, 4.0, PIECES["crash" if energy > 0.6 or self._orchestra else "ride"], 0.62)
            )
        return notes

    def _fill(self, start: float, energy: float) -> list[Note]:
        fills = MARCH_FILLS if self._orchestra else FILLS if energy > 0.55 else SOFT_FILLS
        words = self._rng.choice(fills).split()
        notes: list[Note] = []
        for piece, steps in zip(words[::2], words[1::2], strict=True):
            for step, mark in enumerate(steps):
                if mark != ".":
                    swell = 0.8 + 0.2 * step / len(steps)
                    notes.append(Note(start + step / 4, 0.2, PIECES[piece], LOUDNESS[mark] * swell))
        return notes
