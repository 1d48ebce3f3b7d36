"""Buildings: flat walls and roofs, round towers, windows lit in the dark."""

import math
from collections.abc import Callable, Mapping

from ..arrays import Array
from ..noise import SeededRandom
from .figure import Figure, Part, blob, box, disc, limb, polygon

_LEFT = (-0.75, 0.1, 0.6)
_RIGHT = (0.6, 0.1, 0.75)
_ROOF = (0.25, 0.75, 0.6)
_LAMP = "#ffc873"


def lighthouse(rng: SeededRandom) -> Figure:
    """A round tower in bands with its keeper's house and a lamp behind glass."""
    paint = rng.pick(("#b5302a", "#a82a2a", "#22344f"))
    foot, top, tall = 0.105, 0.066, 0.76

    def ring(low: float, high: float) -> Array:
        a, b = foot + (top - foot) * low, foot + (top - foot) * high
        return polygon((-a, low * tall), (a, low * tall), (b, high * tall), (-b, high * tall))

    bands = tuple(Part((ring(low, low + 0.17),), paint, "patch") for low in (0.16, 0.5, 0.83))
    rail = tuple(
        box(x - 0.003, tall + 0.02, x + 0.003, tall + 0.055)
        for x in (-0.088, -0.052, -0.017, 0.017, 0.052, 0.088)
    )
    return Figure(
        (
            Part((box(0.06, 0.0, 0.31, 0.115),), "#e9e2d4", "flat", normal=_RIGHT),
            Part((polygon((0.04, 0.11), (0.33, 0.11), (0.285, 0.195), (0.085, 0.195)),),
                "#7c3a2c", "flat", normal=_ROOF),
            Part((box(0.15, 0.045, 0.18, 0.085), box(0.235, 0.045, 0.265, 0.085)), _LAMP, "lamp"),
            Part((box(0.255, 0.17, 0.285, 0.24),), "#8a8076", "flat", normal=_RIGHT),
            Part((ring(0.0, 1.0),), "#f1ece2", "column"),
            *bands,
            Part((box(-0.012, 0.2, 0.012, 0.245), box(-0.011, 0.46, 0.011, 0.5)), "#2a2c30", "patch"),
            Part((box(-0.02, 0.0, 0.02, 0.075), disc(0.0, 0.075, 0.02)), "#3a2c26", "patch"),
            Part((polygon((-0.066, tall - 0.035), (0.066, tall - 0.035), (0.097, tall + 0.005),
                (0.097, tall + 0.022),
                       (-0.097, tall + 0.022), (-0.097, tall + 0.005)),), "#2e3136", "column"),
            Part((*rail, box(-0.093, tall + 0.05, 0.093, tall + 0.056)), "#2e3136", "flat"),
            Part((box(-0.05, tall + 0.02, 0.05, tall + 0.13),), "#ffe7a6", "lamp"),
            Part(tuple(box(x - 0.0035, tall + 0.02, x + 0.0035, tall + 0.13) for x in (-0.05, -0.017, 0.017,
                0.05)), "#24272b",
                 "flat"),
            Part((blob((-0.062, tall + 0.13), (-0.045, tall + 0.175), (0.0, tall + 0.205),
                (0.045, tall + 0.175),
                       (0.062, tall + 0.13)), box(-0.066, tall + 0.122, 0.066, tall + 0.136)),
                           paint, "column"),
            Part((limb((0.0, tall + 0.195, 0.006), (0.0, tall + 0.25, 0.003)),
                disc(0.0, tall + 0.212, 0.011)), "#24272b"),
        ),
        1.02,
        beam=tall + 0.075,
    )  # fmt: skip


def cottage(rng: SeededRandom) -> Figure:
    """A small house with a steep roof and a chimney."""
    wall, roof = rng.pick((("#ece4d4", "#8a5a3c"), ("#d9cdb8", "#6d4636"), ("#e6dccb", "#7a3f30")))
    return _house(wall, roof, "#6b4a36", planks=False)


def cabin(rng: SeededRandom) -> Figure:
    """A log cabin."""
    wall, roof = rng.pick((("#7a5236", "#3f3a38"), ("#6a4630", "#5a3a2c"), ("#86593a", "#46403c")))
    return _house(wall, roof, "#3c2a20", planks=True)


