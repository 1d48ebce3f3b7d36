"""Chooses the instruments: those that are named, and the style's for the other roles."""

import random
from dataclasses import dataclass

from .brief import Brief
from .instruments import KNOWN, Instrument


@dataclass(frozen=True, slots=True)
class Instrumentation:
    """The instruments by role. ``leads`` play the melody in turns; ``kit`` is the drums."""

    leads: tuple[Instrument, ...]
    chords: tuple[Instrument, ...]
    pads: tuple[Instrument, ...]
    bass: Instrument | None
    kit: Instrument | None


def choose_instruments(brief: Brief) -> Instrumentation:
    """Give each named instrument a role, and fill the other roles unless only the named ones play."""
    rng = random.Random(f"{brief.seed} cast")
    style = brief.style
    by_role: dict[str, list[Instrument]] = {}
    for instrument in brief.named:
        by_role.setdefault("drums" if instrument.kit else instrument.role, []).append(instrument)
    leads = by_role.get("lead", [])
    chords = by_role.get("chords", [])
    pads = by_role.get("pad", [])
    basses = by_role.get("bass", [])
    kits = by_role.get("drums", [])
    if brief.alone:
        return _alone(brief, leads, chords, pads, basses, kits)
    if not leads:
        # A named chord instrument, such as a piano, also plays the melody.
        if chords:
            leads = [chords[0]]
        else:
            choices = [
                name for name in brief.mood.leads if name in _LEADS_OF.get(brief.style_name, brief.mood.leads)
            ]
            first, second = rng.sample([*dict.fromkeys([*choices, *style.leads])][:3], 2)
            leads = [KNOWN[first], KNOWN[second]]
    chords = chords or [KNOWN[rng.choice(style.chords)]]
    pads = pads or [KNOWN[name] for name in style.pads[:1]]
    bass = basses[0] if basses else KNOWN[rng.choice(style.basses)]
    kit = kits[0] if kits else KNOWN[rng.choice(style.kits)] if style.kits else None
    return Instrumentation(tuple(leads), tuple(chords), tuple(pads), bass, kit if brief.drums else None)


# In these styles only these of a mood's lead instruments are used.
_LEADS_OF: dict[str, tuple[str, ...]] = {
    "blues": (), "electronic": (), "folk": ("violin",), "jazz": ("saxophone",), "lo-fi": ("vibraphone",),
    "pop": (), "rock": (),
}  # fmt: skip


def _alone(
    brief: Brief,
    leads: list[Instrument],
    chords: list[Instrument],
    pads: list[Instrument],
    basses: list[Instrument],
    kits: list[Instrument],
) -> Instrumentation:
    # The named instruments also take the missing roles, as far as they can.
    melody = leads or chords[:1] or pads[:1] or basses[:1]
    left = next((one for one in (*chords, *leads, *pads) if one.left_hand and one not in basses), None)
    bass = basses[0] if basses else left
    return Instrumentation(
        tuple(melody), tuple(chords), tuple(pads), bass, kits[0] if kits and brief.drums else None
    )
