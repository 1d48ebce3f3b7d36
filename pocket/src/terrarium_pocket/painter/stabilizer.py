"""Keeps a repainted video from flickering: paint stays the same where the picture stays the same.

A network paints each frame independently, and even noise changes its strokes. So the last paint is moved
with the picture, and new paint is mixed in only where the picture has changed. A frame between two painted
ones needs no network, because its paint can be taken from theirs.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from terrarium_pocket.looks import Floats

from .motion import Motion, View, enlarged, find_motion, outside, sampled

# Differences below the first, of 255, are noise; above the second they are another picture.
_NOISE, _CHANGE = 5.0, 22.0
# The least share of new paint, so that no paint stays for ever. It is higher where paint was moved, because
# each move blurs it a little.
_FRESH, _FRESH_MOVED = 0.04, 0.3
# If more of the picture has changed than the first, it is a cut. If more of a frame is missing in both of its
# neighbours than the second, the frame must be painted itself.
_CUT, _UNKNOWN = 0.6, 0.3


class _Painted(NamedTuple):
    view: View
    paint: Floats


class Stabilizer:
    """Stabilizes the paint of one video, frame by frame in order.

    ``steadiness`` is from 0, each frame by itself, to 1. Pictures and paint are (height, width, 3), of the
    same size for each call, and their sides are multiples of 4.
    """

    def __init__(self, steadiness: float) -> None:
        self._steadiness = steadiness
        self._before: _Painted | None = None
        self._last: _Painted | None = None

    def follow(self, content: NDArray[np.uint8], painted: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the stabilized paint for the next frame that the network has painted."""
        if self._steadiness <= 0:
            return painted
        fresh = _Painted(_view(content), _planar(painted))
        self._before, self._last = self._last, fresh
        if self._before is None:
            return painted
        motion = find_motion(fresh.view, self._before.view)
        changed = _changed(motion, fresh.view)
        if changed.mean() > _CUT:
            return painted
        speed: Floats = np.abs(motion.flow).max(axis=0) * 2
        least: Floats = _FRESH + (_FRESH_MOVED - _FRESH) * np.minimum(speed, 1)
        share: Floats = 1 - self._steadiness * (1 - np.maximum(changed, least))
        paint = _moved(self._before.paint, motion.flow)
        # The view is mixed like the paint, so that slow changes add up until they show.
        view = View(_mixed(motion.warped, fresh.view.colours, share))
        self._last = _Painted(view, _mixed(paint, fresh.paint, share))
        return _bytes(self._last.paint)

    def between(self, content: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
        """Return the paint for a frame between the last two calls of `follow`.

        None if their pictures do not have enough of it.
        """
        if self._before is None or self._last is None:
            return None
        now = _view(content)
        sides = (self._before, self._last)
        motions = [find_motion(now, side.view) for side in sides]
        missing = [_changed(motion, now) for motion in motions]
        if np.minimum(*missing).mean() > _UNKNOWN:
            return None
        # The more similar side counts more, and equally similar sides count half each.
        one, other = (_NOISE + motion.difference for motion in motions)
        one, other = one * one, other * other
        one[outside(motions[0].flow, *_size(now))] = 1e6
        other[outside(motions[1].flow, *_size(now))] = 1e6
        paint, last = (_moved(side.paint, motion.flow) for side, motion in zip(sides, motions, strict=True))
        return _bytes(_mixed(paint, last, one / (one + other)))


def _view(content: NDArray[np.uint8]) -> View:
    return View(_planar(np.asarray(Image.fromarray(content).reduce(2))))


def _size(view: View) -> tuple[int, int]:
    return view.colours.shape[2], view.colours.shape[1]


def _planar(picture: NDArray[np.uint8]) -> Floats:
    return picture.transpose(2, 0, 1).astype(np.float32, order="C")


def _bytes(planes: Floats) -> NDArray[np.uint8]:
    rounded: NDArray[np.uint8] = (planes + 0.5).astype(np.uint8)
    return np.ascontiguousarray(rounded.transpose(1, 2, 0))


def _changed(motion: Motion, now: View) -> Floats:
    changed: Floats = (motion.difference - _NOISE) * (1 / (_CHANGE - _NOISE))
    # The earlier picture does not have what came in over the edge.
    changed[outside(motion.flow, *_size(now))] = 1
    return np.clip(changed, 0, 1)


def _moved(paint: Floats, flow: Floats) -> Floats:
    """Move paint along a flow, which has half its size."""
    if not flow.any():
        return paint
    height, width = paint.shape[1:]
    return sampled(paint, enlarged(flow, width, height) * 2)


def _mixed(planes: Floats, others: Floats, share: Floats) -> Floats:
    """Mix planes with a share of others, which is given for larger cells."""
    height, width = planes.shape[1:]
    shares: Floats = enlarged(share[None], width, height)
    return planes + (others - planes) * shares
