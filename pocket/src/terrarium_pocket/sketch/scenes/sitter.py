"""The person of a portrait, from the prompt and, for the rest, from the seed."""

from dataclasses import dataclass

from ..arrays import Array
from ..colour import grey, mix, rgb, turn
from ..noise import SeededRandom
from ..palette import Palette
from ..prompt import ParsedPrompt

_SKINS = ("#f3cfb4", "#e8b894", "#d49a72", "#b87a52", "#8f5a3a", "#653c28")
_HAIR = ("#1f1714", "#3a2318", "#5e3319", "#7e4423", "#a8642e", "#c8a05a", "#2a2430")
_CLOTHS = ("#1f5a5e", "#b8502f", "#2f3f6e", "#d9a441", "#5c6f4a", "#8a3a4c")
_FAIR = frozenset(["#b23c17", "#a8421c", "#deb068", "#dcb04c", "#c25a1f", "#e6dcc4", "#c9611c", "#7c2f1a"])


@dataclass(frozen=True)
class Sitter:
    """A person; colours are linear. ``cut`` and ``hat`` name shapes, ``hat`` may be empty."""

    skin: Array
    hair: Array
    beard_colour: Array
    eye_colour: Array
    cloth: Array
    hat_colour: Array
    scarf: Array | None
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


def choose_sitter(prompt: ParsedPrompt, palette: Palette, rng: SeededRandom) -> Sitter:
    """Choose the person for a prompt."""
    extras = prompt.extras
    short = "short" in extras
    old = "old" in extras
    bearded = "bearded" in extras
    hair_code = prompt.tint("hair")
    skin = rng.integer(0, 1 if hair_code in _FAIR else len(_SKINS) - 1)
    default = rgb(rng.pick(_HAIR if skin < 4 else _HAIR[:3]))
    beard_code = prompt.tint("beard")
    if old:
        default = rgb(beard_code or rng.pick(("#d8d4ce", "#b9b5b1", "#c9c4bc")))
    hair = rgb(hair_code) if hair_code else default
    cut = _cut(prompt, rng, short=short)
    cloth = prompt.tint("clothes")
    default_cloth = rgb(rng.pick(_CLOTHS))
    # Clothes in the colour of the hair would hide it.
    if abs(float((default_cloth - hair).sum())) < 0.12:
        default_cloth = turn(default_cloth, hue=0.5)
    named = palette.subject if prompt.colours else default_cloth
    collar = rng.pick(("crew", "vee", "roll"))
    if {"coat", "jacket", "suit", "blazer"}.intersection(tint.noun for tint in prompt.tints):
        collar = "lapel"
    collar = "roll" if "turtleneck" in extras else "lapel" if "shirt" in extras else collar
    hat = next((kind for kind in ("beanie", "beret", "hat") if kind in extras), "")
    hat_code, eye_code, scarf_code = prompt.tint("hat"), prompt.tint("eyes"), prompt.tint("scarf")
    scarf = rgb(scarf_code or rng.pick(_CLOTHS)) if "scarf" in extras else None
    glasses = "glasses" in extras or ("sunglasses" not in extras and rng.chance(0.12))
    return Sitter(
        skin=rgb(_SKINS[skin]),
        hair=hair,
        beard_colour=rgb(beard_code) if beard_code else hair,
        eye_colour=rgb(eye_code)
        if eye_code
        else mix(rgb("#5a3a20"), hair, 0.25 if grey(hair) < 0.2 else 0.0),
        cloth=rgb(cloth) if cloth else named,
        hat_colour=rgb(hat_code) if hat_code else turn(rgb(rng.pick(_CLOTHS)), saturation=0.85),
        scarf=scarf,
        cut=cut,
        hat=hat,
        collar=collar,
        short=short,
        beard=bearded or ("beard" in extras and rng.chance(0.6)),
        long_beard=bearded and old,
        old=old,
        glasses=glasses,
        sunglasses="sunglasses" in extras,
        freckles="freckles" in extras or (hair_code in _FAIR and skin < 2 and rng.chance(0.6)),
        rings=not short and rng.chance(0.7),
        stripes=not cloth and collar != "lapel" and rng.chance(0.3),
        eyes_open=bool(eye_code) or glasses or rng.chance(0.55),
    )


def _cut(prompt: ParsedPrompt, rng: SeededRandom, *, short: bool) -> str:
    extras = prompt.extras
    default = (
        rng.pick(("crop", "crop" if "old" in extras else "quiff", "curls"))
        if short
        else rng.pick(("long", "bob", "bun", "curls", "long"))
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
    if prompt.tint("hair") and not short:
        # Hair that the prompt names is worn open.
        return rng.pick(("waves", "long", "waves", "curls"))
    return default
