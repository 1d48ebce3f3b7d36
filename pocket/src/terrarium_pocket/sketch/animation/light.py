"""Changing light: the flicker of a flame, a passing beam."""

import math

import numpy as np
from PIL import Image

from ..noise import SeededRandom
from .planes import Planes, Uint8, Uint16, blend, brighten, image


class Flicker:
    """The flicker of a flame as a change of brightness."""

    def __init__(self, rng: SeededRandom, *, flicker: float) -> None:
        """``flicker`` is its amplitude as a fraction of the brightness."""
        self._flicker = flicker
        self._phase = rng.fork("exposure").between(0.0, 1.0)

    def draw(self, luma: Uint8, seconds: float) -> None:
        """Apply it to a frame's luma."""
        turn = 2 * math.pi
        gain = 1.0
        for speed, share in ((2.3, 0.4), (3.7, 0.3), (6.1, 0.2), (8.9, 0.1)):
            gain += self._flicker * share * math.sin(turn * (speed * seconds + self._phase * speed))
        if abs(gain - 1.0) < 0.002:
            return
        # A gamma curve: black and white stay, the middle changes.
        level = np.clip((np.arange(256) - 16) / 219, 0.0, 1.0)
        table = np.rint(16 + 219 * level ** (1.0 / gain)).astype(int)
        luma[:] = np.asarray(image(luma).point(table.tolist()))


class Sweep:
    """A soft slanted beam that crosses the picture once, in the sun's colour."""

    def __init__(
        self, width: int, height: int, *, strength: float, side: float, tint: tuple[int, int, int]
    ) -> None:
        """``side`` 1 goes to the right, -1 to the left; ``strength`` 0..1."""
        self._side, self._tint = side, tint
        x = np.linspace(-1.5, 1.5, 3 * 160, dtype=np.float32)[None, :]
        y = np.linspace(-0.5, 0.5, 90, dtype=np.float32)[:, None]
        away = x + y * (0.55 * side)
        beam = np.exp(-((away / 0.2) ** 2)) + 0.5 * np.exp(-(((away + 0.33 * side) / 0.09) ** 2))
        beam *= 0.75 - 0.4 * y
        small = image((np.clip(beam, 0.0, 1.4) * (strength * 170)).astype(np.uint8))
        sizes = ((3 * width, height), (3 * width // 2, height // 2))
        self._fine, coarse = (np.array(small.resize(size, Image.Resampling.BICUBIC)) for size in sizes)
        self._coarse: Uint16 = coarse.astype(np.uint16)

    def draw(self, frame: Planes, moment: float) -> None:
        """Draw it over the three planes of a frame."""
        eased = moment * moment * (3.0 - 2.0 * moment)
        place = (0.5 - 0.62 * self._side * (2.0 * eased - 1.0)) + 0.5
        width = frame.width // 2
        left = min(max(0, round(place * width)), 2 * width)
        brighten(frame.y, self._fine[:, 2 * left : 2 * (left + width)])
        for plane, tint in ((frame.u, self._tint[1]), (frame.v, self._tint[2])):
            blend(plane, tint, self._coarse[:, left : left + width])