def barn(rng: SeededRandom) -> Figure:
    """A red barn with white trim."""
    return _house("#99362c", rng.pick(("#4b4744", "#5a5450")), "#ece4d6", planks=True)


def _house(wall: str, roof: str, trim: str, *, planks: bool) -> Figure:
    gable = polygon((-0.62, 0.0), (-0.12, 0.0), (-0.12, 0.44), (-0.37, 0.86), (-0.62, 0.44))
    front = box(-0.12, 0.0, 0.68, 0.44)
    lines = tuple(
        box(-0.62, y, 0.68, y + 0.011) for y in (0.07, 0.14, 0.21, 0.28, 0.35, 0.42, 0.5, 0.58, 0.66)
    )
    courses = tuple(box(-0.4, y, 0.8, y + 0.008) for y in (0.5, 0.57, 0.64, 0.71, 0.78, 0.85))
    boards = Part(lines, "#2a1c14" if planks else wall, "patch", shade=0.55 if planks else 1.0)
    return Figure(
        (
            Part((box(0.34, 0.7, 0.45, 1.08),), "#7c6a5e", "flat", normal=_RIGHT),
            Part((box(0.325, 1.05, 0.465, 1.1),), "#5c4e46", "flat", normal=_RIGHT),
            Part((gable,), wall, "flat", shade=0.8, normal=_LEFT),
            boards,
            Part((front,), wall, "flat", normal=_RIGHT),
            boards,
            Part((polygon((-0.42, 0.86), (-0.10, 0.38), (0.76, 0.38), (0.52, 0.91), (-0.36, 0.91)),),
                roof, "flat", normal=_ROOF),
            Part(courses, "#000000", "patch", soft=0.004),
            Part((polygon((-0.42, 0.86), (-0.36, 0.92), (-0.36, 0.855), (-0.64, 0.385), (-0.70, 0.405)),),
                trim, "flat",
                 normal=_LEFT),
            Part((box(-0.46, 0.16, -0.28, 0.36), box(0.06, 0.14, 0.22, 0.31), box(0.47, 0.14, 0.63, 0.31)),
                _LAMP, "lamp"),
            Part((box(-0.375, 0.16, -0.363, 0.36), box(-0.46, 0.255, -0.28, 0.267),
                box(0.134, 0.14, 0.146, 0.31),
                  box(0.06, 0.22, 0.22, 0.232), box(0.544, 0.14, 0.556, 0.31), box(0.47, 0.22, 0.63, 0.232)),
                      trim, "flat"),
            Part((box(0.28, 0.0, 0.41, 0.31),), "#33241c", "flat", normal=_RIGHT),
            Part((disc(0.39, 0.15, 0.009),), "#d8b46a", "flat"),
        ),
        0.4,
    )  # fmt: skip


