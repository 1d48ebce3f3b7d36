"""The score of a piece: chords, parts and notes, in beats."""

from dataclasses import dataclass, field

from .instruments import Instrument
from .theory import Chord, Key


@dataclass(frozen=True, slots=True)
class Note:
    """``start`` and ``length`` in beats, ``pitch`` a MIDI number, ``velocity`` from 0 to 1."""

    start: float
    length: float
    pitch: int
    velocity: float


@dataclass(frozen=True, slots=True)
class Span:
    """A chord and its time, in beats."""

    start: float
    length: float
    chord: Chord

    @property
    def end(self) -> float:
        """The beat at which it ends."""
        return self.start + self.length


@dataclass(slots=True)
class Part:
    """The notes of one instrument. ``role`` is lead, chords, pad, bass or drums."""

    role: str
    instrument: Instrument
    notes: list[Note] = field(default_factory=list[Note])


@dataclass(frozen=True, slots=True)
class Clock:
    """Converts beats to seconds: a constant tempo that slows down from beat ``slows`` to beat ``ends``.

    ``slack`` is how much longer the last of these beats takes. The piece begins at beat ``skipped``.
    """

    tempo: float
    slows: float
    ends: float
    slack: float
    skipped: float = 0.0

    def seconds(self, beat: float) -> float:
        """Return the time of a beat in seconds."""
        late = min(max(beat - self.slows, 0.0), self.ends - self.slows)
        stretched = self.slack * late * late / (2 * (self.ends - self.slows)) if late else 0.0
        stretched += self.slack * max(beat - self.ends, 0.0)
        return (beat - self.skipped + stretched) * 60 / self.tempo


@dataclass(frozen=True, slots=True)
class Score:
    """A whole piece. Its last chord begins at beat ``ending`` and lasts until ``seconds``."""

    key: Key
    beats_per_bar: int
    clock: Clock
    chords: tuple[Span, ...]
    parts: tuple[Part, ...]
    ending: float
    seconds: float
