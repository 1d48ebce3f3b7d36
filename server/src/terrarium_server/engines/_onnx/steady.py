"""What keeps a repainted video from boiling: paint that stays where the picture stays.

A network paints each frame anew and small changes, even noise, make other strokes of it. So the last paint is
carried along the motion of the picture, and the new one comes in only where the picture has changed.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# float32 all along; numpy's types do not keep track of it.
Floats = NDArray[np.floating[Any]]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_LEVELS = 4
_ROUNDS = 2
_WINDOW = 4
# Of 255: differences below are noise, above they are another picture.
_NOISE, _CHANGE = 5.0, 22.0
# The share of new paint that comes in everywhere, so that nothing stays for ever; more where the old one
# had to be moved, since each move blurs it a little.
_FRESH, _FRESH_MOVED = 0.04, 0.3
# With more of the picture changed than this, it is a cut.
_CUT = 0.6


class Steady:
    """Takes the frames of one video in order. ``steadiness`` is from 0, each frame on its own, to 1."""

    def __init__(self, steadiness: float) -> None:
        self._steadiness = steadiness
        self._content: Floats | None = None
        self._paint: Floats | None = None

    def follow(self, content: NDArray[np.uint8], painted: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the paint for this frame; both are (height, width, 3), the same for each call."""
        if self._steadiness <= 0:
            return painted
        now, fresh = content.astype(np.float32), painted.astype(np.float32)
        if self._content is None or self._paint is None:
            self._content, self._paint = now, fresh
            return painted
        flow = motion(now @ _LUMA, self._content @ _LUMA)
        moved = np.abs(flow).max(axis=-1)
        if moved.max() > 0:
            both = sampled(np.concatenate((self._content, self._paint), axis=-1), flow)
            before, paint = both[..., :3], both[..., 3:]
        else:
            before, paint = self._content, self._paint
        difference = boxed(np.abs(now - before).max(axis=-1), 2)
        changed = np.clip((difference - np.float32(_NOISE)) / np.float32(_CHANGE - _NOISE), 0, 1)
        # What has come in over the edge was nowhere before.
        changed[_outside(flow)] = 1
        if changed.mean() > _CUT:
            self._content, self._paint = now, fresh
            return painted
        least = np.float32(_FRESH) + np.float32(_FRESH_MOVED - _FRESH) * np.minimum(moved, 1)
        old = np.float32(self._steadiness) * (1 - np.maximum(changed, least))
        share = (1 - old).astype(np.float32)[..., None]
        # The content is kept as it was painted: slow changes add up until they show.
        self._content = before + (now - before) * share
        self._paint = shown = paint + (fresh - paint) * share
        return (shown + 0.5).astype(np.uint8)