def castle(rng: SeededRandom) -> Figure:
    """Towers with pointed roofs around a keep, on a crag of its own."""
    stone = rng.pick(("#a89d8e", "#9a948c", "#b0a08a"))
    roof = rng.pick(("#3d4a62", "#6a3a34", "#3f4f4a"))
    parts: list[Part] = []

    def tower(x: float, wide: float, low: float, high: float, cone: float, shade: float) -> None:
        parts.append(Part((box(x - wide, low, x + wide, high),
                           polygon((x - wide, high - 0.035), (x - wide * 1.22, high),
                               (x - wide * 1.22, high + 0.03),
                                (x + wide * 1.22, high + 0.03), (x + wide * 1.22, high),
                                    (x + wide, high - 0.035))),
                          stone, "column", shade))  # fmt: skip
        slits = [box(x - 0.007, y, x + 0.007, y + 0.03) for y in (low + (high - low) * 0.55, high - 0.07)]
        parts.append(Part(tuple(slits), _LAMP, "lamp"))
        if cone > 0:
            parts.append(Part((polygon((x - wide * 1.3, high + 0.028), (x, high + cone),
                (x + wide * 1.3, high + 0.028)),),
                              roof, "column", shade))  # fmt: skip
            parts.append(
                Part((limb((x, high + cone, 0.003), (x, high + cone + 0.05, 0.002)),), "#26262a", "flat")
            )
        else:
            teeth = [
                box(x + wide * t - 0.012, high + 0.028, x + wide * t + 0.012, high + 0.052)
                for t in (-1.05, -0.5, 0.05, 0.6, 1.05)
            ]
            parts.append(Part(tuple(teeth), stone, "flat", shade))

    def wall(left: float, right: float, high: float, shade: float) -> None:
        count = max(2, round((right - left) / 0.045))
        step = (right - left) / count
        teeth = [box(left + step * n, high, left + step * (n + 0.55), high + 0.026) for n in range(count)]
        parts.append(
            Part((box(left, 0.1, right, high), *teeth), stone, "flat", shade, normal=(0.15, 0.15, 0.95))
        )

    tower(-0.05, 0.05, 0.3, 0.80, 0.2, 0.72)
    tower(0.2, 0.04, 0.3, 0.66, 0.17, 0.72)
    parts.append(Part((box(-0.15, 0.1, 0.16, 0.57),
        *(box(-0.15 + 0.062 * n, 0.57, -0.117 + 0.062 * n, 0.6) for n in range(5))), stone,
                      "flat", 0.86, normal=(0.2, 0.15, 0.9)))  # fmt: skip
    parts.append(
        Part(
            (box(-0.08, 0.43, -0.055, 0.48), box(-0.01, 0.43, 0.015, 0.48), box(0.06, 0.43, 0.085, 0.48)),
            _LAMP,
            "lamp",
        )
    )
    tower(-0.2, 0.055, 0.1, 0.60, 0.19, 1.0)
    tower(0.17, 0.062, 0.1, 0.52, 0.0, 1.0)
    wall(-0.42, 0.42, 0.3, 0.92)
    tower(-0.4, 0.058, 0.05, 0.42, 0.16, 1.0)
    tower(0.4, 0.058, 0.05, 0.40, 0.15, 1.0)
    parts.append(Part((box(-0.05, 0.1, 0.05, 0.21), disc(0.0, 0.21, 0.05)), "#221c1a", "flat", 0.6))
    side = rng.sign() * 0.02
    crag = blob(
        (-0.66, -0.1), (-0.62, 0.0), (-0.55, 0.07), (-0.48, 0.125), (-0.42, 0.15), (-0.2, 0.15 + side),
            (0.0, 0.135),
        (0.2, 0.15 - side), (0.42, 0.15), (0.48, 0.12), (0.56, 0.07), (0.62, 0.0), (0.66, -0.1),
    )  # fmt: skip
    rocks = tuple(
        blob((x - wide, low), (x - wide * 0.7, low + wide * 0.7), (x, low + wide),
            (x + wide * 0.8, low + wide * 0.6), (x + wide, low))
        for x, low, wide in ((-0.53, 0.06, 0.06), (-0.3, 0.09, 0.05), (-0.17, 0.07, 0.035),
            (0.16, 0.08, 0.045), (0.32, 0.08, 0.06),
                             (0.56, 0.05, 0.05))
    )  # fmt: skip
    parts.append(Part((crag,), stone, "flat", 0.42, normal=(0.2, 0.8, 0.4)))
    parts.append(Part((limb((-0.7, 0.055, 0.05), (-0.45, 0.15, 0.035), (0.0, 0.15, 0.03),
        (0.45, 0.15, 0.035), (0.7, 0.055, 0.05)),), "ground",
                      "patch", soft=0.03))  # fmt: skip
    parts.append(Part(rocks, stone, shade=0.7, swell=0.05))
    flag = blob(
        (-0.05, 1.045),
        (0.0, 1.055),
        (0.05, 1.04),
        (0.09, 1.045),
        (0.085, 1.0),
        (0.04, 1.0),
        (0.0, 1.01),
        (-0.05, 1.0),
    )
    parts.append(Part((flag,), "#b5302a", swell=0.02))
    return Figure(tuple(parts), 0.88, sinks=0.06)


