"""Pictures in the encoder's format: luma and two colour planes at half size (BT.709, limited range)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Uint8 = NDArray[np.uint8]
Uint16 = NDArray[np.uint16]
Box = tuple[float, float, float, float]

# Rows computed at once, so that intermediate results stay in a processor cache.
_STRIP = 32

# Weights of red, green, blue and the constant for Y, U and V, all 0..255.
_Y = (0.18258, 0.61423, 0.06201, 16.0)
_U = (-0.10064, -0.33857, 0.43922, 128.0)
_V = (0.43922, -0.39894, -0.04027, 128.0)


@dataclass(frozen=True)
class Planes:
    """One picture with even sides: ``y`` (h, w), ``u`` and ``v`` (h/2, w/2), all uint8."""

    y: Uint8
    u: Uint8
    v: Uint8

    @property
    def width(self) -> int:
        """In pixels of the luma plane."""
        return self.y.shape[1]

    @property
    def height(self) -> int:
        """In pixels of the luma plane."""
        return self.y.shape[0]

    def each(self) -> tuple[Uint8, Uint8, Uint8]:
        """Y, U, V."""
        return self.y, self.u, self.v

    def transposed(self) -> "Planes":
        """A transposed copy, (w, h): a column of the picture is a row of memory."""
        return Planes(*(np.ascontiguousarray(plane.T) for plane in self.each()))


def from_rgb(pixels: Uint8) -> Planes:
    """Convert an (h, w, 3) picture with even sides."""
    picture = Image.fromarray(pixels)
    colours = picture.reduce(2).convert("RGB", _Y + _U + _V)
    u, v = (np.array(colours.getchannel(channel)) for channel in (1, 2))
    return Planes(np.array(picture.convert("L", _Y)), u, v)


def blank(width: int, height: int) -> tuple[Uint8, Planes]:
    """An empty frame: the flat array of Y, U and V for the encoder, and its planes as views."""
    luma, half = width * height, (height // 2, width // 2)
    flat: Uint8 = np.empty(luma * 3 // 2, dtype=np.uint8)
    y, u, v = np.split(flat, (luma, luma + luma // 4))
    return flat, Planes(y.reshape(height, width), u.reshape(half), v.reshape(half))


def colour(red: float, green: float, blue: float) -> tuple[int, int, int]:
    """Y, U, V of a display colour given as 0..255."""
    y, u, v = (round(row[0] * red + row[1] * green + row[2] * blue + row[3]) for row in (_Y, _U, _V))
    return y, u, v


def image(plane: Uint8) -> Image.Image:
    """A contiguous plane as a Pillow image that shares its memory."""
    height, width = plane.shape
    return Image.frombuffer("L", (width, height), plane, "raw", "L", 0, 1)


def halved(mask: Uint8) -> Uint8:
    """A mask for the colour planes."""
    return np.array(image(mask).reduce(2))


def blend(into: Uint8, over: Uint8 | int, share: Uint16) -> None:
    """Blend a plane or a constant over a plane in place; ``share``, 0..256, is its weight."""
    for start in range(0, len(into), _STRIP):
        part = slice(start, start + _STRIP)
        mixed: Uint16 = np.multiply(
            over if isinstance(over, int) else over[part], share[part], dtype=np.uint16
        )
        kept: Uint16 = np.subtract(256, share[part], dtype=np.uint16)
        kept *= into[part]
        mixed += kept
        mixed += 128
        mixed >>= 8
        into[part] = mixed


def brighten(into: Uint8, light: Uint8) -> None:
    """Add light to a plane in place (screen blend): bright pixels gain less."""
    for start in range(0, len(into), _STRIP):
        part = slice(start, start + _STRIP)
        added: Uint16 = np.multiply(light[part], ~into[part], dtype=np.uint16)
        added >>= 8
        into[part] += added.astype(np.uint8)
