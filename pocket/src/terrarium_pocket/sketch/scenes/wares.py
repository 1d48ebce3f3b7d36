"""Builds the wares on the product table: their shapes and materials."""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from ..arrays import Array
from ..noise import SeededRandom
from ..prompt import ParsedPrompt
from ..raymarching import Bound, Profile, Vec, handle, revolved, softmin
from .cake import cake
from .dishes import pizza, ramen
from .fruit import fruit
from .goods import books, perfume, photo_camera
from .shoe import sneaker
from .ware import Ware

_SCENTS = frozenset(["perfume", "fragrance", "cologne"])


def make_ware(prompt: ParsedPrompt, rng: SeededRandom) -> Ware:
    """Build the ware that the prompt names, with random proportions."""
    variant = prompt.variant if prompt.scene == "product" else "mug"
    return _cached_ware(prompt, "perfume" if prompt.subject_word in _SCENTS else variant, rng.key)


# A picture is composed twice, small and large, with the same ware.
@lru_cache(maxsize=4)
def _cached_ware(prompt: ParsedPrompt, variant: str, key: int) -> Ware:
    return _MAKERS[variant](prompt, SeededRandom(f"{key:x}/{variant}"))


def _mug(prompt: ParsedPrompt, rng: SeededRandom) -> Ware:
    radius = rng.between(0.46, 0.52)
    height = rng.between(0.94, 1.1)
    taper = rng.between(0.86, 1.02)
    wall = 0.045
    level = height * 0.86
    foot = radius * taper
    outline: Profile = (
        (0.0, 0.0),
        (foot * 0.8, 0.0),
        (foot * 0.98, 0.0),
        (foot, 0.06),
        (foot * 1.01, 0.12),
        (radius, height * 0.5),
        (radius, height * 0.9),
        (radius, height),
        (radius - wall * 0.5, height + 0.012),
        (radius - wall, height),
        (radius - wall, height * 0.95),
        (radius - wall, level + 0.004),
        (radius - wall - 0.002, level),
        (0.0, level),
    )
    body = revolved(outline)
    ear = handle(
        radius * 0.98,
        height * 0.52,
        rng.between(0.3, 0.36),
        height * rng.between(0.27, 0.31),
        0.052,
        rng.between(0.075, 0.1),
        radius - wall * 0.6,
    )
    turn = rng.between(-0.75, 0.1) + (math.pi if rng.chance(0.35) else 0.0)
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))

    def shape(p: Vec) -> Array:
        vessel = body(p)
        return softmin(vessel, ear((p[0] * cos + p[2] * sin, p[1], p[2] * cos - p[0] * sin)), 0.07)

    drink = "tea" if "tea" in prompt.subject_word else "coffee"
    return Ware(
        shape,
        Bound(radius + 0.46, height + 0.03),
        "ceramic",
        level,
        radius - wall - 0.005,
        drink,
        dip=rng.between(0.16, 0.34) if rng.chance(0.75) else -1.0,
        steams=True,
    )


def _bottle(prompt: ParsedPrompt, rng: SeededRandom) -> Ware:
    tall = prompt.subject_word in {"wine", "gin", "whisky", "whiskey"}
    radius = 0.3 if tall else rng.between(0.38, 0.46)
    shoulder = 0.95 if tall else rng.between(0.78, 0.9)
    neck = rng.between(0.12, 0.15)
    top = shoulder + (0.62 if tall else 0.3)
    cap = top - (0.16 if tall else 0.02)
    rise = 0.42 if tall else 0.12
    outline: Profile = (
        (0.0, 0.0),
        (radius * 0.9, 0.0),
        (radius, 0.0),
        (radius, 0.05),
        (radius, shoulder * 0.5),
        (radius, shoulder - 0.06),
        (radius, shoulder + 0.03),
        (neck * 1.6, shoulder + rise * 0.6),
        (neck, shoulder + rise),
        (neck, cap),
        (neck, cap),
        (neck, cap),
        (0.0, cap),
    )
    wide = neck + 0.045
    lid: Profile = (
        (0.0, cap),
        (wide, cap),
        (wide, cap),
        (wide, cap + 0.04),
        (wide, top + 0.1),
        (wide, top + 0.12),
        (0.0, top + 0.12),
    )
    body, cover = revolved(outline), revolved(lid)
    see_through = tall or prompt.subject_word in {"perfume", "fragrance", "cologne", "serum", "dropper"}
    see_through = see_through or "glass" in prompt.extras
    return Ware(
        lambda p: np.minimum(body(p), cover(p)),
        Bound(radius + 0.03, top + 0.16),
        "glass" if see_through else "glaze",
        lid_from=cap - 0.005,
        lid="gold" if see_through and rng.chance(0.6) else "dark",
        label=(shoulder * 0.24, shoulder * 0.74),
    )


