"""Bilinear resampling of a part of a plate in integer arithmetic.

Plates are transposed (see ``Planes.transposed``). The first step resamples across and transposes back, the
second resamples down, so that both read whole rows of memory. Pillow's ``resize`` with a box gives the same
and takes three times as long.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from .planes import Box, Uint8, Uint16, blend

Window = tuple[int, int, int, int]
Scalar = TypeVar("Scalar", bound=np.generic)

# Pixels computed at once: few enough for a processor cache, many enough for NumPy.
_PIXELS = 1 << 17


@dataclass(frozen=True)
class _SamplePositions:
    """For each of n output pixels: the first of two source pixels, and the weights of both, shape (n, 1)."""

    first: NDArray[np.intp]
    before: Uint16
    after: Uint16

    @classmethod
    def along(cls, start: float, end: float, count: int, steps: int) -> "_SamplePositions":
        """``count`` positions from ``start`` to ``end`` of ``count`` pixels; weights add up to ``steps``."""
        place = start + (np.arange(count) + 0.5) * ((end - start) / count) - 0.5
        place = np.clip(place, 0.0, count - 1.0)
        first = np.minimum(place.astype(np.intp), count - 2)
        after = np.rint((place - first) * steps).astype(np.uint16)[:, None]
        return cls(first, steps - after, after)

    def part(self, start: int, end: int) -> "_SamplePositions":
        """The positions of output pixels ``start`` to ``end``."""
        return _SamplePositions(self.first[start:end], self.before[start:end], self.after[start:end])


class SampleGrid(NamedTuple):
    """The source positions in plates of a frame's columns and rows."""

    across: _SamplePositions
    down: _SamplePositions

    def part(self, window: Window) -> "SampleGrid":
        """The positions of a window of the frame."""
        left, top, right, bottom = window
        return SampleGrid(self.across.part(left, right), self.down.part(top, bottom))


class Resampler:
    """Resamples plates to the size of a frame's plane, with buffers that are kept between frames."""

    def __init__(self, width: int, height: int) -> None:
        """For plates and frames of this size."""
        self._width, self._height = width, height
        most = max(_PIXELS, width, height)
        self._near, self._far = np.empty(most, np.uint8), np.empty(most, np.uint8)
        self._near16, self._far16 = np.empty(most, np.uint16), np.empty(most, np.uint16)
        self._shown, self._share = np.empty(width * height, np.uint8), np.empty(width * height, np.uint16)
        self._upright = np.empty(width * height, np.uint16)

    def grid(self, box: Box) -> SampleGrid:
        """The grid that shows ``box`` of the plates in the whole frame."""
        across = _SamplePositions.along(box[0], box[2], self._width, 256)
        return SampleGrid(across, _SamplePositions.along(box[1], box[3], self._height, 128))

    def copy(self, plates: Sequence[Uint8], grid: SampleGrid, window: Window, frame: Sequence[Uint8]) -> None:
        """Resample (w, h) plates into a ``window`` of a frame's planes."""
        left, top, right, bottom = window
        samples = grid.part(window)
        for plate, into in zip(plates, frame, strict=True):
            self._resample(plate, samples, into[top:bottom, left:right])

    def blend(
        self, plates: Sequence[Uint8], mask: Uint8, grid: SampleGrid, window: Window, frame: Sequence[Uint8]
    ) -> None:
        """Resample (w, h) plates and blend them into a ``window`` through a (w, h) mask."""
        left, top, right, bottom = window
        samples = grid.part(window)
        rows, columns = bottom - top, right - left
        shown, share = _view(self._shown, rows, columns), _view(self._share, rows, columns)
        self._resample(mask, samples, share)
        for plate, into in zip(plates, frame, strict=True):
            self._resample(plate, samples, shown)
            blend(into[top:bottom, left:right], shown, share)

    def _resample(self, plate: Uint8, samples: SampleGrid, into: Uint8 | Uint16) -> None:
        """Resample a plate; uint16 output is a blend weight, in which 255 becomes 256."""
        rows, columns = into.shape
        top = int(samples.down.first[0])
        upright = self._resample_across(plate, samples.across, top, int(samples.down.first[-1]) + 2)
        strip = max(1, _PIXELS // columns)
        for start in range(0, rows, strip):
            part = samples.down.part(start, min(start + strip, rows))
            count = len(part.first)
            near, far = (_view(buffer, count, columns) for buffer in (self._near16, self._far16))
            upright.take(part.first - top, axis=0, out=near, mode="clip")
            upright.take(part.first - (top - 1), axis=0, out=far, mode="clip")
            near *= part.before
            far *= part.after
            near += far
            # A half to round, and a quarter for the truncation of the first step.
            near += 192
            near >>= 8
            if into.dtype == np.uint16:
                near += near >> 7
            into[start : start + count] = near

    def _resample_across(self, plate: Uint8, across: _SamplePositions, top: int, bottom: int) -> Uint16:
        """Rows ``top`` to ``bottom`` of a plate, resampled across, transposed back, with doubled values."""
        columns, rows = len(across.first), bottom - top
        upright = _view(self._upright, rows, columns)
        strip = max(1, _PIXELS // plate.shape[1])
        for start in range(0, columns, strip):
            part = across.part(start, min(start + strip, columns))
            count = len(part.first)
            near, far = (_view(buffer, count, plate.shape[1]) for buffer in (self._near, self._far))
            plate.take(part.first, axis=0, out=near, mode="clip")
            plate.take(part.first + 1, axis=0, out=far, mode="clip")
            both, more = (_view(buffer, count, rows) for buffer in (self._near16, self._far16))
            np.multiply(near[:, top:bottom], part.before, out=both)
            np.multiply(far[:, top:bottom], part.after, out=more)
            both += more
            both >>= 7
            upright[:, start : start + count] = both.T
        return upright


def _view(flat: NDArray[Scalar], rows: int, columns: int) -> NDArray[Scalar]:
    return flat[: rows * columns].reshape(rows, columns)
