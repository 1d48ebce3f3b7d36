"""Animals of the sea and the air."""

from collections.abc import Callable, Mapping

from ..arrays import Array
from ..noise import SeededRandom
from .figure import Figure, Part, blob, disc, limb


def whale(rng: SeededRandom) -> Figure:
    """The tail of a diving whale above the water."""
    skin = rng.pick(("#2b3a46", "#33434e", "#27343f"))
    lean = rng.between(-0.03, 0.03)
    stem = limb(
        (-0.16, -0.1, 0.26), (-0.08, 0.12, 0.175), (-0.02, 0.34, 0.11), (0.0, 0.54, 0.07), (0.0, 0.66, 0.055)
    )
    flukes = blob(
        (0.0, 0.60), (0.10, 0.70), (0.26, 0.80), (0.46, 0.86), (0.64, 0.95 + lean), (0.66, 1.0 + lean),
            (0.50, 1.015),
        (0.30, 0.98), (0.14, 0.90), (0.03, 0.79), (0.0, 0.765), (-0.03, 0.79), (-0.14, 0.90), (-0.30, 0.98),
            (-0.50, 1.015),
        (-0.66, 1.0 - lean), (-0.64, 0.95 - lean), (-0.46, 0.86), (-0.26, 0.80), (-0.10, 0.70),
    )  # fmt: skip
    foam = tuple(
        limb((x - wide, y, 0.004), (x, y + 0.006, 0.012), (x + wide, y, 0.003))
        for x, y, wide in ((-0.14, 0.02, 0.34), (-0.2, 0.045, 0.2), (0.12, 0.008, 0.28), (-0.34, 0.012, 0.2))
    )
    drops = tuple(
        limb((x, y, rng.between(0.003, 0.008)), (x + 0.004, y - rng.between(0.02, 0.09), 0.002))
        for side in (-1.0, 1.0)
        for x, y in [(side * rng.between(0.3, 0.64), rng.between(0.25, 0.88)) for _ in range(13)]
    ) + tuple(
        disc(rng.between(-0.42, 0.2), 0.02 + rng.between(0.0, 0.35) ** 2, rng.between(0.004, 0.011))
        for _ in range(26)
    )
    return Figure(
        (
            Part((stem, flukes), skin, swell=0.11),
            Part((limb((-0.56, 0.99, 0.05), (-0.3, 0.9, 0.06), (-0.1, 0.79, 0.03)),
                  limb((0.56, 0.99, 0.05), (0.3, 0.9, 0.06), (0.1, 0.79, 0.03))),
                      "#70828e", "patch", soft=0.09),
            Part(drops, "#eef4f8", swell=0.02),
            Part(foam, "#e6eef2", swell=0.03),
        ),
        0.62,
        "water",
    )  # fmt: skip


def bird(rng: SeededRandom) -> Figure:
    """A gull in flight."""
    up = rng.between(0.06, 0.42)
    near, far = up, up * rng.between(0.75, 1.05)

    def wing(rise: float, out: float) -> Array:
        return blob(
            (0.09, 0.02), (0.12 * out + 0.05, rise * 0.55 + 0.05), (0.3 * out, rise * 0.92 + 0.1),
                (0.62 * out - 0.02, rise * 0.8 + 0.08),
            (0.9 * out - 0.16, rise * 0.52), (0.6 * out - 0.1, rise * 0.66), (0.3 * out - 0.1, rise * 0.66),
                (-0.12, 0.0),
        )  # fmt: skip

    body = (
        limb(
            (-0.3, 0.0, 0.012),
            (-0.16, 0.0, 0.04),
            (0.04, 0.0, 0.062),
            (0.18, 0.025, 0.045),
            (0.25, 0.03, 0.02),
        ),
    )
    return Figure(
        (
            Part((wing(far, -1.0),), "#7d8790", shade=0.7, swell=0.05),
            Part(body, "#f0efea", swell=0.06),
            Part((limb((0.24, 0.03, 0.016), (0.31, 0.015, 0.004)),), "#e0963a", swell=0.02),
            Part((wing(near, 1.0),), "#8b959d", swell=0.05),
            Part((limb((0.62, near * 0.66, 0.05), (0.78, near * 0.45, 0.05)),),
                "#2d3136", "patch", soft=0.05),
        ),
        0.24,
        "air",
    )  # fmt: skip


WHALE_AND_BIRD: Mapping[str, Callable[[SeededRandom], Figure]] = {
    "whale": whale,
    "bird": bird,
}
