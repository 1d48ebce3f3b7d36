"""Who sits for a portrait: what the brief says of them, and the dice for the rest."""

from dataclasses import dataclass

from ..brief import Brief
from ..colour import grey, mix, rgb, turn
from ..noise import Dice, Plane
from ..palette import Palette

_SKINS = ("#f3cfb4", "#e8b894", "#d49a72", "#b87a52", "#8f5a3a", "#653c28")
_HAIR = ("#1f1714", "#3a2318", "#5e3319", "#7e4423", "#a8642e", "#c8a05a", "#2a2430")
_CLOTHS = ("#1f5a5e", "#b8502f", "#2f3f6e", "#d9a441", "#5c6f4a", "#8a3a4c")
_FAIR = frozenset(["#b23c17", "#a8421c", "#deb068", "#dcb04c", "#c25a1f", "#e6dcc4", "#c9611c", "#7c2f1a"])


@dataclass(frozen=True)
class Sitter:
    """A person; colours are linear. ``cut`` and ``hat`` name shapes, ``hat`` may be empty."""

    skin: Plane
    hair: Plane
    beard_colour: Plane
    eye_colour: Plane
    cloth: Plane
    hat_colour: Plane
    scarf: Plane | None
    cut: str
    hat: str
    collar: str
    short: bool
    beard: bool
    long_beard: bool
    old: bool
    glasses: bool
    sunglasses: bool
    freckles: bool
    rings: bool
    stripes: bool
    eyes_open: bool


def cast(brief: Brief, palette: Palette, dice: Dice) -> Sitter:
    """The sitter of a brief."""
    extras = brief.extras
    short = "short" in extras
    old = "old" in extras
    bearded = "bearded" in extras
    hair_code = brief.tint("hair")
    skin = dice.whole(0, 1 if hair_code in _FAIR else len(_SKINS) - 1)
    rolled = rgb(dice.pick(_HAIR if skin < 4 else _HAIR[:3]))
    beard_code = brief.tint("beard")
    if old:
        rolled = rgb(beard_code or dice.pick(("#d8d4ce", "#b9b5b1", "#c9c4bc")))
    hair = rgb(hair_code) if hair_code else rolled
    cut = _cut(brief, dice, short=short)
    cloth = brief.tint("clothes")
    rolled_cloth = rgb(dice.pick(_CLOTHS))
    # A jumper in the colour of the hair would swallow it.
    if abs(float((rolled_cloth - hair).sum())) < 0.12:
        rolled_cloth = turn(rolled_cloth, hue=0.5)
    named = palette.subject if brief.colours else rolled_cloth
    collar = dice.pick(("crew", "vee", "roll"))
    if {"coat", "jacket", "suit", "blazer"}.intersection(tint.noun for tint in brief.tints):
        collar = "lapel"
    collar = "roll" if "turtleneck" in extras else "lapel" if "shirt" in extras else collar
    hat = next((kind for kind in ("beanie", "beret", "hat") if kind in extras), "")
    hat_code, eye_code, scarf_code = brief.tint("hat"), brief.tint("eyes"), brief.tint("scarf")
    scarf = rgb(scarf_code or dice.pick(_CLOTHS)) if "scarf" in extras else None
    glasses = "glasses" in extras or ("sunglasses" not in extras and dice.chance(0.12))
    return Sitter(
        skin=rgb(_SKINS[skin]),
        hair=hair,
        beard_colour=rgb(beard_code) if beard_code else hair,
        eye_colour=rgb(eye_code)
        if eye_code
        else mix(rgb("#5a3a20"), hair, 0.25 if grey(hair) < 0.2 else 0.0),
        cloth=rgb(cloth) if cloth else named,
        hat_colour=rgb(hat_code) if hat_code else turn(rgb(dice.pick(_CLOTHS)), saturation=0.85),
        scarf=scarf,
        cut=cut,
        hat=hat,
        collar=collar,
        short=short,
        beard=bearded or ("beard" in extras and dice.chance(0.6)),
        long_beard=bearded and old,
        old=old,
        glasses=glasses,
        sunglasses="sunglasses" in extras,
        freckles="freckles" in extras or (hair_code in _FAIR and skin < 2 and dice.chance(0.6)),
        rings=not short and dice.chance(0.7),
        stripes=not cloth and collar != "lapel" and dice.chance(0.3),
        eyes_open=bool(eye_code) or glasses or dice.chance(0.55),
    )


def _cut(brief: Brief, dice: Dice, *, short: bool) -> str:
    extras = brief.extras
    rolled = (
        dice.pick(("crop", "crop" if "old" in extras else "quiff", "curls"))
        if short
        else dice.pick(("long", "bob", "bun", "curls", "long"))
    )
    for kind in ("bald", "bun", "braids", "bob"):
        if kind in extras:
            return kind
    if "curly" in extras:
        return "curls" if short or "long-hair" not in extras else "waves"
    if "short-hair" in extras:
        return "quiff" if short else "bob"
    if "long-hair" in extras or "straight-hair" in extras:
        return "long"
    if brief.tint("hair") and not short:
        # Hair that the brief speaks of is there to be seen.
        return dice.pick(("waves", "long", "waves", "curls"))
    return rolled
