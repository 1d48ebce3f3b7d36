"""Who plays what: the instruments named, and the style's own where none was."""

import random
from dataclasses import dataclass

from .brief import Brief
from .instruments import KNOWN, Instrument


@dataclass(frozen=True, slots=True)
class Cast:
    """The players by role; ``leads`` take turns, ``kit`` is the drums."""

    leads: tuple[Instrument, ...]
    chords: tuple[Instrument, ...]
    pads: tuple[Instrument, ...]
    bass: Instrument | None
    kit: Instrument | None


def choose_cast(brief: Brief) -> Cast:
    """Give everyone who was named a part, and fill the others from the style unless they are to be alone."""
    dice = random.Random(f"{brief.seed} cast")
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
        # A piano that is named sings as well; two hands can do both.
        if chords:
            leads = [chords[0]]
        else:
            choices = [
                name for name in brief.mood.leads if name in _LEADS_OF.get(brief.style_name, brief.mood.leads)
            ]
            first, second = dice.sample([*dict.fromkeys([*choices, *style.leads])][:3], 2)
            leads = [KNOWN[first], KNOWN[second]]
    chords = chords or [KNOWN[dice.choice(style.chords)]]
    pads = pads or [KNOWN[name] for name in style.pads[:1]]
    bass = basses[0] if basses else KNOWN[dice.choice(style.basses)]
    kit = kits[0] if kits else KNOWN[dice.choice(style.kits)] if style.kits else None
    return Cast(tuple(leads), tuple(chords), tuple(pads), bass, kit if brief.drums else None)


# Styles with a sound of their own, in which a mood does not bring its favourite singers.
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
) -> Cast:
    # Whoever is there takes what nobody was named for, as far as the instrument can.
    sings = leads or chords[:1] or pads[:1] or basses[:1]
    left = next((one for one in (*chords, *leads, *pads) if one.left_hand and one not in basses), None)
    bass = basses[0] if basses else left
    return Cast(tuple(sings), tuple(chords), tuple(pads), bass, kits[0] if kits and brief.drums else None)
