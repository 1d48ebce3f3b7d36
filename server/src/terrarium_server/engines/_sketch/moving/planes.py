"""Pictures as the encoder wants them: luma, and two colour planes at half size (BT.709, limited range)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Bytes = NDArray[np.uint8]
Box = tuple[float, float, float, float]

_LINEAR = Image.Resampling.BILINEAR


@dataclass(frozen=True)
class Planes:
    """One picture with even sides: ``y`` (h, w), ``u`` and ``v`` (h/2, w/2), all contiguous uint8."""

    y: Bytes
    u: Bytes
    v: Bytes

    @property
    def width(self) -> int:
        """In pixels of the luma plane."""
        return self.y.shape[1]

    @property
    def height(self) -> int:
        """In pixels of the luma plane."""
        return self.y.shape[0]

    def each(self) -> tuple[Bytes, Bytes, Bytes]:
        """Y, U, V."""
        return self.y, self.u, self.v

    def copy(self) -> "Planes":
        """A picture of its own."""
        return Planes(self.y.copy(), self.u.copy(), self.v.copy())


def from_rgb(pixels: Bytes) -> Planes:
    """Convert an (h, w, 3) picture with even sides."""
    height, width = pixels.shape[:2]
    luma: Bytes = np.empty((height, width), dtype=np.uint8)
    blue = np.empty((height // 2, width // 2), dtype=np.float32)
    red = np.empty_like(blue)
    # Strip by strip: the arithmetic needs far more room than the picture.
    for top in range(0, height, 128):
        part = pixels[top : top + 128].astype(np.float32)
        light = part @ np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
        luma[top : top + 128] = (light * (219.0 / 255.0) + 16.5).astype(np.uint8)
        small = part.reshape(part.shape[0] // 2, 2, width // 2, 2, 3).mean(axis=(1, 3))
        level = small @ np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
        rows = slice(top // 2, top // 2 + small.shape[0])
        blue[rows] = (small[:, :, 2] - level) * (112.0 / 255.0 / 0.9278)
        red[rows] = (small[:, :, 0] - level) * (112.0 / 255.0 / 0.7874)
    return Planes(luma, (blue + 128.5).astype(np.uint8), (red + 128.5).astype(np.uint8))


def colour(red: float, green: float, blue: float) -> tuple[int, int, int]:
    """Y, U, V of a display colour given as 0..255."""
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return (
        round(16 + light * 219 / 255),
        round(128 + (blue - light) * 112 / 255 / 0.9278),
        round(128 + (red - light) * 112 / 255 / 0.7874),
    )


def image(plane: Bytes) -> Image.Image:
    """A plane as a picture of Pillow's, sharing its memory."""
    height, width = plane.shape
    return Image.frombuffer("L", (width, height), plane, "raw", "L", 0, 1)


def look(plane: Bytes, box: Box, width: int, height: int) -> Image.Image:
    """The part of a plane within ``box``, in its own pixels with fractions, at the given size."""
    return image(plane).resize((width, height), _LINEAR, box=box)


def halved(mask: Bytes) -> Bytes:
    """A mask for the colour planes."""
    height, width = mask.shape
    small = image(mask).resize((width // 2, height // 2), Image.Resampling.BOX)
    return np.array(small)
