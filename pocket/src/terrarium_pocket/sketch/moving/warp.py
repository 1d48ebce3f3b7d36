"""Bending a plate a little: water that rolls, clouds that go by, stems in the wind, liquid that flows.

The bend of every pixel is ``reach`` times waves that are products of one in x and one in y and t, so that a
frame costs one narrow matrix product and one interpolation between neighbours.
"""

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..noise import Dice, Plane
from .planes import Bytes, Planes, Words

Along = Literal["rows", "columns"]
Wave = tuple[float, float, float, float]

_PIXELS = 1 << 15


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
        waves: tuple[Wave, ...] = (),
        slide: bool = False,
        down: Plane | None = None,
    ) -> None:
        """``down`` (rows,) replaces the even rows as the place within the wave: perspective."""
        top -= top % 2
        rows = reach.shape[0] - reach.shape[0] % 2
        place = np.linspace(0.0, 1.0, rows, dtype=np.float32) if down is None else down[:rows]
        self._slide = slide
        self._fine = _Field((still.y,), reach[:rows], place, top, along, waves)
        halves = (still.u, still.v)
        self._coarse = _Field(halves, reach[:rows:2, ::2] / 2, place[::2], top // 2, along, waves)

    def at(self, seconds: float, moment: float, into: Planes) -> None:
        """Write the bent rows at a time into ``into``, a copy of the still picture that lies on its side."""
        slide = 2.0 * moment - 1.0 if self._slide else None
        self._fine.bend((into.y,), seconds, slide)
        self._coarse.bend((into.u, into.v), seconds, slide)


class _Field:
    """How pixels of planes of one size are bent, in strips small enough for a processor cache.

    Everything lies on its side, (columns, rows), as `Lens` takes it. Ways are whole numbers of 1/128 pixel.
    """

    def __init__(
        self,
        planes: tuple[Bytes, ...],
        reach: Plane,
        place: Plane,
        top: int,
        along: Along,
        waves: tuple[Wave, ...],
    ) -> None:
        rows, width = reach.shape
        height = planes[0].shape[0]
        self._top, self._rows, self._width = top, rows, width
        self._step = 1 if along == "rows" else height
        self._pairs = [_paired(plane, self._step) for plane in planes]
        columns = np.arange(width, dtype=np.int64)[:, None]
        lines = np.arange(top, top + rows, dtype=np.int64)[None, :]
        self._here: NDArray[np.int64] = columns * height + lines
        # How far it may go before it leaves the picture; waves never exceed their reach.
        here, side = (lines, height) if along == "rows" else (columns, width)
        room = np.minimum(here, side - 1.01 - here)
        bound: Plane = np.clip(reach.T, -room, room) * 128.0
        self._reach: Plane = np.ascontiguousarray(bound, dtype=np.float32)
        x = np.linspace(0.0, 2 * math.pi, width, dtype=np.float32)[:, None]
        across = [turned(x * wave[0]) for wave in waves for turned in (np.sin, np.cos)]
        self._across: Plane = np.concatenate(across, axis=1) if waves else np.empty((width, 0), np.float32)
        self._down: Plane = (place * (2 * math.pi)).astype(np.float32)
        self._waves = waves
        strip = (min(width, max(1, _PIXELS // rows)), rows)
        self._away = np.empty(strip, np.float32)
        self._index = np.empty(strip, np.int64)
        self._whole, self._share = np.empty(strip, np.int16), np.empty(strip, np.int16)
        self._first, self._second = np.empty(strip, np.uint16), np.empty(strip, np.uint16)

    def bend(self, into: tuple[Bytes, ...], seconds: float, slide: float | None) -> None:
        """Write the bent rows into planes that lie on their side."""
        down = self._swell(seconds)
        strip = len(self._away)
        for start in range(0, self._width, strip):
            part = slice(start, min(start + strip, self._width))
            away = self._away[: part.stop - start]
            if slide is None:
                np.matmul(self._across[part], down, out=away)
                away *= self._reach[part]
            else:
                np.multiply(self._reach[part], np.float32(slide), out=away)
            index, share = self._place(away, self._here[part])
            for pairs, plane in zip(self._pairs, into, strict=True):
                plane[part, self._top : self._top + self._rows] = self._between(pairs, index, share)

    def _swell(self, seconds: float) -> Plane:
        """What the sine and the cosine across of each wave are multiplied with, (2 * waves, rows)."""
        down: list[Plane] = []
        for _, cycles, speed, share in self._waves:
            turn = self._down * np.float32(cycles) + np.float32(2 * math.pi * speed * seconds)
            down += [np.cos(turn) * np.float32(share), np.sin(turn) * np.float32(share)]
        return np.stack(down) if down else np.empty((0, self._rows), np.float32)

    def _place(self, away: Plane, here: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
        """Where to look, and how much of the next pixel to take, of 128."""
        count = len(away)
        whole, share, index = self._whole[:count], self._share[:count], self._index[:count]
        np.copyto(whole, away, casting="unsafe")
        np.bitwise_and(whole, 127, out=share)
        whole >>= 7
        np.copyto(index, whole)
        if self._step != 1:
            index *= self._step
        index += here
        return index, share

    def _between(self, pairs: Words, index: NDArray[np.int64], share: NDArray[np.int16]) -> NDArray[np.int16]:
        """Between a pixel and the next one."""
        words, next_words = self._first[: len(index)], self._second[: len(index)]
        pairs.take(index, mode="clip", out=words)
        np.right_shift(words, 8, out=next_words)
        words &= 255
        first, second = words.view(np.int16), next_words.view(np.int16)
        second -= first
        second *= share
        second += 64
        second >>= 7
        first += second
        return first


def _paired(plane: Bytes, step: int) -> Words:
    """Each pixel and the one ``step`` further on, of a plane on its side, in one word: half the lookups."""
    flat: Words = plane.T.ravel().astype(np.uint16)
    flat[:-step] |= flat[step:] << 8
    return flat


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
