"""Bowls to serve in."""

import numpy as np

from ..arrays import Array
from ..canvas import smoothstep
from ..colour import rgb
from ..noise import SeededRandom, fractal_noise
from ..raymarching import Profile, Vec


class Speckled:
    """A glaze with a bare foot and iron specks."""

    def __init__(self, colour: Array, rng: SeededRandom) -> None:
        """Make a glaze of a linear colour."""
        self._colour, self._foot = colour, rgb("#a9805a")
        self._specks = fractal_noise(rng.fork("specks"), cells=72, octaves=2, gain=0.5)

    def __call__(self, p: Vec) -> Array:
        """Albedo, shape (3, n)."""
        angle = np.arctan2(p[0], -p[2])
        speck = smoothstep(0.74, 0.92, self._specks.at(angle * 0.3, p[1] * 0.5)) * 0.5
        bare = smoothstep(0.086, 0.076, p[1])
        tone = self._colour[:, None] * (1.0 - speck * 0.8)
        return tone + (self._foot[:, None] - tone) * bare


def bowl_outline(radius: float, height: float, level: float) -> Profile:
    """The outline of a bowl that is filled to ``level``."""
    inner = radius * 0.88
    return (
        (0.0, 0.0),
        (0.27, 0.0),
        (0.29, 0.0),
        (0.29, 0.06),
        (radius * 0.62, 0.12),
        (radius * 0.93, height * 0.55),
        (radius, height),
        (radius - 0.02, height + 0.014),
        (radius - 0.05, height),
        (inner, level + 0.02),
        (inner - 0.02, level - 0.03),
        (0.0, level - 0.04),
    )
