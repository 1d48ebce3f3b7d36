"""Bending a plate a little: water that rolls, clouds that go by, stems in the wind, liquid that flows.

The bend of every pixel is ``reach`` times a wave that is a product of one in x and one in y and t, so that a
frame costs two outer products and one interpolation between neighbours.
"""

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..noise import Dice, Plane
from .planes import Bytes, Planes

Along = Literal["rows", "columns"]

_STRIP = 24


class Warp:
    """Bends rows ``top`` to ``top + reach.shape[0]`` of a picture.

    ``reach`` (rows, width), in pixels, is how far each pixel goes at most; ``waves`` are (cycles across,
    cycles down, turns per second, share); ``slide`` instead moves steadily from -1 to 1 over the clip.
    """

    def __init__(
        self,
        still: Planes,
        reach: Plane,
        top: int,
        *,
        along: Along,
        waves: tuple[tuple[float, float, float, float], ...] = (),
        slide: bool = False,
        down: Plane | None = None,
    ) -> None:
        """``down`` (rows,) replaces the even rows as the place within the wave: perspective."""
        top -= top % 2
        rows = reach.shape[0] - reach.shape[0] % 2
        self._slide = slide
        self._parts: list[_Part] = []
        for index, plane in enumerate(still.each()):
            step = 1 if index == 0 else 2
            field = reach[:rows:step, ::step] / step
            where = None if down is None else down[:rows:step]
            self._parts.append(_Part(plane, field, top // step, along, waves, where))

    def at(self, seconds: float, moment: float, into: Planes) -> None:
        """Write the bent rows at a time into ``into``, a copy of the still picture."""
        for part, plane in zip(self._parts, into.each(), strict=True):
            part.bend(plane, seconds, 2.0 * moment - 1.0 if self._slide else None)


class _Part:
    """One plane of a warp, bent in strips small enough for a processor cache."""

    def __init__(
        self,
        plane: Bytes,
        reach: Plane,
        top: int,
        along: Along,
        waves: tuple[tuple[float, float, float, float], ...],
        down: Plane | None,
    ) -> None:
        rows, width = reach.shape
        height = plane.shape[0]
        self._top, self._rows = top, rows
        # Each pixel and the next one in one word: half the lookups.
        step = plane.shape[1] if along == "rows" else 1
        flat = plane.ravel().astype(np.uint16)
        flat[:-step] |= flat[step:] << 8
        self._pairs = flat
        self._step = plane.shape[1] if along == "rows" else 1
        columns = np.arange(width, dtype=np.int64)[None, :]
        lines = np.arange(top, top + rows, dtype=np.int64)[:, None]
        self._here: NDArray[np.int64] = lines * width + columns
        # How far it may go before it leaves the picture; waves never exceed their reach.
        if along == "rows":
            room = np.minimum(lines, height - 1.01 - lines)
        else:
            room = np.minimum(columns, width - 1.01 - columns)
        self._reach: Plane = np.clip(reach, -room, room).astype(np.float32)
        x = np.linspace(0.0, 2 * math.pi, width, dtype=np.float32)[None, :]
        place = np.linspace(0.0, 1.0, rows, dtype=np.float32) if down is None else down
        y = (place * (2 * math.pi)).astype(np.float32)[:, None]
        self._waves = [(np.sin(x * a), np.cos(x * a), y * b, speed, share) for a, b, speed, share in waves]
        strip = (min(_STRIP, rows), width)
        self._away, self._more = np.empty(strip, np.float32), np.empty(strip, np.float32)
        self._index = np.empty(strip, np.int64)
        self._words = np.empty(strip, np.uint16)
        self._first, self._second, self._share = (np.empty(strip, np.int16) for _ in range(3))

    def bend(self, into: Bytes, seconds: float, slide: float | None) -> None:
        turns = [
            (sin, cos, y + np.float32(2 * math.pi * speed * seconds), share)
            for sin, cos, y, speed, share in self._waves
        ]
        shifts = [
            (sin, cos, np.cos(turn) * np.float32(share), np.sin(turn) * np.float32(share))
            for sin, cos, turn, share in turns
        ]
        for start in range(0, self._rows, _STRIP):
            part = slice(start, min(start + _STRIP, self._rows))
            count = part.stop - start
            away, more = self._away[:count], self._more[:count]
            if slide is not None:
                np.multiply(self._reach[part], np.float32(slide), out=away)
            else:
                away.fill(0.0)
                for sin, cos, first, second in shifts:
                    np.multiply(sin, first[part], out=more)
                    away += more
                    np.multiply(cos, second[part], out=more)
                    away += more
                away *= self._reach[part]
            self._blend(into[self._top + start : self._top + part.stop], self._here[part], away, more, count)

    def _blend(self, into: Bytes, here: NDArray[np.int64], away: Plane, whole: Plane, count: int) -> None:
        """Between the pixel ``away`` from here and the next one."""
        index, taken = self._index[:count], self._words[:count]
        first, second, share = self._first[:count], self._second[:count], self._share[:count]
        np.floor(away, out=whole)
        away -= whole
        # A difference of 255 times a share of 255 would not fit into 16 bits; half of it does.
        away *= 128.0
        share[:] = away
        index[:] = whole
        index *= self._step
        index += here
        self._pairs.take(index, mode="clip", out=taken)
        np.bitwise_and(taken, 255, out=first, casting="unsafe")
        taken >>= 8
        np.subtract(taken, first, out=second, dtype=np.int16, casting="unsafe")
        second *= share
        second >>= 7
        first += second
        into[:] = first


def water(still: Planes, wet: Plane, dice: Dice, *, strength: float) -> Warp | None:
    """Rolling water where ``wet`` (h, w) says so: long swell near by, fine and quick far off."""
    rows = np.nonzero(wet.max(axis=1) > 0.02)[0]
    if rows.size < 8:
        return None
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    top -= top % 2
    part = wet[top:bottom]
    near = np.linspace(0.0, 1.0, part.shape[0], dtype=np.float32)
    height = still.height
    reach = part * ((0.0012 + 0.0085 * near**1.2) * height * strength)[:, None]
    # Seen from above at a slant, equal waves stand closer together the farther they are.
    down = -0.9 / (near + 0.16)
    sway = dice.between(0.8, 1.2)
    waves = ((1.3 * sway, 1.9, 0.31, 0.5), (-2.6, 4.1, 0.47, 0.3), (5.3, 7.7 * sway, 0.83, 0.2))
    return Warp(still, reach, top, along="rows", waves=waves, down=down)


def clouds(still: Planes, bottom: int, sun: tuple[float, float] | None, side: float, seconds: float) -> Warp:
    """A sky down to row ``bottom`` whose clouds go by, the high ones faster; the sun stays."""
    height, width = max(8, bottom), still.width
    high = 1.0 - np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None]
    reach = (0.15 + 0.85 * high**1.3) * np.ones((1, width), dtype=np.float32)
    reach *= side * min(0.026, 0.0034 * seconds) * width
    if sun is not None:
        x = np.linspace(0.0, 1.0, width, dtype=np.float32)[None, :] - sun[0]
        y = (np.arange(height, dtype=np.float32)[:, None] / still.height) - sun[1]
        away = x * x + (y * (still.height / width)) ** 2
        reach *= 1.0 - np.exp(away * -140.0)
    # Nothing may slide in from beyond the border.
    edge = np.linspace(0.0, 1.0, width, dtype=np.float32)
    reach *= np.clip(np.minimum(edge, 1.0 - edge) * 14.0, 0.0, 1.0)[None, :]
    return Warp(still, reach, 0, along="columns", slide=True)


def wind(still: Planes, root: float, dice: Dice, *, strength: float) -> Warp:
    """Whatever grows from height ``root`` (0 top, 1 bottom) upward sways, its tips the most."""
    height, width = still.height, still.width
    up = np.clip(root - np.linspace(0.0, 1.0, height, dtype=np.float32), 0.0, 1.0) / max(0.2, root)
    reach = (up**1.6 * strength * width)[:, None] * np.ones((1, width), dtype=np.float32)
    gust = dice.between(0.16, 0.22)
    waves = ((0.35, 0.2, gust, 0.6), (1.1, 0.5, gust * 1.9, 0.28), (3.1, 1.2, gust * 3.4, 0.12))
    return Warp(still, reach, 0, along="columns", waves=waves)


def grasses(still: Planes, top: float, dice: Dice, *, strength: float) -> Warp:
    """Blades between height ``top`` and the lower border, the near ones moving the most."""
    first = int(top * still.height)
    near = np.linspace(0.0, 1.0, still.height - first, dtype=np.float32)
    # Rooted at the lower border, loose at the tip.
    reach = (np.sin(near * math.pi) ** 2 * strength * still.width)[:, None]
    reach = reach * np.ones((1, still.width), dtype=np.float32)
    gust = dice.between(0.25, 0.35)
    waves = ((2.3, 0.3, gust, 0.6), (6.1, 0.7, gust * 2.1, 0.4))
    return Warp(still, reach, first, along="columns", waves=waves)


def flow(still: Planes, dice: Dice, *, strength: float) -> Warp:
    """A whole picture that rolls like oil."""
    shape = (still.height, still.width)
    reach = np.full(shape, strength * still.height, dtype=np.float32)
    lean = dice.sign()
    waves = ((0.8 * lean, 1.1, 0.09, 0.5), (-1.7, 0.9, 0.14, 0.3), (2.9, 2.3 * lean, 0.2, 0.2))
    return Warp(still, reach, 0, along="rows", waves=waves)