def _jar(prompt: ParsedPrompt, rng: SeededRandom) -> Ware:
    radius = rng.between(0.48, 0.56)
    height = rng.between(0.55, 0.72)
    outline: Profile = (
        (0.0, 0.0),
        (radius * 0.9, 0.0),
        (radius, 0.0),
        (radius, 0.08),
        (radius, height - 0.08),
        (radius, height),
        (radius * 0.9, height),
        (0.0, height),
    )
    wide, top = radius * 0.97, height + rng.between(0.2, 0.26)
    lid: Profile = (
        (0.0, height + 0.015),
        (wide, height + 0.015),
        (wide, height + 0.02),
        (wide, top - 0.02),
        (wide, top),
        (wide * 0.94, top),
        (0.0, top),
    )
    body, cover = revolved(outline), revolved(lid)
    return Ware(
        lambda p: np.minimum(body(p), cover(p)),
        Bound(radius + 0.03, top + 0.03),
        "glass" if prompt.subject_word in {"honey", "jam"} else "glaze",
        lid_from=height + 0.008,
        lid=rng.pick(("gold", "dark", "timber")),
        label=(0.14, height - 0.14),
    )


def _vase(prompt: ParsedPrompt, rng: SeededRandom) -> Ware:
    belly = rng.between(0.42, 0.54)
    height = rng.between(1.15, 1.4)
    neck = rng.between(0.13, 0.2)
    waist = rng.between(0.34, 0.52) * height
    lip = neck * rng.between(1.2, 1.6)
    outline: Profile = (
        (0.0, 0.0),
        (belly * 0.5, 0.0),
        (belly * 0.56, 0.0),
        (belly * 0.85, waist * 0.4),
        (belly * 1.06, waist),
        (belly * 0.8, waist + 0.28),
        (neck, height * 0.8),
        (neck, height * 0.9),
        (lip, height),
        (lip - 0.015, height + 0.012),
        (lip - 0.04, height),
        (neck - 0.04, height * 0.88),
        (neck - 0.05, height * 0.7),
        (0.0, height * 0.7),
    )
    return Ware(
        revolved(outline, rounds=3),
        Bound(belly + 0.08, height + 0.03),
        "ceramic",
        dip=rng.between(0.25, 0.6) * height if rng.chance(0.6) else -1.0,
        gloss=0.45,
    )


def _can(prompt: ParsedPrompt, rng: SeededRandom) -> Ware:
    radius, height = 0.33, rng.between(1.08, 1.22)
    outline: Profile = (
        (0.0, 0.02),
        (radius * 0.72, 0.02),
        (radius * 0.78, 0.0),
        (radius * 0.84, 0.02),
        (radius, 0.1),
        (radius, 0.14),
        (radius, height * 0.5),
        (radius, height - 0.14),
        (radius, height - 0.1),
        (radius * 0.84, height - 0.015),
        (radius * 0.84, height),
        (radius * 0.8, height),
        (radius * 0.78, height - 0.03),
        (0.0, height - 0.03),
    )
    return Ware(
        revolved(outline),
        Bound(radius + 0.03, height + 0.03),
        "glaze",
        lid_from=height - 0.07,
        lid="metal",
        label=(height * 0.3, height * 0.68),
    )


def _bowl(prompt: ParsedPrompt, rng: SeededRandom) -> Ware:
    radius, height = rng.between(0.66, 0.76), rng.between(0.42, 0.52)
    level = height * 0.78
    inner = radius * 0.9
    outline: Profile = (
        (0.0, 0.0),
        (0.26, 0.0),
        (0.28, 0.0),
        (0.28, 0.05),
        (radius * 0.62, 0.1),
        (radius * 0.94, height * 0.55),
        (radius, height),
        (radius - 0.02, height + 0.012),
        (radius - 0.045, height),
        (inner, level + 0.01),
        (inner - 0.01, level),
        (0.0, level),
    )
    return Ware(
        revolved(outline),
        Bound(radius + 0.03, height + 0.03),
        "ceramic",
        level,
        inner - 0.01,
        "soup",
        dip=rng.between(0.1, 0.22),
        steams=True,
    )


def _candle(prompt: ParsedPrompt, rng: SeededRandom) -> Ware:
    radius, height = rng.between(0.4, 0.48), rng.between(0.62, 0.8)
    level = height * 0.84
    outline: Profile = (
        (0.0, 0.0),
        (radius * 0.92, 0.0),
        (radius, 0.0),
        (radius, 0.06),
        (radius, height * 0.6),
        (radius, height),
        (radius - 0.02, height + 0.006),
        (radius - 0.035, height),
        (radius - 0.035, level + 0.003),
        (radius - 0.037, level),
        (0.0, level),
    )
    wick = revolved(((0.0, level), (0.011, level), (0.009, level + 0.09), (0.0, level + 0.095)), rounds=0)
    body = revolved(outline)
    return Ware(
        lambda p: np.minimum(body(p), wick(p)),
        Bound(radius + 0.02, height + 0.03),
        "ceramic",
        level,
        radius - 0.04,
        "wax",
        dip=-1.0,
        label=(0.16, height - 0.2),
        flames=((0.0, level + 0.12, 0.0),),
    )


_MAKERS: dict[str, Callable[[ParsedPrompt, SeededRandom], Ware]] = {
    "mug": _mug,
    "bottle": _bottle,
    "jar": _jar,
    "vase": _vase,
    "can": _can,
    "bowl": _bowl,
    "candle": _candle,
    "fruit": fruit,
    "ramen": ramen,
    "cake": cake,
    "pizza": pizza,
    "perfume": perfume,
    "sneaker": sneaker,
    "camera": photo_camera,
    "book": books,
}
