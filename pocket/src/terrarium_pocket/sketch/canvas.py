"""Picture coordinates, bands of pixels and the operations that blend colour into them.

The short side of every picture spans -1..1 and y points up, so a composition is the same at any size.
Colours are linear light; a picture is planar, shape (3, rows, columns), float32.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np

from .arrays import Array, resize

BAND_PIXELS = 1 << 17


@dataclass(frozen=True)
class Frame:
    """The whole picture, in pixels."""

    width: int
    height: int

    @property
    def px(self) -> float:
        """Side of one pixel in picture units."""
        return 2.0 / min(self.width, self.height)

    @property
    def half_width(self) -> float:
        """Half the width in picture units, at least 1."""
        return self.width / min(self.width, self.height)

    @property
    def half_height(self) -> float:
        """Half the height in picture units, at least 1."""
        return self.height / min(self.width, self.height)

    def bands(self) -> Iterator["Band"]:
        """The picture from top to bottom in bands that fit into a processor cache."""
        rows = max(1, min(self.height, BAND_PIXELS // self.width))
        for top in range(0, self.height, rows):
            yield Band(self, top, min(rows, self.height - top))

    def whole(self) -> "Band":
        """The picture as one band; for small frames."""
        return Band(self, 0, self.height)

    def shrunk(self, longest: int) -> "Frame":
        """The same picture with no side above ``longest`` pixels."""
        scale = min(1.0, longest / max(self.width, self.height))
        return Frame(max(8, round(self.width * scale)), max(8, round(self.height * scale)))


@dataclass(frozen=True)
class Band:
    """Rows ``top`` to ``top + rows`` of a frame."""

    frame: Frame
    top: int
    rows: int

    @property
    def px(self) -> float:
        """Side of one pixel in picture units."""
        return self.frame.px

    @cached_property
    def x(self) -> Array:
        """Pixel centres across, shape (1, width)."""
        columns = np.arange(self.frame.width, dtype=np.float32) + 0.5
        return (columns * self.px - self.frame.half_width)[None, :]

    @cached_property
    def y(self) -> Array:
        """Pixel centres down, shape (rows, 1), decreasing."""
        rows = np.arange(self.top, self.top + self.rows, dtype=np.float32) + 0.5
        return (self.frame.half_height - rows * self.px)[:, None]

    def empty(self) -> Array:
        """A black picture of this band, shape (3, rows, width)."""
        return np.zeros((3, self.rows, self.frame.width), dtype=np.float32)

    def window(self, x0: float, x1: float, y0: float, y1: float) -> "tuple[slice, slice] | None":
        """Row and column slices that cover a rectangle, or None if the band does not touch it."""
        px, frame = self.px, self.frame
        left = max(0, int((x0 + frame.half_width) / px) - 1)
        right = min(frame.width, int((x1 + frame.half_width) / px) + 2)
        upper = max(0, int((frame.half_height - y1) / px) - 1 - self.top)
        lower = min(self.rows, int((frame.half_height - y0) / px) + 2 - self.top)
        if left >= right or upper >= lower:
            return None
        return slice(upper, lower), slice(left, right)

    def grown(self, rows: int) -> "Band":
        """The band with extra rows above and below, even outside the picture."""
        return Band(self.frame, self.top - rows, self.rows + 2 * rows)

    def stretch(self, plane: Array) -> Array:
        """The part of a whole-picture (h, w) plane under this band, resampled from any resolution."""
        scale = plane.shape[0] / self.frame.height
        box = (
            0.0,
            self.top * scale,
            float(plane.shape[1]),
            min(plane.shape[0], (self.top + self.rows) * scale),
        )
        return resize(plane, self.frame.width, self.rows, box)


class Scene(Protocol):
    """A composition for one frame."""

    def shade(self, band: Band) -> Array:
        """Linear light of one band, shape (3, rows, width)."""
        ...


@runtime_checkable
class Layered(Protocol):
    """A scene that can be painted without its foreground, so that the two can move apart in a clip."""

    def background(self, band: Band) -> Array:
        """Linear light of what is far, also where the foreground hides it, shape (3, rows, width)."""
        ...


@runtime_checkable
class WithFlyers(Protocol):
    """A scene with figures in the air, with sky below them."""

    def flying_coverage(self, band: Band) -> Array:
        """How much of each pixel these figures cover, 0..1, shape (rows, width)."""
        ...


@runtime_checkable
class WithWater(Protocol):
    """A scene with open water."""

    def water_coverage(self, band: Band) -> Array:
        """How much of each pixel is open water, 0..1, shape (rows, width)."""
        ...


def smoothstep(low: float, high: float, value: Array) -> Array:
    """0 below ``low``, 1 above ``high``, an S curve between; with ``low > high`` it falls."""
    t = np.clip((value - low) * (1.0 / (high - low)), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def coverage(distance: Array, px: float) -> Array:
    """Pixel coverage from a signed distance in picture units, negative inside."""
    return np.clip(0.5 - distance * (1.0 / px), 0.0, 1.0)


def blend(picture: Array, colour: Array, amount: Array) -> None:
    """Blend a colour, shape (3,) or (3, h, w), over a picture in place by ``amount`` (h, w)."""
    for channel in range(3):
        layer = picture[channel]
        layer += (colour[channel] - layer) * amount


def add_light(picture: Array, colour: Array, amount: Array) -> None:
    """Add light in place: ``amount`` (h, w) of a colour, shape (3,)."""
    for channel in range(3):
        picture[channel] += colour[channel] * amount


def fill(colour: Array, amount: Array) -> Array:
    """A colour, shape (3,), times a plane (h, w): shape (3, h, w)."""
    return colour[:, None, None] * amount[None]


def luminance(picture: Array) -> Array:
    """Relative luminance of a (3, h, w) picture."""
    return 0.2126 * picture[0] + 0.7152 * picture[1] + 0.0722 * picture[2]


class ReflectionMap:
    """A small picture that water or a wet street reflects; reflections are soft, so little is enough."""

    def __init__(self, picture: Array, frame: Frame) -> None:
        """Keep ``picture``, shape (3, h, w), that was painted on ``frame``."""
        self._picture = picture.reshape(3, -1)
        self._frame = frame

    def at(self, x: Array, y: Array) -> Array:
        """Bilinear lookup at picture coordinates, clamped at the borders: shape (3, h, w)."""
        frame = self._frame
        across = np.clip((x + frame.half_width) * (1.0 / frame.px) - 0.5, 0.0, frame.width - 1.001).astype(
            np.float32
        )
        down = np.clip((frame.half_height - y) * (1.0 / frame.px) - 0.5, 0.0, frame.height - 1.001).astype(
            np.float32
        )
        ix, iy = across.astype(np.intp), down.astype(np.intp)
        fx, fy = across - ix.astype(np.float32), down - iy.astype(np.float32)
        start = iy * frame.width + ix
        result = np.empty((3, *np.broadcast_shapes(x.shape, y.shape)), dtype=np.float32)
        for channel in range(3):
            flat = self._picture[channel]
            upper = flat.take(start)
            upper = upper + (flat.take(start + 1) - upper) * fx
            lower = flat.take(start + frame.width)
            lower = lower + (flat.take(start + frame.width + 1) - lower) * fx
            result[channel] = upper + (lower - upper) * fy
        return result
