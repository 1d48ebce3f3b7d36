"""Laying paint over a frame of a video, in the planes that the encoder takes."""

import numpy as np
from numpy.typing import NDArray

from terrarium_server.media import Frame, Planes

from .motion import Floats
from .networks import Style
from .repaint import Tone, Wishes, match_tone, smoothed

# How fast the tone may follow from frame to frame; quicker, it would pump.
_TONE_SHARE = 0.15
_GREY = 128.0
# What of red, green and blue there is in a unit of u and of v, by BT.709, of light from 16 to 235.
_OF_U, _OF_V = (0.0, -0.1831, 1.8142), (1.5397, -0.4577, 0.0)


class Overlay:
    """Lays the paint of small copies over the frames of one video, in order."""

    def __init__(self, wishes: Wishes, style: Style) -> None:
        self._keeps_colour = wishes.preserve_color
        self._share = wishes.share(style)
        self._tone: Tone | None = None

    def lay(self, own: Planes, small: NDArray[np.uint8], painted: NDArray[np.uint8]) -> Planes:
        """Lay paint, made from a small copy of the frame, over the frame at its full size."""
        height, width = own.y.shape
        times = width / small.shape[1]
        blurred = Frame.of(small).planes(width, height).y
        over = Frame.of(smoothed(painted, times) if times > 1.1 else painted).planes(width, height)
        y, u, v = over
        if times > 1.1:
            # Half of the frame's own finest relief goes over the paint, which had to be enlarged.
            relief: NDArray[np.int16] = np.subtract(own.y, blurred, dtype=np.int16) >> 1
            y = np.clip(relief + y, 0, 255).astype(np.uint8)
        if self._keeps_colour:
            tone = match_tone(blurred[::2, ::2], over.y[::2, ::2])
            self._tone = tone if self._tone is None else self._tone.towards(tone, _TONE_SHARE)
            light: Floats = y.astype(np.float32) * self._tone.gain + self._tone.lift
            y, u, v = _bytes(light), *_within(light, own.u, own.v)
        paint = Planes(y, u, v)
        if self._share == 1:
            return paint
        return Planes(*(_mixed(one, other, self._share) for one, other in zip(own, paint, strict=True)))


def _mixed(own: NDArray[np.uint8], paint: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    apart: Floats = np.subtract(paint, own, dtype=np.float32)
    return _bytes(own + apart * share)


def _bytes(values: Floats) -> NDArray[np.uint8]:
    return np.clip(values + 0.5, 0, 255).astype(np.uint8)


def _within(
    light: Floats, u: NDArray[np.uint8], v: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw colours that are too strong for so much light, or so little, towards grey."""
    whole: Floats = np.clip((light[::2, ::2] + light[1::2, 1::2]) * 0.5, 16, 235)
    across: Floats = np.subtract(u, _GREY, dtype=np.float32)
    down: Floats = np.subtract(v, _GREY, dtype=np.float32)
    fits: Floats = np.ones_like(whole)
    for of_u, of_v in zip(_OF_U, _OF_V, strict=True):
        offset: Floats = across * of_u + down * of_v
        room: Floats = np.where(offset > 0, 235 - whole, whole - 16)
        np.minimum(fits, room / np.maximum(np.abs(offset), 1e-3), out=fits)
    return _bytes(across * fits + _GREY), _bytes(down * fits + _GREY)
