"""Turns written notes into played ones: swing, tempo, and the deviations of human players."""

import random
from dataclasses import dataclass

from .brief import Brief
from .score import Part, Score

# How much the timing of each role varies, as a share of the style's, and how late it is.
_LOOSE = {"lead": 1.0, "chords": 0.8, "pad": 1.5, "bass": 0.5, "drums": 0.35}
_LATE_MS = {"lead": 4.0, "chords": 2.0, "pad": 0.0, "bass": 3.0, "drums": 0.0}
_DAMPED_BEFORE_THE_END = 0.7


@dataclass(frozen=True, slots=True)
class PlayedNote:
    """A note as it is played: ``begins`` and ``ends`` in seconds, ``velocity`` from 1 to 127."""

    begins: float
    ends: float
    pitch: int
    velocity: int


def perform(score: Score, part: Part, brief: Brief) -> list[PlayedNote]:
    """Play a part. The same brief gives the same performance."""
    rng = random.Random(f"{brief.seed} {part.role} {part.instrument.name}")
    style = brief.style
    loose = style.loose * _LOOSE[part.role] / 1000
    late = _LATE_MS[part.role] / 1000
    if style.dark and part.role == "drums":
        late += 0.008  # Lo-fi drums are played late.
    pitches = [note.pitch for note in part.notes]
    middle = sum(pitches) / len(pitches)
    stop = score.seconds - _DAMPED_BEFORE_THE_END
    played: list[PlayedNote] = []
    for note in part.notes:
        begins = score.clock.seconds(swung(note.start, style.swing, style.swing_unit))
        ends = score.clock.seconds(swung(note.start + note.length, style.swing, style.swing_unit))
        shift = late + min(max(rng.gauss(0, loose), -2.2 * loose), 2.2 * loose)
        shape = 0.0 if part.role == "drums" else 0.006 * (note.pitch - middle)
        loudness = min(max(note.velocity + shape + rng.gauss(0, 0.035), 0.08), 1.0)
        begins = max(0.0, begins + shift)
        ends = max(begins + 0.05, min(ends + shift, stop))
        played.append(PlayedNote(begins, ends, note.pitch, max(1, round(loudness * 122))))
    return played


def swung(beat: float, swing: float, unit: float) -> float:
    """Apply swing to a beat: the second ``unit`` of each pair is later by ``swing`` of its length."""
    if not swing:
        return beat
    pair = 2 * unit
    whole, inside = divmod(beat, pair)
    turn = unit * (1 + swing)
    bent = inside / unit * turn if inside < unit else turn + (inside - unit) / unit * (pair - turn)
    return whole * pair + bent
