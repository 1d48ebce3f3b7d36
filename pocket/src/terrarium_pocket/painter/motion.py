"""Optical flow between two pictures: Lucas and Kanade's method, from coarse to fine.

Pictures are planar, (3, rows, columns) from 0 to 255. A flow, (2, rows, columns), is how far right and down
the content of each cell is in the other picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from terrarium_pocket.looks import Floats

Places = NDArray[np.intp]

_LUMA: Floats = np.array([0.299, 0.587, 0.114], np.float32)
_LEVELS = 4
_ROUNDS = 2
# In cells.
_WINDOW = 2
# So many rows fit into the processor's cache, which makes sampling fast.
_BAND = 48
# The most that one round may change the flow, in pixels of its level.
_STEP = 1.5


class View:
    """A picture prepared for `find_motion`, in cells of two by two pixels."""

    def __init__(self, colours: Floats) -> None:
        """Take a planar picture with sides of at least some twenty pixels."""
        self.colours = colours
        light: Floats = np.tensordot(_LUMA, colours, 1)
        self.levels = [_Level(light)]
        while len(self.levels) < _LEVELS and min(light.shape) >= 32:
            light = _halved(light)
            self.levels.append(_Level(light))


class _Level:
    """The brightness of a picture at one size, with its gradients and the structure tensor of each cell."""

    def __init__(self, light: Floats) -> None:
        self.light = light

    @cached_property
    def gradients(self) -> tuple[Floats, Floats]:
        padded: Floats = np.pad(self.light, 1, mode="edge")
        across: Floats = padded[1:-1, 2:] - padded[1:-1, :-2]
        down: Floats = padded[2:, 1:-1] - padded[:-2, 1:-1]
        return across * 0.5, down * 0.5

    @cached_property
    def structure(self) -> tuple[Floats, Floats, Floats]:
        across, down = self.gradients
        # In cells without texture the constant keeps the flow unchanged.
        xx: Floats = _summed(across * across) + 4
        yy: Floats = _summed(down * down) + 4
        return xx, yy, _summed(across * down)


@dataclass(frozen=True, slots=True)
class Motion:
    """The motion from one view to another.

    ``flow`` is in pixels of the view, for each cell of two by two. ``warped`` are the other view's colours
    moved by it, planar, and ``difference`` how much they differ from the first view, from 0 to 255 per cell.
    """

    flow: Floats
    warped: Floats
    difference: Floats


def find_motion(now: View, other: View) -> Motion:
    """Find where the content of ``now`` is in a view of the same size.

    The flow is zero where no motion explains the picture about as well.
    """
    flow: Floats = np.zeros((2, 1, 1), np.float32)
    for this, last in zip(reversed(now.levels), reversed(other.levels), strict=True):
        rows, columns = this.structure[0].shape
        # A cell of this level is a pixel of the coarser level.
        flow = enlarged(flow, columns, rows) * 2
        for _ in range(_ROUNDS):
            flow = flow + _step(this, last.light, flow)
        flow = np.stack((_boxed(flow[0], 1), _boxed(flow[1], 1)))
    still = _difference(now.colours, other.colours)
    warped = warp(other.colours, flow)
    difference = _difference(now.colours, warped)
    speed: Floats = np.abs(flow).max(axis=0)
    is_still = (_boxed(difference, 1) > _boxed(still, 1) * 0.8) | (speed < 0.15)
    flow[:, is_still] = 0
    return Motion(flow, warped, np.where(is_still, still, difference))


def warp(planes: Floats, flow: Floats) -> Floats:
    """Return planes moved by a flow, which is in pixels of theirs and may have larger cells."""
    return sampled(planes, enlarged(flow, planes.shape[2], planes.shape[1]))


def outside(flow: Floats, width: int, height: int) -> NDArray[np.bool_]:
    """Return for each cell whether its content is beyond the edges of a view of this size."""
    rows, columns = flow.shape[1:]
    x: Floats = (np.arange(columns, dtype=np.float32) + 0.5) * (width / columns)
    y: Floats = (np.arange(rows, dtype=np.float32) + 0.5) * (height / rows)
    x, y = x + flow[0], y[:, None] + flow[1]
    return (x < 0) | (x > width) | (y < 0) | (y > height)


def sampled(planes: Floats, flow: Floats) -> Floats:
    """Sample (count, height, width) planes at each pixel plus its flow, with linear interpolation."""
    height = planes.shape[1]
    result: Floats = np.empty_like(planes)
    for top in range(0, height, _BAND):
        rows = slice(top, min(top + _BAND, height))
        _sample(planes, flow[:, rows], top, result[:, rows])
    return result


def _sample(planes: Floats, flow: Floats, top: int, result: Floats) -> None:
    """Fill a band of the result that begins at the row ``top``."""
    height, width = planes.shape[1:]
    x: Floats = np.arange(width, dtype=np.float32) + flow[0]
    y: Floats = np.arange(top, top + flow.shape[1], dtype=np.float32)[:, None] + flow[1]
    x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
    left: Places = np.minimum(x.astype(np.intp), width - 2)
    upper: Places = np.minimum(y.astype(np.intp), height - 2)
    right, low = (x - left).astype(np.float32), (y - upper).astype(np.float32)
    corner: Places = upper * width + left
    for plane, target in zip(planes.reshape(len(planes), -1), result, strict=True):
        four = [plane[offset:].take(corner, mode="clip") for offset in (0, 1, width, width + 1)]
        _mix(four[0], four[1], right)
        _mix(four[2], four[3], right)
        target[:] = _mix(four[0], four[2], low)


def _mix(one: Floats, other: Floats, share: Floats) -> Floats:
    """Interpolate in place from ``one`` to the other, whose array is overwritten."""
    other -= one
    other *= share
    one += other
    return one


def enlarged(planes: Floats, width: int, height: int) -> Floats:
    """Resize (count, rows, columns) planes with linear interpolation."""
    return np.stack([_resized(plane, width, height) for plane in planes])


def _resized(plane: Floats, width: int, height: int) -> Floats:
    return np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR))


def _halved(plane: Floats) -> Floats:
    return np.asarray(Image.fromarray(plane).reduce(2))


def _difference(one: Floats, other: Floats) -> Floats:
    return _halved(np.abs(one - other).max(axis=0))


def _step(this: _Level, last: Floats, flow: Floats) -> Floats:
    across, down = this.gradients
    missing: Floats = this.light - warp(last[None], flow)[0]
    x, y = _summed(across * missing), _summed(down * missing)
    xx, yy, xy = this.structure
    determinant: Floats = xx * yy - xy * xy
    right: Floats = (yy * x - xy * y) / determinant
    low: Floats = (xx * y - xy * x) / determinant
    return np.clip(np.stack((right, low)), -_STEP, _STEP)


def _summed(values: Floats) -> Floats:
    """Return the mean around each cell."""
    return _boxed(_halved(values), _WINDOW)


def _boxed(values: Floats, radius: int) -> Floats:
    """Return the mean of the square around each value, 2 * radius + 1 values wide."""
    size = 2 * radius + 1
    wide: Floats = np.pad(values, radius, mode="edge")
    rows: Floats = _total([wide[at : at + len(values)] for at in range(size)])
    whole: Floats = _total([rows[:, at : at + values.shape[1]] for at in range(size)])
    return whole * (1 / size**2)


def _total(parts: Sequence[Floats]) -> Floats:
    total: Floats = parts[0] + parts[1]
    for part in parts[2:]:
        total += part
    return total
