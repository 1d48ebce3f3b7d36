"""What keeps a repainted video from boiling: paint that stays where the picture stays.

A network paints each frame anew and small changes, even noise, make other strokes of it. So the last paint is
carried along the motion of the picture, and the new one comes in only where the picture has changed. For the
same reason a frame between two painted ones needs no network: its paint is where these have it.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .motion import Floats, Motion, View, enlarged, find_motion, outside, sampled

# Of 255: differences below are noise, above they are another picture.
_NOISE, _CHANGE = 5.0, 22.0
# The share of new paint that comes in everywhere, so that nothing stays for ever; more where the old one
# had to be moved, since each move blurs it a little.
_FRESH, _FRESH_MOVED = 0.04, 0.3
# With more of the picture changed than this, it is a cut; a frame of which its neighbours do not have as
# much as the second says must be painted itself.
_CUT, _UNKNOWN = 0.6, 0.3


class _Painted(NamedTuple):
    view: View
    paint: Floats


class Steady:
    """Takes the frames of one video in order. ``steadiness`` is from 0, each frame on its own, to 1.

    Pictures and paint are (height, width, 3), the same for each call and with sides that are multiples of 4.
    """

    def __init__(self, steadiness: float) -> None:
        self._steadiness = steadiness
        self._before: _Painted | None = None
        self._last: _Painted | None = None

    def follow(self, content: NDArray[np.uint8], painted: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the paint for a frame that the network has painted."""
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
        paint = _carried(self._before.paint, motion.flow)
        # The content is kept as it was painted: slow changes add up until they show.
        kept = View(_towards(motion.found, fresh.view.colours, share))
        self._last = _Painted(kept, _towards(paint, fresh.paint, share))
        return _bytes(self._last.paint)

    def between(self, content: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
        """Return the paint for a frame between the last two that were followed, or None if they show
        something else."""
        if self._before is None or self._last is None:
            return None
        now = _view(content)
        sides = (self._before, self._last)
        motions = [find_motion(now, side.view) for side in sides]
        missing = [_changed(motion, now) for motion in motions]
        if np.minimum(*missing).mean() > _UNKNOWN:
            return None
        # The better a side has it, the more of it is taken; where both have it, half of each.
        one, other = (_NOISE + motion.difference for motion in motions)
        one, other = one * one, other * other
        one[outside(motions[0].flow, *_size(now))] = 1e6
        other[outside(motions[1].flow, *_size(now))] = 1e6
        paint, last = (_carried(side.paint, motion.flow) for side, motion in zip(sides, motions, strict=True))
        return _bytes(_towards(paint, last, one / (one + other)))


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
    # What has come in over the edge was nowhere before.
    changed[outside(motion.flow, *_size(now))] = 1
    return np.clip(changed, 0, 1)


def _carried(paint: Floats, flow: Floats) -> Floats:
    """Paint where a flow, found at half its size, has it."""
    if not flow.any():
        return paint
    height, width = paint.shape[1:]
    return sampled(paint, enlarged(flow, width, height) * 2)


def _towards(planes: Floats, others: Floats, share: Floats) -> Floats:
    """Planes that lie a share, given for larger cells, of the way to others."""
    height, width = planes.shape[1:]
    shares: Floats = enlarged(share[None], width, height)
    return planes + (others - planes) * shares
