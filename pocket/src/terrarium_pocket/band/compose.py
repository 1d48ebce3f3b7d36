"""The arrangement: what each instrument plays in each phrase."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, replace

from .brief import Brief
from .drummer import Drummer
from .form import Form, Phrase, plan_form
from .harmony import harmonise, voice_chords
from .instrumentation import Instrumentation, choose_instruments
from .instruments import Instrument
from .melody import MelodyWriter
from .patterns import IN_THREE
from .rhythm_section import Bassist, hold_chords, play_chords, span_at
from .score import Note, Part, Score, Span
from .theory import Key

_LONG_TONES = ("ambient", "cinematic")


def compose(brief: Brief) -> Score:
    """Write a piece. The same brief gives the same notes."""
    form = plan_form(brief)
    key, spans = harmonise(brief, form)
    arranger = _Arranger(brief, form, key, spans, choose_instruments(brief))
    parts = [
        *arranger.leads(),
        *arranger.chords(),
        *arranger.pads(),
        *arranger.bass(),
        *arranger.drums(),
    ]
    skipped = form.clock.skipped
    played = [
        replace(part, notes=sorted((note for note in part.notes if note.start >= skipped), key=_order))
        for part in parts
    ]
    return Score(
        key,
        brief.beats_per_bar,
        form.clock,
        tuple(spans),
        tuple(part for part in played if part.notes),
        spans[-1].start,
        brief.seconds,
    )


def _order(note: Note) -> tuple[float, int]:
    return note.start, note.pitch


@dataclass(frozen=True, slots=True)
class _Arranger:
    """Writes the parts of one piece."""

    brief: Brief
    form: Form
    key: Key
    spans: list[Span]
    instruments: Instrumentation

    @property
    def _ending(self) -> float:
        return self.spans[-1].start

    @property
    def _last_length(self) -> float:
        """The length of the last chord, in beats."""
        clock = self.form.clock
        return (self.brief.seconds - clock.seconds(self._ending)) * clock.tempo / 60 / (1 + clock.slack)

    def _bars(self) -> Iterable[tuple[Phrase, int, float]]:
        for phrase in self.form.phrases:
            for bar in range(phrase.bars):
                yield phrase, bar, float((phrase.first_bar + bar) * self.brief.beats_per_bar)

    def _pattern(self, names: tuple[str, ...], part: str, rng: random.Random) -> str:
        name = rng.choice(names)
        if self.brief.beats_per_bar == 3 and not name.endswith("waltz"):
            name = IN_THREE[part].get(name, IN_THREE[part][""])
        return name

    def leads(self) -> list[Part]:
        """The melody, in turns; in the last phrase a second instrument adds a line below."""
        style, leads = self.brief.style, self.instruments.leads
        busy = min(1.0, max(0.0, style.busy + 0.25 * (self.brief.mood.energy - 0.55)))
        writer = MelodyWriter(self.brief.seed, self.brief.beats_per_bar, busy)
        parts = [Part("lead", instrument) for instrument in leads]
        phrases = [phrase for phrase in self.form.phrases if not phrase.intro]
        for index, phrase in enumerate(phrases):
            turn = self._turn(index, phrase, len(phrases))
            part = parts[turn]
            low, high = _tessitura(part.instrument, bright=self.brief.mood.energy > 0.6)
            volume = 0.62 + 0.35 * phrase.energy
            melody = writer.write(phrase, self.spans, low, high)
            part.notes += [replace(note, velocity=note.velocity * volume) for note in self._separated(melody)]
            if phrase.last:
                # The next instrument plays below, and so do those that had no turn in a short piece.
                joining = [parts[(turn + 1) % len(parts)]] if len(leads) > 1 and len(phrases) > 1 else []
                joining += [one for one in parts if not one.notes and one not in joining]
                for other in joining:
                    other.notes += self._below(melody, other.instrument, volume * 0.75)
        return parts

    def _turn(self, index: int, phrase: Phrase, count: int) -> int:
        leads = len(self.instruments.leads)
        if count >= leads > 2:
            return index % leads
        return 1 % leads if phrase.letter in "BC" else 0

    def _separated(self, melody: list[Note]) -> list[Note]:
        """Let the last note sound to the end, and each other end a little before the next."""
        return [
            replace(
                note, length=self._last_length if note.start >= self._ending else max(0.2, note.length * 0.96)
            )
            for note in melody
        ]

    def _below(self, melody: list[Note], instrument: Instrument, volume: float) -> list[Note]:
        """A slow line of chord tones below a melody, with as little motion as possible."""
        low, high = _tessitura(instrument, bright=False)
        notes: list[Note] = []
        pitch = (low + high) // 2 - 3
        for span in self.spans[span_at(self.spans, melody[0].start) :]:
            above = [note.pitch for note in melody if note.start <= span.start < note.start + note.length]
            taken = above[0] % 12 if above else -1
            tones = [
                tone for tone in range(low, high) if tone % 12 in span.chord.tones[:3] and tone % 12 != taken
            ]
            pitch = min(tones, key=lambda tone, last=pitch: abs(tone - last))
            length = self._last_length if span.start >= self._ending else span.length * 0.97
            notes.append(Note(span.start, length, pitch, 0.7 * volume))
        return notes

    def chords(self) -> list[Part]:
        """The accompaniment; a second instrument joins in phrases with enough energy."""
        rng = random.Random(f"{self.brief.seed} chords")
        parts: list[Part] = []
        main = self._pattern(self.brief.style.chord_patterns, "chords", rng)
        for order, instrument in enumerate(self.instruments.chords):
            part = Part("chords", instrument)
            low, high = max(instrument.low, 48), min(instrument.high, 74)
            voicings = voice_chords(self.spans, low + 4 * (order % 2), high + 3 * (order % 2))
            pattern = main if order == 0 else ("arpeggio" if order % 2 else "block")
            if order and self.brief.beats_per_bar == 3:
                pattern = "waltz arpeggio" if order % 2 else "block"
            for phrase, _, start in self._bars():
                bar = int(start) // self.brief.beats_per_bar
                if order and phrase.energy < 0.3 and not (phrase.last and phrase.bars > 1):
                    continue
                volume = (0.56 + 0.36 * phrase.energy) * (1 if order == 0 else 0.8)
                for note in play_chords(pattern, bar, start, self.spans, voicings, rng):
                    part.notes.append(replace(note, velocity=note.velocity * volume))
            part.notes += self._final(voicings[-1], 0.62)
            parts.append(part)
        return parts

    def _final(self, pitches: tuple[int, ...], velocity: float) -> list[Note]:
        """The last chord, from the lowest tone up."""
        roll = 0.06 if self.brief.style.slowing else 0.0
        return [
            Note(self._ending + order * roll, self._last_length, pitch, velocity)
            for order, pitch in enumerate(pitches)
        ]

    def pads(self) -> list[Part]:
        """Held chords from the second phrase on, or from the start if they are the main accompaniment."""
        parts: list[Part] = []
        named = any(pad in self.brief.named for pad in self.instruments.pads)
        at_once = named or self.brief.style_name in _LONG_TONES or not self.instruments.chords
        first = 0 if at_once else min(1, len(self.form.phrases) - 1)
        begin = self.form.phrases[first].first_bar * self.brief.beats_per_bar
        for order, instrument in enumerate(self.instruments.pads):
            # Above the chords, so that they are not in the same octave; a second pad is lower.
            shift = -7 * (order % 2)
            voicings = voice_chords(
                self.spans, max(instrument.low, 55 + shift), min(instrument.high, 77 + shift)
            )
            volume = 0.5 + 0.4 * self.brief.mood.energy
            chosen = [index for index, span in enumerate(self.spans) if span.start >= begin]
            held = hold_chords(
                [self.spans[index] for index in chosen], [voicings[index] for index in chosen], volume
            )
            notes = [
                replace(note, length=self._ending + self._last_length - note.start)
                if note.start + note.length > self._ending
                else note
                for note in held
            ]
            parts.append(Part("pad", instrument, notes))
        return parts

    def bass(self) -> list[Part]:
        """The bass, from the first phrase after the introduction."""
        instrument = self.instruments.bass
        if instrument is None:
            return []
        rng = random.Random(f"{self.brief.seed} bass pattern")
        pattern = self._pattern(self.brief.style.bass_patterns, "bass", rng)
        bassist = Bassist(self.brief.seed, max(28, instrument.low))
        part = Part("bass", instrument)
        for phrase, bar, start in self._bars():
            # An introduction with chords and pads begins without the bass.
            has_harmony = self.instruments.chords and self.instruments.pads
            if phrase.intro and bar < phrase.bars - 2 and has_harmony:
                continue
            quiet = phrase.energy < 0.2 and pattern not in ("hold", "waltz")
            for note in bassist.bar(
                "hold" if quiet or phrase.intro else pattern, phrase.first_bar + bar, start, self.spans
            ):
                part.notes.append(replace(note, velocity=note.velocity * (0.66 + 0.28 * phrase.energy)))
        for note in bassist.bar("hold", 0, self._ending, self.spans):
            part.notes.append(replace(note, length=self._last_length, velocity=0.72))
        return [part]

    def drums(self) -> list[Part]:
        """The drums, from the first phrase on, with a fill before each phrase."""
        kit = self.instruments.kit
        if kit is None:
            return []
        rng = random.Random(f"{self.brief.seed} groove")
        groove = self._pattern(self.brief.style.grooves or ("ballad",), "groove", rng)
        drummer = Drummer(self.brief.seed, groove, self.brief.beats_per_bar)
        part = Part("drums", kit)
        for phrase, bar, start in self._bars():
            last = bar == phrase.bars - 1
            if phrase.intro and not last:
                continue
            crash = bar == 0 and phrase.first_bar > 0
            energy = phrase.energy if not phrase.intro else 0.1
            for note in drummer.bar(phrase.first_bar + bar, start, energy, fill=last, crash=crash):
                part.notes.append(replace(note, velocity=note.velocity * (0.6 + 0.38 * phrase.energy)))
        part.notes += drummer.end(self._ending, self.form.phrases[-1].energy)
        return [part]


def _tessitura(instrument: Instrument, *, bright: bool) -> tuple[int, int]:
    """Return the octave and a half in which an instrument plays a melody."""
    low = max(instrument.low + 3, min(60, instrument.high - 19)) + (2 if bright else 0)
    return low, min(low + 17, instrument.high)
