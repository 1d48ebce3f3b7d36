"""Vessels: sailing boats, ships, rowing boats, hot air balloons."""

import math
from collections.abc import Callable, Mapping

from ..arrays import Array
from ..noise import SeededRandom
from .figure import Figure, Part, blob, box, disc, limb, polygon


def sailboat(rng: SeededRandom) -> Figure:
    """A sloop under main and jib."""
    hull = rng.pick(("#233246", "#7a2f2a", "#f0ebe0", "#2f4a48"))
    cloth = rng.pick(("#f4ecdc", "#f1e2c6", "#e9e4da"))
    stripe = rng.pick(("#b5382e", "#23405f", "#d09a3a"))
    return Figure(
        (
            Part((limb((-0.02, 0.08, 0.008), (-0.015, 1.0, 0.005)),), "#5a4230"),
            Part((blob((0.015, 0.17), (0.02, 0.55), (0.0, 0.975), (0.015, 0.985), (0.12, 0.72), (0.27, 0.42),
                (0.405, 0.165),
                       (0.22, 0.145)),), cloth, shade=0.85, swell=0.09),
            Part((blob((-0.03, 0.165), (-0.04, 0.55), (-0.025, 0.94), (-0.045, 0.95), (-0.2, 0.68),
                (-0.32, 0.40), (-0.375, 0.19),
                       (-0.2, 0.15)),), cloth, swell=0.1),
            Part((limb((-0.37, 0.32, 0.014), (0.0, 0.30, 0.014)),), stripe, "patch", soft=0.004),
            Part((limb((-0.38, 0.165, 0.008), (-0.02, 0.15, 0.008)),), "#5a4230", swell=0.02),
            Part((blob((-0.42, 0.105), (-0.2, 0.085), (0.1, 0.09), (0.34, 0.115), (0.475, 0.15),
                (0.38, 0.03), (0.26, -0.04), (-0.1, -0.06),
                       (-0.36, -0.03)),), hull, swell=0.07),
            Part((limb((-0.43, 0.095, 0.01), (-0.1, 0.078, 0.01), (0.2, 0.09, 0.01), (0.46, 0.135, 0.01)),),
                "#efe8da", "patch"),
            Part((blob((-0.2, 0.09), (-0.17, 0.135), (0.02, 0.135), (0.08, 0.095)),), "#e8dfce", swell=0.03),
        ),
        0.46,
        "water",
    )  # fmt: skip


def ship(rng: SeededRandom) -> Figure:
    """A three-master before the wind."""
    hull = rng.pick(("#4a3222", "#3a2c26", "#5a3a26"))
    cloth = rng.pick(("#efe4cc", "#e8d8b8", "#f1eadc"))
    parts: list[Part] = []
    for x, tall in ((-0.34, 0.8), (0.26, 0.86), (-0.04, 1.0)):
        parts.append(Part((limb((x, 0.15, 0.012), (x, tall, 0.005)),), "#3f2e22"))
        low = 0.27
        for wide, high in ((0.17, 0.25), (0.145, 0.21), (0.11, 0.16)):
            top = low + high * (tall - 0.2) / 0.8
            parts.append(Part((blob((x - wide, low + 0.01), (x - wide * 0.85 + 0.05, (low + top) / 2),
                (x - wide * 0.8, top),
                                    (x, top + 0.006), (x + wide * 0.8, top),
                                        (x + wide * 0.95 + 0.06, (low + top) / 2),
                                    (x + wide, low + 0.005), (x + 0.03, low + 0.045)),),
                                        cloth, swell=0.07))  # fmt: skip
            parts.append(
                Part(
                    (limb((x - wide * 0.88, top + 0.006, 0.005), (x + wide * 0.88, top + 0.006, 0.005)),),
                    "#3f2e22",
                    swell=0.02,
                )
            )
            low = top + 0.018
        parts.append(Part((blob((x, tall + 0.03), (x + 0.05, tall + 0.035), (x + 0.1, tall + 0.02),
            (x + 0.05, tall + 0.012),
                                (x, tall + 0.005)),), "#b5302a", swell=0.02))  # fmt: skip
    parts += [
        Part((limb((0.5, 0.2, 0.011), (0.72, 0.34, 0.004)),), "#3f2e22"),
        Part((polygon((0.70, 0.33), (0.30, 0.72), (0.42, 0.24)), polygon((0.62, 0.285), (0.29, 0.56),
            (0.38, 0.22))), cloth, "flat", 0.85),
        Part((blob((-0.60, 0.29), (-0.57, 0.22), (-0.4, 0.16), (0.0, 0.13), (0.35, 0.15), (0.56, 0.215),
            (0.5, 0.08), (0.42, -0.05),
                   (-0.4, -0.06), (-0.53, 0.05)),), hull, swell=0.09),
        Part((limb((-0.6, 0.17, 0.012), (-0.4, 0.1, 0.012), (0.0, 0.075, 0.012), (0.35, 0.09, 0.012),
            (0.56, 0.15, 0.012)),), "#d8b878",
             "patch"),
        Part(tuple(box(x - 0.012, 0.068 + abs(x) * 0.06, x + 0.012, 0.095 + abs(x) * 0.06) for x in (-0.3,
            -0.2, -0.1, 0.0, 0.1, 0.2, 0.3)),
             "#1c1512", "patch"),
        Part((box(-0.56, 0.19, -0.53, 0.225), box(-0.5, 0.175, -0.47, 0.21)), "#ffc873", "lamp"),
    ]  # fmt: skip
    return Figure(tuple(parts), 0.66, "water")


