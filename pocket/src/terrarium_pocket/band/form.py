"""Plans the form: the bars, the phrases, and a tempo at which the piece has exactly the requested length."""

import math
import random
from dataclasses import dataclass

from .brief import Brief
from .score import Clock


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase. ``letter`` names its material, and ``turn`` counts its repetitions.

    ``energy`` is 0 to 1; ``closed`` phrases end on the tonic; an ``intro`` has no melody.
    """

    first_bar: int
    bars: int
    letter: str
    turn: int
    energy: float
    closed: bool
    intro: bool = False
    last: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """The phrases, their number of ``bars``, and the clock. The final chord comes after the last bar."""

    phrases: tuple[Phrase, ...]
    bars: int
    clock: Clock


_PLANS = {
    1: "A",
    2: "AA",
    3: "ABA",
    4: "AABA",
    5: "AABBA",
    6: "AABABA",
    7: "AABACBA",
    8: "AABACCBA",
}
_LATER = "BACABBAC"


def plan_form(brief: Brief) -> Form:
    """Divide the time. A tempo that is not given changes by up to 6 %, and the last chord fills the rest."""
    rng = random.Random(f"{brief.seed} form")
    bar = brief.beats_per_bar * 60 / brief.tempo
    last_chord = min(max(1.3 * bar, 2.4), 4.5, 0.4 * brief.seconds)
    slowing = brief.style.slowing
    late = slowing * brief.beats_per_bar * 30 / brief.tempo
    wanted = (brief.seconds - last_chord - late) / bar
    tempo, skipped = brief.tempo, 0.0
    if brief.tempo_given:
        # Whole bars, and a last chord that is up to half a bar longer or shorter.
        bars = max(1, round(wanted))
        spare = brief.seconds - bars * bar - late
        if spare < min(1.2, last_chord):
            bars, spare = (bars - 1, spare + bar) if bars > 1 else (bars, spare)
        if spare < min(1.2, last_chord):
            skipped = (min(1.2, last_chord) - spare) * tempo / 60
    else:
        bars = min(_near(wanted), key=lambda count: _cost(count, wanted))
        stretch = min(max(bars / wanted, 1 / 1.06), 1.06) if wanted > 0 else 1.0
        tempo = min(max(tempo * stretch, 40.0), 200.0)
        spare = brief.seconds - (bars * brief.beats_per_bar + slowing * brief.beats_per_bar / 2) * 60 / tempo
        if spare < min(1.2, last_chord):
            skipped = (min(1.2, last_chord) - spare) * tempo / 60
    ending = float(bars * brief.beats_per_bar)
    slows = ending - brief.beats_per_bar
    clock = Clock(tempo, slows, ending, slowing, math.ceil(skipped * 2) / 2)
    return Form(tuple(_phrases(bars, brief, rng)), bars, clock)


def _near(wanted: float) -> list[int]:
    return [count for count in range(max(1, math.floor(wanted) - 2), math.ceil(wanted) + 3)]


def _cost(bars: int, wanted: float) -> float:
    """Return the cost of a number of bars: of its divisibility by four, and of the change of tempo."""
    odd = (0.0, 0.03, 0.012, 0.03)[bars % 4] if bars > 4 else 0.0
    change = abs(bars / max(wanted, 0.5) - 1)
    return change + odd + (1.0 if change > 0.06 else 0.0)


def _phrases(bars: int, brief: Brief, rng: random.Random) -> list[Phrase]:
    whole, rest = divmod(bars, 4)
    # Bars that do not fill a phrase are the introduction, and in longer pieces a whole phrase may be.
    intro = rest if whole else 0
    if whole >= 6 or (whole >= 4 and intro == 0 and rng.random() < 0.5):
        intro += 4 if intro == 0 else 0
    body = bars - intro
    count = max(1, body // 4)
    letters = _PLANS.get(count) or _PLANS[8][:-1] + (_LATER * 6)[: count - 8] + "A"
    energies = _energies(letters, brief.mood.energy)
    phrases = [Phrase(0, intro, "A", 0, energies[0] * 0.55, closed=False, intro=True)] if intro else []
    start = intro
    for index, letter in enumerate(letters):
        last = index == len(letters) - 1
        length = body if count == 1 else 4
        following = "" if last else letters[index + 1]
        turn = letters[:index].count(letter)
        closed = last or following != letter
        phrases.append(Phrase(start, length, letter, turn, energies[index], closed=closed, last=last))
        start += length
    return phrases


def _energies(letters: str, mood: float) -> list[float]:
    """Return energies that rise during most of the piece, and are low in phrases C."""
    energies: list[float] = []
    for index, letter in enumerate(letters):
        position = (index + 1) / len(letters)
        arch = 0.52 + 0.58 * math.sin(min(position / 0.8, 1.0) * math.pi / 2) if len(letters) > 1 else 1.0
        energies.append(min(1.0, mood * arch * {"B": 1.08, "C": 0.6}.get(letter, 1.0)))
    return energies