def motion(now: Floats, before: Floats) -> Floats:
    """Return for each pixel how far, (x, y) in pixels, one must go from it to find it in ``before``.

    Lucas and Kanade's method from coarse to fine, at half the size. Zero where standing still explains
    the picture about as well.
    """
    height, width = now.shape
    size = (max(8, width // 2), max(8, height // 2))
    pyramid = [(_scaled(now, *size), _scaled(before, *size))]
    while len(pyramid) < _LEVELS and min(pyramid[-1][0].shape) >= 32:
        rows, columns = pyramid[-1][0].shape
        pyramid.append(tuple(_scaled(part, columns // 2, rows // 2) for part in pyramid[-1]))  # pyright: ignore[reportArgumentType]
    flow = np.zeros((*pyramid[-1][0].shape, 2), np.float32)
    for this, last in reversed(pyramid):
        flow = _enlarged(flow, this.shape[1], this.shape[0])
        flow = _refined(flow, this, last)
    this, last = pyramid[0]
    still = boxed(np.abs(this - last), _WINDOW)
    followed = boxed(np.abs(this - sampled(last[..., None], flow)[..., 0]), _WINDOW)
    flow[(followed > still * 0.8) | (np.abs(flow).max(axis=-1) < 0.15)] = 0
    return _enlarged(flow, width, height)


def _refined(flow: Floats, this: Floats, last: Floats) -> Floats:
    down, across = _slopes(this)
    xx, yy = boxed(across * across, _WINDOW), boxed(down * down, _WINDOW)
    xy = boxed(across * down, _WINDOW)
    # Where there is nothing to hold on to, this keeps the flow where it is.
    xx, yy = xx + np.float32(4), yy + np.float32(4)
    determinant = xx * yy - xy * xy
    for _ in range(_ROUNDS):
        missing = this - sampled(last[..., None], flow)[..., 0]
        x, y = boxed(across * missing, _WINDOW), boxed(down * missing, _WINDOW)
        step: Floats = np.stack(((yy * x - xy * y) / determinant, (xx * y - xy * x) / determinant), axis=-1)
        flow = flow + np.clip(step, -1.5, 1.5).astype(np.float32)
    return np.stack((boxed(flow[..., 0], 2), boxed(flow[..., 1], 2)), axis=-1)


def _slopes(values: Floats) -> tuple[Floats, Floats]:
    padded = np.pad(values, 1, mode="edge")
    half = np.float32(0.5)
    return (padded[2:, 1:-1] - padded[:-2, 1:-1]) * half, (padded[1:-1, 2:] - padded[1:-1, :-2]) * half


def _outside(flow: Floats) -> NDArray[np.bool_]:
    height, width = flow.shape[:2]
    x: Floats = np.arange(width, dtype=np.float32) + flow[..., 0]
    y: Floats = np.arange(height, dtype=np.float32)[:, None] + flow[..., 1]
    return (x < 0) | (x > width - 1) | (y < 0) | (y > height - 1)


def sampled(values: Floats, flow: Floats) -> Floats:
    """Return (height, width, channels) values found at each pixel plus its flow, between pixels linearly."""
    height, width = values.shape[:2]
    x = np.clip(np.arange(width, dtype=np.float32) + flow[..., 0], 0, width - 1)
    y = np.clip(np.arange(height, dtype=np.float32)[:, None] + flow[..., 1], 0, height - 1)
    left, top = np.minimum(x.astype(np.int32), width - 2), np.minimum(y.astype(np.int32), height - 2)
    right, low = (x - left).astype(np.float32)[..., None], (y - top).astype(np.float32)[..., None]
    flat = values.reshape(height * width, -1)
    corner = top * width + left
    upper = _between(flat[corner], flat[corner + 1], right)
    lower = _between(flat[corner + width], flat[corner + width + 1], right)
    return _between(upper, lower, low)


def _between(one: Floats, other: Floats, share: Floats) -> Floats:
    return one + (other - one) * share


def boxed(values: Floats, radius: int) -> Floats:
    """Return the mean of the square around each pixel, 2 * radius + 1 pixels wide."""
    for axis in (0, 1):
        pads = [(radius + 1, radius) if axis == each else (0, 0) for each in (0, 1)]
        sums = np.cumsum(np.pad(values, pads, mode="edge"), axis=axis, dtype=np.float32)
        length = values.shape[axis]
        far = np.take(sums, range(2 * radius + 1, 2 * radius + 1 + length), axis=axis)
        near = np.take(sums, range(length), axis=axis)
        values = (far - near) / np.float32(2 * radius + 1)
    return values


def _scaled(values: Floats, width: int, height: int) -> Floats:
    return np.asarray(Image.fromarray(values).resize((width, height), Image.Resampling.BOX))


def _enlarged(flow: Floats, width: int, height: int) -> Floats:
    rows, columns = flow.shape[:2]
    if (rows, columns) == (height, width):
        return flow
    parts = (
        np.asarray(Image.fromarray(np.ascontiguousarray(flow[..., axis])).resize((width, height)))
        * np.float32(ratio)
        for axis, ratio in ((0, width / columns), (1, height / rows))
    )
    return np.stack(tuple(parts), axis=-1)
