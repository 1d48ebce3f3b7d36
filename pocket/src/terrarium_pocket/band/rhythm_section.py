"""Plays the patterns of chords, pads and bass."""

import random
from dataclasses import dataclass

from .patterns import BASSES, CHORDS
from .score import Note, Span
from .theory import Chord

_STRUM_BEATS = 0.022


@dataclass(frozen=True, slots=True)
class Hit:
    """One hit of a pattern; see `patterns` for ``what``."""

    beat: float
    length: float
    what: str
    weight: float


def hits(pattern: str, bar: int, rng: random.Random) -> list[Hit]:
    """Read a bar of a pattern and choose among its alternatives."""
    alternatives = pattern.split(" / ")
    bars = (rng.choice(alternatives) if len(alternatives) > 1 else alternatives[0]).split(" | ")
    read: list[Hit] = []
    for word in bars[bar % len(bars)].split():
        beat, length, what = word.split(":")
        weight = 1.0 if what.endswith("!") else 0.66 if what.endswith("-") else 0.82
        read.append(Hit(float(beat), float(length), what.rstrip("!-"), weight))
    return read


def span_at(spans: list[Span], beat: float) -> int:
    """Return the index of the chord at a beat."""
    current = 0
    for index, span in enumerate(spans):
        if span.start > beat + 1e-6:
            break
        current = index
    return current


def play_chords(
    name: str, bar: int, start: float, spans: list[Span], voicings: list[tuple[int, ...]], rng: random.Random
) -> list[Note]:
    """Return the notes of a chord instrument in the bar that begins at beat ``start``."""
    notes: list[Note] = []
    beats = spans[-1].length
    for hit in hits(CHORDS[name], bar, rng):
        if hit.beat >= beats:
            continue
        index = span_at(spans, start + hit.beat)
        span, chord = spans[index], voicings[index]
        length = min(hit.length, span.end - start - hit.beat)
        pitches, spread = _pitches(hit.what, chord), 0.0
        if hit.what in ("d", "s"):
            pitches, spread = (chord if hit.what == "d" else chord[:0:-1]), _STRUM_BEATS
        for order, pitch in enumerate(pitches):
            weight = hit.weight * (0.92 if pitch != max(pitches) else 1.0)
            notes.append(Note(start + hit.beat + order * spread, length, pitch, weight))
    return notes


def _pitches(what: str, chord: tuple[int, ...]) -> tuple[int, ...]:
    if what == "a":
        return chord
    if what == "u":
        return chord[1:]
    if what.isdigit():
        octave, place = divmod(int(what), len(chord))
        return (chord[place] + 12 * octave,)
    return chord


def hold_chords(spans: list[Span], voicings: list[tuple[int, ...]], velocity: float) -> list[Note]:
    """Return held chords; tones that two chords in a row share are not repeated."""
    notes: list[Note] = []
    sounding: dict[int, Note] = {}
    for span, chord in zip(spans, voicings, strict=True):
        kept = {pitch: note for pitch, note in sounding.items() if pitch in chord and note.length < 12}
        notes += [note for pitch, note in sounding.items() if pitch not in kept]
        sounding = {
            pitch: Note(kept[pitch].start, kept[pitch].length + span.length, pitch, velocity)
            if pitch in kept
            else Note(span.start, span.length, pitch, velocity)
            for pitch in chord
        }
    return notes + list(sounding.values())


class Bassist:
    """Plays the bass, and stays near its last pitch."""

    def __init__(self, seed: int, low: int) -> None:
        self._rng = random.Random(f"{seed} bass")
        self._low = low
        self._last = low + 9

    def bar(self, name: str, bar: int, start: float, spans: list[Span]) -> list[Note]:
        """Return the notes of the bar that begins at beat ``start``."""
        beats = spans[-1].length
        if name == "walk":
            return self._walk(start, int(beats), spans)
        notes: list[Note] = []
        for hit in hits(BASSES[name], bar, self._rng):
            if hit.beat >= beats:
                continue
            index = span_at(spans, start + hit.beat)
            span = spans[index]
            # A new chord begins on its bass note, whatever the pattern has.
            what = "r" if abs(span.start - start - hit.beat) < 1e-6 else hit.what
            pitch = self._pitch(what, span.chord, spans[min(index + 1, len(spans) - 1)].chord)
            notes.append(
                Note(start + hit.beat, min(hit.length, span.end - start - hit.beat), pitch, hit.weight)
            )
        for span in spans:
            # Each chord has a note at its start, even if the pattern has none.
            inside = start < span.start < start + beats
            if inside and not any(abs(note.start - span.start) < 1e-6 for note in notes):
                pitch = self._pitch("r", span.chord, span.chord)
                notes.append(Note(span.start, min(1.0, span.length), pitch, 0.85))
        notes.sort(key=lambda note: note.start)
        return _monophonic(notes)

    def _walk(self, start: float, beats: int, spans: list[Span]) -> list[Note]:
        """Quarter notes: the root at the start of a chord, then its tones, then a step to the next root."""
        notes: list[Note] = []
        for beat in range(beats):
            index = span_at(spans, start + beat)
            span = spans[index]
            following = spans[min(index + 1, len(spans) - 1)]
            if span.start == start + beat:
                pitch = self._near(span.chord.bass)
            elif following.start == start + beat + 1:
                goal = self._near(following.chord.bass)
                fitting = [goal + step for step in (-1, 1, -2, 2) if (goal + step) % 12 in span.chord.scale]
                pitch = self._rng.choice(fitting[:2] or [goal - 1])
            else:
                near = range(self._last - 5, self._last + 6)
                tones = [
                    note
                    for note in near
                    if note % 12 in span.chord.tones[:4] and note != self._last and note >= self._low
                ]
                pitch = self._rng.choice(tones) if tones else self._near(span.chord.root)
            self._last = pitch
            notes.append(Note(start + beat, 0.92, pitch, 0.95 if beat % 2 else 0.85))
            if self._rng.random() < 0.12:
                notes.append(Note(start + beat + 0.5, 0.4, pitch, 0.55))
        return _monophonic(notes)

    def _pitch(self, what: str, chord: Chord, following: Chord) -> int:
        if what == "n":
            goal = self._near(following.bass)
            steps = [goal + step for step in (-1, -2, 2, 1) if (goal + step) % 12 in chord.scale]
            return steps[0] if steps else goal
        root = self._near(chord.bass)
        if what == "r":
            self._last = root
            return root
        tone = {"f": chord.tones[2], "t": chord.tones[1], "o": chord.bass, "6": (chord.root + 9) % 12}[what]
        if what == "6" and tone not in chord.scale:
            tone = chord.tones[2]
        return root + ((tone - root) % 12 or 12)

    def _near(self, tone: int) -> int:
        """Return the pitch of a tone near the last one and near the middle of the range."""
        pitches = range(self._low, self._low + 17)
        middle = self._low + 7
        return min(
            (pitch for pitch in pitches if pitch % 12 == tone),
            key=lambda pitch: abs(pitch - self._last) + 0.6 * abs(pitch - middle),
        )


def _monophonic(notes: list[Note]) -> list[Note]:
    """End each note where the next begins."""
    shortened: list[Note] = []
    for index, note in enumerate(notes):
        longest = notes[index + 1].start - note.start if index + 1 < len(notes) else note.length
        shortened.append(Note(note.start, min(note.length, longest), note.pitch, note.velocity))
    return shortened
