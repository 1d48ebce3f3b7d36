"""Seeded random numbers and the tileable noise textures made from them."""

import hashlib
import random
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from .arrays import Array, resize

T = TypeVar("T")


class SeededRandom:
    """A random generator with named forks: a further number drawn from one fork changes no other fork."""

    def __init__(self, name: str) -> None:
        """Seed it with any text; the same text always gives the same numbers."""
        digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        self.key = int.from_bytes(digest, "big")
        self._random = random.Random(self.key)

    def fork(self, name: str) -> "SeededRandom":
        """An independent generator for one named purpose."""
        return SeededRandom(f"{self.key:x}/{name}")

    def between(self, low: float, high: float) -> float:
        """A number in ``[low, high)``."""
        return low + (high - low) * self._random.random()

    def integer(self, low: int, high: int) -> int:
        """A whole number in ``[low, high]``."""
        return low + int(self._random.random() * (high - low + 1))

    def chance(self, odds: float) -> bool:
        """True with probability ``odds``."""
        return self._random.random() < odds

    def sign(self) -> float:
        """Minus one or one."""
        return -1.0 if self._random.random() < 0.5 else 1.0

    def pick(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[int(self._random.random() * len(options))]

    def many(self, count: int, low: float = 0.0, high: float = 1.0) -> Array:
        """An array of ``count`` numbers in ``[low, high)``."""
        values = hashed_uniform(count, self.integer(0, (1 << 31) - 1))
        return low + (high - low) * values


def hashed_uniform(count: int, key: int) -> Array:
    """Numbers in [0, 1), shape (count,), by an integer hash: the same with every machine and NumPy."""
    number = np.arange(count, dtype=np.uint32)
    number += np.uint32((key * 0x9E3779B1 + (key >> 32)) & 0xFFFFFFFF)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        number ^= number >> np.uint32(shift)
        number *= np.uint32(factor)
    number ^= number >> np.uint32(16)
    return (number >> np.uint32(8)).astype(np.float32) * (1.0 / (1 << 24))


class NoiseTexture:
    """A square texture that repeats every 1.0 in both directions; values are about -1..1."""

    def __init__(self, data: Array) -> None:
        """Wrap a square array whose side is a power of two."""
        self._data: Array = np.ascontiguousarray(data, dtype=np.float32)
        self._flat: Array = self._data.ravel()
        self._size = data.shape[0]

    def at(self, u: Array, v: Array) -> Array:
        """Bilinear lookup; a row of u and a column of v are computed much faster, with the same result."""
        iu, fu = self._split(u)
        iv, fv = self._split(v)
        mask = self._size - 1
        ju, jv = (iu + 1) & mask, (iv + 1) & mask
        if u.ndim == 2 and v.ndim == 2 and u.shape[0] == 1 and v.shape[1] == 1:
            upper = self._data[iv[:, 0]]
            rows = upper + (self._data[jv[:, 0]] - upper) * fv
            left = rows[:, iu[0]]
            return left + (rows[:, ju[0]] - left) * fu
        iv *= self._size
        jv *= self._size
        upper = self._pick(iv + iu)
        upper += (self._pick(iv + ju) - upper) * fu
        lower = self._pick(jv + iu)
        lower += (self._pick(jv + ju) - lower) * fu
        lower -= upper
        lower *= fv
        lower += upper
        return lower

    def slopes(self) -> "tuple[NoiseTexture, NoiseTexture]":
        """The two partial derivatives per 1.0 of u and v, as textures."""
        scale = self._size * 0.5
        across = (np.roll(self._data, -1, 1) - np.roll(self._data, 1, 1)) * scale
        down = (np.roll(self._data, -1, 0) - np.roll(self._data, 1, 0)) * scale
        return NoiseTexture(across), NoiseTexture(down)

    def _pick(self, index: NDArray[Any]) -> Array:
        values: Array = np.take(self._flat, index)
        return values

    def _split(self, u: Array) -> tuple[NDArray[np.intp], Array]:
        scaled = u * self._size
        whole = np.floor(scaled)
        return whole.astype(np.intp) & (self._size - 1), scaled - whole


def fractal_noise(
    rng: SeededRandom,
    *,
    cells: int = 4,
    octaves: int = 6,
    gain: float = 0.5,
    ridge: bool = False,
    size: int = 512,
    aspect: int = 1,
) -> NoiseTexture:
    """Tileable fractal noise, with ``cells`` cells across at first and ``aspect`` times as many down."""
    return _cached_noise(rng.key, cells, octaves, gain, ridge, size, aspect)


# A picture is composed twice, small and large, from the same textures; a scene uses at most 24.
@lru_cache(maxsize=24)
def _cached_noise(
    key: int, cells: int, octaves: int, gain: float, ridge: bool, size: int, aspect: int
) -> NoiseTexture:
    rng = SeededRandom(f"{key:x}")
    total = np.zeros((size, size), dtype=np.float32)
    weight = 1.0
    for octave in range(octaves):
        across = cells << octave
        down = across * aspect
        if max(across, down) > size:
            break
        lattice = rng.fork(f"octave {octave}").many(across * down, -1.0, 1.0).reshape(down, across)
        # Padding by the kernel's reach makes the resampled lattice continuous at the seams.
        padded = np.pad(lattice, 3, mode="wrap")
        layer = resize(padded, size, size, (3, 3, 3 + across, 3 + down))
        if ridge:
            layer = 1.0 - 2.2 * np.abs(layer)
        total += weight * layer
        weight *= gain
    total -= total.mean()
    total *= 0.42 / max(1e-6, float(total.std()))
    return NoiseTexture(total)