def rowboat(rng: SeededRandom) -> Figure:
    """Someone in a rowing boat."""
    hull = rng.pick(("#7a4a2c", "#8a3a2c", "#3f5a5c"))
    coat = rng.pick(("#b5422f", "#d0a040", "#35506a"))
    return Figure(
        (
            Part((limb((0.02, 0.36, 0.13), (0.0, 0.56, 0.115), (0.02, 0.66, 0.08)),), coat, swell=0.1),
            Part((disc(0.05, 0.8, 0.088),), "#caa283", swell=0.08),
            Part((blob((-0.07, 0.81), (-0.05, 0.9), (0.05, 0.92), (0.14, 0.88), (0.155, 0.83),
                (0.04, 0.84)),), "#3a332e", swell=0.05),
            Part((limb((0.02, 0.58, 0.06), (0.14, 0.47, 0.045), (0.27, 0.46, 0.035)),),
                coat, shade=0.85, swell=0.05),
            Part((limb((0.27, 0.48, 0.014), (-0.3, 0.2, 0.014), (-0.6, 0.03, 0.014)),),
                "#a98a5c", swell=0.02),
            Part((blob((-0.9, 0.36), (-0.6, 0.27), (0.0, 0.225), (0.6, 0.27), (0.92, 0.38), (0.8, 0.1),
                (0.62, -0.06), (-0.6, -0.06),
                       (-0.8, 0.1)),), hull, swell=0.12),
            Part((limb((-0.92, 0.34, 0.022), (-0.55, 0.26, 0.022), (0.0, 0.22, 0.022), (0.55, 0.26, 0.022),
                (0.94, 0.36, 0.022)),),
                 "#d8bf94", "patch"),
        ),
        0.2,
        "water",
    )  # fmt: skip


def balloon(rng: SeededRandom) -> Figure:
    """A hot air balloon in gores of two or three colours."""
    sets = (
        ("#c8402f", "#f1e2c4", "#e0a03a"), ("#2f6f8a", "#f0e6d0", "#d8653a"),
            ("#e0a63a", "#8a2f3c", "#f3e8d2"),
        ("#5a3f7a", "#e8b45a", "#f0e4d0"), ("#2f7a6a", "#f2e6cc", "#c8502f"),
    )  # fmt: skip
    first, second, third = rng.pick(sets)
    envelope = blob((-0.055, 0.215), (-0.2, 0.37), (-0.335, 0.56), (-0.37, 0.72), (-0.29, 0.9),
        (-0.13, 0.985), (0.0, 1.0), (0.13, 0.985),
                    (0.29, 0.9), (0.37, 0.72), (0.335, 0.56), (0.2, 0.37), (0.055, 0.215))  # fmt: skip

    def gore(low: float, high: float) -> Array:
        """Between two angles around the balloon, -90 to 90 degrees."""
        a, b = (math.sin(math.radians(angle)) for angle in (low, high))
        rows = (
            (0.1, 0.21),
            (0.35, 0.29),
            (0.62, 0.4),
            (0.9, 0.56),
            (1.0, 0.71),
            (0.8, 0.89),
            (0.36, 0.98),
            (0.0, 1.01),
        )
        left = [(a * wide * 0.375, y) for wide, y in rows]
        right = [(b * wide * 0.375, y) for wide, y in reversed(rows)]
        return blob(*left, *right[1:])

    stripes = tuple(gore(low, low + 22) for low in (-78, -34, 10, 54))
    basket = polygon((-0.052, 0.0), (0.052, 0.0), (0.06, 0.085), (-0.06, 0.085))
    return Figure(
        (
            Part(tuple(limb((x * 0.9, 0.08, 0.0028), (x * 1.3, 0.24, 0.0028)) for x in (-0.055, -0.02, 0.02,
                0.055)), "#3a2c22", "flat"),
            Part((envelope,), first, swell=0.24),
            Part(stripes, second, "patch"),
            Part((blob((-0.4, 0.60), (0.0, 0.55), (0.4, 0.60), (0.4, 0.67), (0.0, 0.625), (-0.4, 0.67)),),
                third, "patch"),
            Part((disc(0.0, 0.225, 0.03),), "#ffb04a", "lamp"),
            Part((basket,), "#7a5232", "column"),
            Part((box(-0.07, 0.07, 0.07, 0.09), box(-0.07, 0.035, 0.07, 0.043)), "#4f331e", "patch"),
        ),
        0.62,
        "air",
    )  # fmt: skip


VESSELS: Mapping[str, Callable[[SeededRandom], Figure]] = {
    "sailboat": sailboat,
    "ship": ship,
    "rowboat": rowboat,
    "balloon": balloon,
}
