"""Light that changes: breathing, flicker, a beam that passes."""

import math

import numpy as np
from PIL import Image, ImageChops

from ..noise import Dice
from .planes import Bytes, image


class Exposure:
    """Brightness over time: slow breathing, or the flicker of a flame."""

    def __init__(self, dice: Dice, *, breath: float, flicker: float) -> None:
        """How far each goes, as fractions of the brightness."""
        self._breath, self._flicker = breath, flicker
        self._phase = dice.fork("exposure").between(0.0, 1.0)

    def draw(self, frame: list[Image.Image], seconds: float) -> None:
        """Expose a frame's luma."""
        turn = 2 * math.pi
        gain = 1.0 + self._breath * math.sin(turn * (0.17 * seconds + self._phase))
        for speed, share in ((2.3, 0.4), (3.7, 0.3), (6.1, 0.2), (8.9, 0.1)):
            gain += self._flicker * share * math.sin(turn * (speed * seconds + self._phase * speed))
        if abs(gain - 1.0) < 0.002:
            return
        # Black stays black and white white: the middle moves.
        table = [
            min(235, max(16, round(16 + 219 * min(1.0, max(0.0, (n - 16) / 219)) ** (1.0 / gain))))
            for n in range(256)
        ]
        frame[0] = frame[0].point(table)


class Sweep:
    """A soft slanted beam that crosses the picture once, in the sun's colour."""

    def __init__(
        self, width: int, height: int, *, strength: float, side: float, tint: tuple[int, int, int]
    ) -> None:
        """``side`` 1 goes to the right, -1 to the left; ``strength`` 0..1."""
        self._side, self._tint = side, tint
        self._plates: list[Bytes] = []
        for wide, high in ((width, height), (width // 2, height // 2)):
            x = np.linspace(-1.5, 1.5, 3 * 160, dtype=np.float32)[None, :]
            y = np.linspace(-0.5, 0.5, 90, dtype=np.float32)[:, None]
            away = x + y * (0.55 * side)
            beam = np.exp(-((away / 0.2) ** 2)) + 0.5 * np.exp(-(((away + 0.33 * side) / 0.09) ** 2))
            beam *= 0.75 - 0.4 * y
            small = (np.clip(beam, 0.0, 1.4) * (strength * 170)).astype(np.uint8)
            self._plates.append(np.array(image(small).resize((3 * wide, high), Image.Resampling.BICUBIC)))

    def draw(self, frame: list[Image.Image], moment: float) -> None:
        """Lay it over the three planes of a frame."""
        eased = moment * moment * (3.0 - 2.0 * moment)
        place = (0.5 - 0.62 * self._side * (2.0 * eased - 1.0) * 1.0) + 0.5
        for index, plane in enumerate(frame):
            width, height = plane.size
            left = min(max(0, round(place * width)), 2 * width)
            beam = image(self._plates[min(index, 1)]).crop((left, 0, left + width, height))
            if index == 0:
                frame[0] = ImageChops.screen(plane, beam)
            else:
                plane.paste(self._tint[index], (0, 0, width, height), beam)
