"""Seeded randomness: the dice a composition is rolled with and the tiles its textures come from."""

import hashlib
import random
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Always float32 when it runs, which a test holds us to. NumPy's stubs call float32 times a Python float a
# float64, so the alias has to say less than the truth; saying nothing about the numbers also spares a checker
# two fifths of its time, since every operator then has one reading.
Plane = np.ndarray[Any, Any]

T = TypeVar("T")


class Dice:
    """A private random source. Forks are named, so adding a roll in one place moves nothing elsewhere."""

    def __init__(self, name: str) -> None:
        """Start from any text; the same text always rolls the same numbers."""
        digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        self.key = int.from_bytes(digest, "big")
        self._random = random.Random(self.key)

    def fork(self, name: str) -> "Dice":
        """An independent source for one named purpose."""
        return Dice(f"{self.key:x}/{name}")

    def between(self, low: float, high: float) -> float:
        """A number in ``[low, high)``."""
        return low + (high - low) * self._random.random()

    def whole(self, low: int, high: int) -> int:
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

    def many(self, count: int, low: float = 0.0, high: float = 1.0) -> Plane:
        """An array of ``count`` numbers in ``[low, high)``."""
        values = scatter(count, self.whole(0, (1 << 31) - 1))
        return low + (high - low) * values


def scatter(count: int, key: int) -> Plane:
    """Numbers in [0, 1), shape (count,), by an integer hash: exact on every machine and numpy."""
    number = np.arange(count, dtype=np.uint32)
    number += np.uint32((key * 0x9E3779B1 + (key >> 32)) & 0xFFFFFFFF)
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        number ^= number >> np.uint32(shift)
        number *= np.uint32(factor)
    number ^= number >> np.uint32(16)
    return (number >> np.uint32(8)).astype(np.float32) * (1.0 / (1 << 24))


def resize(
    plane: Plane, width: int, height: int, box: tuple[float, float, float, float] | None = None
) -> Plane:
    """Resample a (h, w) plane bicubically; ``box`` picks a part of it in its own pixels."""
    image = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC, box=box), dtype=np.float32)


def blur(plane: Plane, factor: float) -> Plane:
    """Blur a small (h, w) plane by going down ``factor`` times in size and back up."""
    height, width = plane.shape
    small = resize(plane, max(2, round(width / factor)), max(2, round(height / factor)))
    return resize(small, width, height)


class Tile:
    """A square texture that repeats every 1.0 in both directions; values are about -1..1."""

    def __init__(self, data: Plane) -> None:
        """Wrap a square array whose side is a power of two."""
        self._data: Plane = np.ascontiguousarray(data, dtype=np.float32)
        self._flat: Plane = self._data.ravel()
        self._size = data.shape[0]

    def at(self, u: Plane, v: Plane) -> Plane:
        """Bilinear lookup; a row of u and a column of v take a much cheaper way to the same values."""
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

    def slopes(self) -> "tuple[Tile, Tile]":
        """The two partial derivatives per 1.0 of u and v, as tiles."""
        scale = self._size * 0.5
        across = (np.roll(self._data, -1, 1) - np.roll(self._data, 1, 1)) * scale
        down = (np.roll(self._data, -1, 0) - np.roll(self._data, 1, 0)) * scale
        return Tile(across), Tile(down)

    def _pick(self, index: NDArray[Any]) -> Plane:
        found: Plane = np.take(self._flat, index)
        return found

    def _split(self, u: Plane) -> tuple[NDArray[np.intp], Plane]:
        scaled = u * self._size
        whole = np.floor(scaled)
        return whole.astype(np.intp) & (self._size - 1), scaled - whole


def tile(
    dice: Dice,
    *,
    cells: int = 4,
    octaves: int = 6,
    gain: float = 0.5,
    ridge: bool = False,
    size: int = 512,
    aspect: int = 1,
) -> Tile:
    """Fractal noise that repeats: ``cells`` bumps per side at first, ``aspect`` times as many down."""
    return _woven(dice.key, cells, octaves, gain, ridge, size, aspect)


# A painting composes itself twice, small and large, from the same tiles; 24 of them are one scene's worth.
@lru_cache(maxsize=24)
def _woven(key: int, cells: int, octaves: int, gain: float, ridge: bool, size: int, aspect: int) -> Tile:
    dice = Dice(f"{key:x}")
    total = np.zeros((size, size), dtype=np.float32)
    weight = 1.0
    for octave in range(octaves):
        across = cells << octave
        down = across * aspect
        if max(across, down) > size:
            break
        lattice = dice.fork(f"octave {octave}").many(across * down, -1.0, 1.0).reshape(down, across)
        # Padding by the kernel's reach makes the resampled lattice meet itself at the seams.
        padded = np.pad(lattice, 3, mode="wrap")
        layer = resize(padded, size, size, (3, 3, 3 + across, 3 + down))
        if ridge:
            layer = 1.0 - 2.2 * np.abs(layer)
        total += weight * layer
        weight *= gain
    total -= total.mean()
    total *= 0.42 / max(1e-6, float(total.std()))
    return Tile(total)
