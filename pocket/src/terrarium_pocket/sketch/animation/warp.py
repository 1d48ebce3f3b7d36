"""Warps a plate a little: rolling water, passing clouds, stems in the wind, flowing liquid.

The displacement of a pixel is ``reach`` times a sum of waves. Each wave is a product of a function of x and a
function of y and time, so a frame costs one narrow matrix product and one interpolation.
"""

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array
from ..noise import SeededRandom
from .planes import Planes, Uint8, Uint16

Along = Literal["rows", "columns"]
Wave = tuple[float, float, float, float]

_PIXELS = 1 << 15


class Warp:
    """Displaces rows ``top`` to ``top + reach.shape[0]`` of a picture.

    ``reach`` (rows, width), in pixels, is the largest displacement of each pixel. ``waves`` are (cycles
    across, cycles down, turns per second, share). With ``slide`` the displacement instead goes from
    -``reach`` to ``reach`` over the clip.
    """

    def __init__(
        self,
        still: Planes,
        reach: Array,
        top: int,
        *,
        along: Along,
        waves: tuple[Wave, ...] = (),
        slide: bool = False,
        down: Array | None = None,
    ) -> None:
        """``down`` (rows,) replaces the evenly spaced phase of the rows, for perspective."""
        top -= top % 2
        rows = reach.shape[0] - reach.shape[0] % 2
        place = np.linspace(0.0, 1.0, rows, dtype=np.float32) if down is None else down[:rows]
        self._slide = slide
        self._fine = _DisplacementField((still.y,), reach[:rows], place, top, along, waves)
        halves = (still.u, still.v)
        self._coarse = _DisplacementField(halves, reach[:rows:2, ::2] / 2, place[::2], top // 2, along, waves)

    def at(self, seconds: float, moment: float, into: Planes) -> None:
        """Write the displaced rows at a time into ``into``, a transposed copy of the still picture."""
        slide = 2.0 * moment - 1.0 if self._slide else None
        self._fine.bend((into.y,), seconds, slide)
        self._coarse.bend((into.u, into.v), seconds, slide)


class _DisplacementField:
    """The displacement of planes of one size, computed in strips that fit into a processor cache.

    All arrays are transposed, (columns, rows), as `Resampler` expects. Displacements are multiples of 1/128
    pixel.
    """

    def __init__(
        self,
        planes: tuple[Uint8, ...],
        reach: Array,
        place: Array,
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
        # The displacement is limited to the picture; the sum of the waves never exceeds 1.
        here, side = (lines, height) if along == "rows" else (columns, width)
        space = np.minimum(here, side - 1.01 - here)
        bound: Array = np.clip(reach.T, -space, space) * 128.0
        self._reach: Array = np.ascontiguousarray(bound, dtype=np.float32)
        x = np.linspace(0.0, 2 * math.pi, width, dtype=np.float32)[:, None]
        across = [turned(x * wave[0]) for wave in waves for turned in (np.sin, np.cos)]
        self._across: Array = np.concatenate(across, axis=1) if waves else np.empty((width, 0), np.float32)
        self._down: Array = (place * (2 * math.pi)).astype(np.float32)
        self._waves = waves
        strip = (min(width, max(1, _PIXELS // rows)), rows)
        self._away = np.empty(strip, np.float32)
        self._index = np.empty(strip, np.int64)
        self._whole, self._share = np.empty(strip, np.int16), np.empty(strip, np.int16)
        self._first, self._second = np.empty(strip, np.uint16), np.empty(strip, np.uint16)

    def bend(self, into: tuple[Uint8, ...], seconds: float, slide: float | None) -> None:
        """Write the displaced rows into transposed planes."""
        down = self._wave_factors(seconds)
        strip = len(self._away)
        for start in range(0, self._width, strip):
            part = slice(start, min(start + strip, self._width))
            away = self._away[: part.stop - start]
            if slide is None:
                np.matmul(self._across[part], down, out=away)
                away *= self._reach[part]
            else:
                np.multiply(self._reach[part], np.float32(slide), out=away)
            index, share = self._sources(away, self._here[part])
            for pairs, plane in zip(self._pairs, into, strict=True):
                plane[part, self._top : self._top + self._rows] = self._interpolated(pairs, index, share)

    def _wave_factors(self, seconds: float) -> Array:
        """The factors of the sine and cosine across of each wave, (2 * waves, rows)."""
        down: list[Array] = []
        for _, cycles, speed, share in self._waves:
            turn = self._down * np.float32(cycles) + np.float32(2 * math.pi * speed * seconds)
            down += [np.cos(turn) * np.float32(share), np.sin(turn) * np.float32(share)]
        return np.stack(down) if down else np.empty((0, self._rows), np.float32)

    def _sources(self, away: Array, here: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
        """Source indices, and the weight of the next pixel, of 128."""
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

    def _interpolated(
        self, pairs: Uint16, index: NDArray[np.int64], share: NDArray[np.int16]
    ) -> NDArray[np.int16]:
        """Interpolation between a pixel and the next one."""
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


def _paired(plane: Uint8, step: int) -> Uint16:
    """Each pixel and the one ``step`` further on in one 16-bit word, transposed: half the lookups."""
    flat: Uint16 = plane.T.ravel().astype(np.uint16)
    flat[:-step] |= flat[step:] << 8
    return flat


def water(still: Planes, wet: Array, rng: SeededRandom, *, strength: float) -> Warp | None:
    """Rolling water where ``wet`` (h, w) is above 0: long swell near by, short and fast waves far off."""
    rows = np.nonzero(wet.max(axis=1) > 0.02)[0]
    if rows.size < 8:
        return None
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    top -= top % 2
    part = wet[top:bottom]
    near = np.linspace(0.0, 1.0, part.shape[0], dtype=np.float32)
    height = still.height
    reach = part * ((0.0012 + 0.0085 * near**1.2) * height * strength)[:, None]
    # In perspective, equal waves are closer together the farther they are.
    down = -0.9 / (near + 0.16)
    sway = rng.between(0.8, 1.2)
    waves = ((1.3 * sway, 1.9, 0.31, 0.5), (-2.6, 4.1, 0.47, 0.3), (5.3, 7.7 * sway, 0.83, 0.2))
    return Warp(still, reach, top, along="rows", waves=waves, down=down)


def clouds(still: Planes, bottom: int, sun: tuple[float, float] | None, side: float, seconds: float) -> Warp:
    """Clouds that pass in a sky down to row ``bottom``, the high ones faster; the sun stays in place."""
    height, width = max(8, bottom), still.width
    high = 1.0 - np.linspace(0.0, 1.0, height, dtype=np.float32)[:, None]
    reach = (0.15 + 0.85 * high**1.3) * np.ones((1, width), dtype=np.float32)
    reach *= side * min(0.026, 0.0034 * seconds) * width
    if sun is not None:
        x = np.linspace(0.0, 1.0, width, dtype=np.float32)[None, :] - sun[0]
        y = (np.arange(height, dtype=np.float32)[:, None] / still.height) - sun[1]
        away = x * x + (y * (still.height / width)) ** 2
        reach *= 1.0 - np.exp(away * -140.0)
    # No displacement at the borders: there is no picture beyond them.
    edge = np.linspace(0.0, 1.0, width, dtype=np.float32)
    reach *= np.clip(np.minimum(edge, 1.0 - edge) * 14.0, 0.0, 1.0)[None, :]
    return Warp(still, reach, 0, along="columns", slide=True)


def wind(still: Planes, root: float, rng: SeededRandom, *, strength: float) -> Warp:
    """Plants that grow upward from height ``root`` (0 top, 1 bottom) sway, their tips the most."""
    height, width = still.height, still.width
    up = np.clip(root - np.linspace(0.0, 1.0, height, dtype=np.float32), 0.0, 1.0) / max(0.2, root)
    reach = (up**1.6 * strength * width)[:, None] * np.ones((1, width), dtype=np.float32)
    gust = rng.between(0.16, 0.22)
    waves = ((0.35, 0.2, gust, 0.6), (1.1, 0.5, gust * 1.9, 0.28), (3.1, 1.2, gust * 3.4, 0.12))
    return Warp(still, reach, 0, along="columns", waves=waves)


def grasses(still: Planes, top: float, rng: SeededRandom, *, strength: float) -> Warp:
    """Blades of grass sway between height ``top`` (0 top, 1 bottom) and the lower border."""
    first = int(top * still.height)
    near = np.linspace(0.0, 1.0, still.height - first, dtype=np.float32)
    # No displacement at either end.
    reach = (np.sin(near * math.pi) ** 2 * strength * still.width)[:, None]
    reach = reach * np.ones((1, still.width), dtype=np.float32)
    gust = rng.between(0.25, 0.35)
    waves = ((2.3, 0.3, gust, 0.6), (6.1, 0.7, gust * 2.1, 0.4))
    return Warp(still, reach, first, along="columns", waves=waves)


def flow(still: Planes, rng: SeededRandom, *, strength: float) -> Warp:
    """A whole picture that flows like oil."""
    shape = (still.height, still.width)
    reach = np.full(shape, strength * still.height, dtype=np.float32)
    lean = rng.sign()
    waves = ((0.8 * lean, 1.1, 0.09, 0.5), (-1.7, 0.9, 0.14, 0.3), (2.9, 2.3 * lean, 0.2, 0.2))
    return Warp(still, reach, 0, along="rows", waves=waves)