def windmill(rng: SeededRandom) -> Figure:
    """A tower mill with four latticed sails."""
    wall, cap = rng.pick((("#e8dfcf", "#6a4030"), ("#b89a78", "#3f3a38"), ("#d8cbb4", "#7a3f30")))
    angle = rng.between(0.2, 1.2)
    sails: list[Array] = []
    spars: list[Array] = []
    for turn in range(4):
        a = angle + turn * math.pi / 2
        cos, sin = math.cos(a), math.sin(a)

        def at(out: float, aside: float, cos: float = cos, sin: float = sin) -> tuple[float, float]:
            return out * cos - aside * sin, 0.745 + out * sin + aside * cos

        spars.append(limb((*at(0.0, 0.0), 0.012), (*at(0.47, 0.0), 0.007)))
        sails.append(polygon(at(0.1, 0.008), at(0.47, 0.008), at(0.47, 0.095), at(0.1, 0.095)))
        for n in range(8):
            out = 0.1 + 0.37 * n / 7
            spars.append(limb((*at(out, 0.0), 0.0038), (*at(out, 0.1), 0.0038)))
        spars.extend(limb((*at(0.1, off), 0.0035), (*at(0.47, off), 0.0035)) for off in (0.05, 0.098))
    return Figure(
        (
            Part((polygon((-0.17, 0.0), (0.17, 0.0), (0.1, 0.7), (-0.1, 0.7)),), wall, "column"),
            Part((polygon((-0.148, 0.22), (0.148, 0.22), (0.145, 0.25), (-0.145, 0.25)),),
                "#5a4636", "patch"),
            Part((box(-0.035, 0.0, 0.035, 0.12), disc(0.0, 0.12, 0.035)), "#3a2a20", "patch"),
            Part((box(-0.022, 0.36, 0.022, 0.42), box(-0.018, 0.54, 0.018, 0.59)), _LAMP, "lamp"),
            Part((limb((-0.21, 0.235, 0.008), (0.21, 0.235, 0.008)), limb((-0.21, 0.29, 0.004),
                (0.21, 0.29, 0.004)),
                  *(limb((x, 0.235, 0.004), (x, 0.29, 0.004)) for x in (-0.21, -0.14, -0.07, 0.0, 0.07, 0.14,
                      0.21))), "#4a382c",
                 swell=0.02),
            Part((blob((-0.125, 0.69), (-0.11, 0.78), (-0.04, 0.85), (0.04, 0.85), (0.11, 0.78),
                (0.125, 0.69), (0.0, 0.675)),), cap,
                 swell=0.1),
            Part(tuple(sails), "#efe6d4", "flat", 0.95, normal=(0.1, 0.2, 0.95)),
            Part(tuple(spars), "#4a3628", "flat", 0.9, normal=(0.1, 0.2, 0.95)),
            Part((disc(0.0, 0.745, 0.024),), "#33261e"),
        ),
        0.78,
    )  # fmt: skip


def tent(rng: SeededRandom) -> Figure:
    """A tent with a light inside."""
    cloth = rng.pick(("#c9702f", "#b8862f", "#3f6f78"))
    return Figure(
        (
            Part((polygon((0.0, 1.0), (0.55, 0.9), (1.15, 0.0), (0.62, 0.0)),),
                cloth, "flat", 0.9, normal=(0.7, 0.4, 0.5)),
            Part((polygon((0.0, 1.0), (0.62, 0.0), (-0.62, 0.0)),),
                cloth, "flat", 0.8, normal=(-0.2, 0.2, 0.9)),
            Part((polygon((0.0, 0.8), (0.3, 0.0), (-0.3, 0.0)),), "#ffc56a", "lamp"),
            Part((polygon((0.0, 0.82), (0.34, 0.0), (0.2, 0.0), (0.06, 0.5)),
                polygon((0.0, 0.82), (-0.34, 0.0), (-0.22, 0.0), (-0.06, 0.5))),
                 cloth, "flat", 0.95, normal=(0.2, 0.2, 0.9)),
            Part((limb((0.0, 1.0, 0.012), (-0.98, 0.0, 0.006)), limb((0.55, 0.9, 0.01), (1.42, 0.0, 0.006))),
                "#4a4038", "flat"),
        ),
        0.25,
    )  # fmt: skip


BUILDINGS: Mapping[str, Callable[[SeededRandom], Figure]] = {
    "lighthouse": lighthouse, "cottage": cottage, "cabin": cabin, "barn": barn, "castle": castle,
        "windmill": windmill,
    "tent": tent,
}  # fmt: skip
