"""Looking at a part of a plate: bilinear resampling with whole-number arithmetic.

Plates lie on their side (see ``Planes.turned``), so that both steps, first across and then down, pick whole
rows of memory; between them the picture is stood up. Pillow's ``resize`` with a box shows the same and takes
three times as long.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from .planes import Box, Bytes, Words, blend

Window = tuple[int, int, int, int]
Kind = TypeVar("Kind", bound=np.generic)

# Pixels worked on at once: few enough for a processor cache, many enough for NumPy.
_PIXELS = 1 << 17


@dataclass(frozen=True)
class _Places:
    """Between which two pixels each pixel of a side lies, and how much of both it takes, (n, 1)."""

    first: NDArray[np.intp]
    before: Words
    after: Words

    @classmethod
    def along(cls, start: float, end: float, count: int, steps: int) -> "_Places":
        """``count`` pixels from ``start`` to ``end`` of a side as long; weights add up to ``steps``."""
        place = start + (np.arange(count) + 0.5) * ((end - start) / count) - 0.5
        place = np.clip(place, 0.0, count - 1.0)
        first = np.minimum(place.astype(np.intp), count - 2)
        after = np.rint((place - first) * steps).astype(np.uint16)[:, None]
        return cls(first, steps - after, after)

    def part(self, start: int, end: int) -> "_Places":
        """Those of some of the pixels."""
        return _Places(self.first[start:end], self.before[start:end], self.after[start:end])


class Sight(NamedTuple):
    """What a lens sees of plates: the places of a frame's columns and rows in them."""

    across: _Places
    down: _Places

    def part(self, window: Window) -> "Sight":
        """What is seen in a window of the frame."""
        left, top, right, bottom = window
        return Sight(self.across.part(left, right), self.down.part(top, bottom))


class Lens:
    """Shows plates at the size of a frame's plane; it keeps the room that takes."""

    def __init__(self, width: int, height: int) -> None:
        """For plates and frames of this size."""
        self._width, self._height = width, height
        most = max(_PIXELS, width, height)
        self._near, self._far = np.empty(most, np.uint8), np.empty(most, np.uint8)
        self._near_words, self._far_words = np.empty(most, np.uint16), np.empty(most, np.uint16)
        self._shown, self._share = np.empty(width * height, np.uint8), np.empty(width * height, np.uint16)
        self._standing = np.empty(width * height, np.uint16)

    def aim(self, box: Box) -> Sight:
        """Look at a part of plates."""
        across = _Places.along(box[0], box[2], self._width, 256)
        return Sight(across, _Places.along(box[1], box[3], self._height, 128))

    def show(self, plates: Sequence[Bytes], sight: Sight, window: Window, frame: Sequence[Bytes]) -> None:
        """Write what is seen of (w, h) plates into a ``window`` of a frame's planes."""
        left, top, right, bottom = window
        seen = sight.part(window)
        for plate, into in zip(plates, frame, strict=True):
            self._copy(plate, seen, into[top:bottom, left:right])

    def lay(
        self, plates: Sequence[Bytes], mask: Bytes, sight: Sight, window: Window, frame: Sequence[Bytes]
    ) -> None:
        """Blend it in through a (w, h) mask instead."""
        left, top, right, bottom = window
        seen = sight.part(window)
        rows, columns = bottom - top, right - left
        shown, share = _room(self._shown, rows, columns), _room(self._share, rows, columns)
        self._copy(mask, seen, share)
        for plate, into in zip(plates, frame, strict=True):
            self._copy(plate, seen, shown)
            blend(into[top:bottom, left:right], shown, share)

    def _copy(self, plate: Bytes, seen: Sight, into: Bytes | Words) -> None:
        """Resample what is seen; into words it goes as shares, 255 as 256."""
        rows, columns = into.shape
        top = int(seen.down.first[0])
        standing = self._stood_up(plate, seen.across, top, int(seen.down.first[-1]) + 2)
        strip = max(1, _PIXELS // columns)
        for start in range(0, rows, strip):
            part = seen.down.part(start, min(start + strip, rows))
            count = len(part.first)
            near, far = (_room(room, count, columns) for room in (self._near_words, self._far_words))
            standing.take(part.first - top, axis=0, out=near, mode="clip")
            standing.take(part.first - (top - 1), axis=0, out=far, mode="clip")
            near *= part.before
            far *= part.after
            near += far
            # A half to round, and a quarter for what the first step cut off.
            near += 192
            near >>= 8
            if into.dtype == np.uint16:
                near += near >> 7
            into[start : start + count] = near

    def _stood_up(self, plate: Bytes, across: _Places, top: int, bottom: int) -> Words:
        """Rows ``top`` to ``bottom`` of a plate, resampled across, upright, with twice their values."""
        columns, rows = len(across.first), bottom - top
        standing = _room(self._standing, rows, columns)
        strip = max(1, _PIXELS // plate.shape[1])
        for start in range(0, columns, strip):
            part = across.part(start, min(start + strip, columns))
            count = len(part.first)
            near, far = (_room(room, count, plate.shape[1]) for room in (self._near, self._far))
            plate.take(part.first, axis=0, out=near, mode="clip")
            plate.take(part.first + 1, axis=0, out=far, mode="clip")
            both, more = (_room(room, count, rows) for room in (self._near_words, self._far_words))
            np.multiply(near[:, top:bottom], part.before, out=both)
            np.multiply(far[:, top:bottom], part.after, out=more)
            both += more
            both >>= 7
            standing[:, start : start + count] = both.T
        return standing


def _room(flat: NDArray[Kind], rows: int, columns: int) -> NDArray[Kind]:
    return flat[: rows * columns].reshape(rows, columns)
