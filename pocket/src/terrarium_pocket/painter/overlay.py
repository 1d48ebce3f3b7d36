"""Blends paint over the frames of a video, in the planes of the encoder."""

import numpy as np
from numpy.typing import NDArray

from terrarium_pocket.looks import Floats
from terrarium_pocket.looks.networks import Style
from terrarium_pocket.looks.repaint import RepaintOptions, Tone, match_tone, smoothed
from terrarium_server.media import Frame, Planes

# How much of the tone changes from frame to frame. With more, the brightness would flicker.
_TONE_SHARE = 0.15
_GREY = 128.0
# The red, green and blue of one unit of u and of v, by BT.709, for light from 16 to 235.
_OF_U, _OF_V = (0.0, -0.1831, 1.8142), (1.5397, -0.4577, 0.0)


class Overlay:
    """Blends the paint of small copies over the frames of one video, in order."""

    def __init__(self, options: RepaintOptions, style: Style) -> None:
        self._keeps_colour = options.preserve_color
        self._share = options.share(style)
        self._tone: Tone | None = None

    def blend(self, own: Planes, small: NDArray[np.uint8], painted: NDArray[np.uint8]) -> Planes:
        """Blend the paint of a small copy over the frame at its full size."""
        height, width = own.y.shape
        times = width / small.shape[1]
        blurred = Frame.of(small).planes(width, height).y
        over = Frame.of(smoothed(painted, times) if times > 1.1 else painted).planes(width, height)
        y, u, v = over
        if times > 1.1:
            # The enlarged paint has no fine detail, so half of the frame's own is added.
            relief: NDArray[np.int16] = np.subtract(own.y, blurred, dtype=np.int16) >> 1
            y = np.clip(relief + y, 0, 255).astype(np.uint8)
        if self._keeps_colour:
            tone = match_tone(blurred[::2, ::2], over.y[::2, ::2])
            self._tone = tone if self._tone is None else self._tone.towards(tone, _TONE_SHARE)
            light: Floats = y.astype(np.float32) * self._tone.gain + self._tone.lift
            y, u, v = _bytes(light), *_in_gamut(light, own.u, own.v)
        paint = Planes(y, u, v)
        if self._share == 1:
            return paint
        return Planes(*(_mixed(one, other, self._share) for one, other in zip(own, paint, strict=True)))


def _mixed(own: NDArray[np.uint8], paint: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    difference: Floats = np.subtract(paint, own, dtype=np.float32)
    return _bytes(own + difference * share)


def _bytes(values: Floats) -> NDArray[np.uint8]:
    return np.clip(values + 0.5, 0, 255).astype(np.uint8)


def _in_gamut(
    light: Floats, u: NDArray[np.uint8], v: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Move colours that are out of gamut for their brightness towards grey."""
    whole: Floats = np.clip((light[::2, ::2] + light[1::2, 1::2]) * 0.5, 16, 235)
    across: Floats = np.subtract(u, _GREY, dtype=np.float32)
    down: Floats = np.subtract(v, _GREY, dtype=np.float32)
    fits: Floats = np.ones_like(whole)
    for of_u, of_v in zip(_OF_U, _OF_V, strict=True):
        offset: Floats = across * of_u + down * of_v
        limit: Floats = np.where(offset > 0, 235 - whole, whole - 16)
        np.minimum(fits, limit / np.maximum(np.abs(offset), 1e-3), out=fits)
    return _bytes(across * fits + _GREY), _bytes(down * fits + _GREY)
