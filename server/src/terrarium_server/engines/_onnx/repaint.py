import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from .looks import fitting
from .networks import Networks, Style
from .pictures import Picture

# The side of the square, in pixels, that has as many as the networks are given. Their strokes are of a
# fixed size in pixels, so the more of these, the finer the strokes on the picture.
BRUSHES = {"fine": 1200, "medium": 896, "broad": 560}

# How much of the picture's own finest relief goes over the paint where that had to be enlarged.
_RELIEF = 0.5
# The networks leave a weave of a few pixels, which enlarging would bring out: what is blurred away, in
# pixels of theirs, and how much more for each time that they are enlarged.
_SMOOTH, _SMOOTH_MORE, _SMOOTHEST = 0.5, 0.13, 1.2
_BAND = 256
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True, slots=True)
class Wishes:
    """How to repaint. ``strength`` is from 0, nothing changes, to 1; ``brush`` one of `BRUSHES`;
    ``steadiness`` of a video's paint is from 0, each frame on its own, to 1."""

    strength: float = 1.0
    preserve_color: bool = False
    brush: str = "medium"
    steadiness: float = 0.9


@dataclass(frozen=True, slots=True)
class Tone:
    """What brings the light of the paint to the picture's own: ``light * gain + lift``, from 0 to 255."""

    gain: float
    lift: float

    def towards(self, other: "Tone", share: float) -> "Tone":
        """Return a tone that lies ``share`` of the way to another."""
        return Tone(
            self.gain + (other.gain - self.gain) * share, self.lift + (other.lift - self.lift) * share
        )


def repaint_picture(
    picture: Picture,
    style: Style,
    wishes: Wishes,
    networks: Networks,
    report: Callable[[float], None],
) -> Picture:
    """Repaint a picture at its own size. ``report`` is told the fraction done."""
    if wishes.strength <= 0:
        return picture
    small = working_copy(picture.rgb, BRUSHES[wishes.brush])
    report(0.1)
    painted = networks.paint(small, style, wishes.strength)
    report(0.7)
    tone = match_tone(small, painted)
    whole = compose(picture.rgb, small, painted, wishes, tone, style)
    report(0.9)
    return Picture(whole, picture.alpha)


def working_copy(rgb: NDArray[np.uint8], side: int, *, least: int = 512) -> NDArray[np.uint8]:
    """Return the picture with at most about as many pixels as a square of ``side``; what is smaller than
    a square of ``least`` is enlarged to it, since strokes need room."""
    height, width = rgb.shape[:2]
    scale = min(side, max(least, math.sqrt(width * height))) / math.sqrt(width * height)
    return resized(rgb, *fitting(width * scale, height * scale))


def resized(values: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Return an array of bytes at another size."""
    if values.shape[:2] == (height, width):
        return values
    return np.asarray(Image.fromarray(values).resize((width, height), Image.Resampling.LANCZOS))


def match_tone(content: NDArray[np.uint8], painted: NDArray[np.uint8]) -> Tone:
    """Return the tone with which the paint has the mean and, within reason, the spread of the content."""
    ours, theirs = content @ _LUMA, painted @ _LUMA
    gain = float(np.clip(ours.std() / max(float(theirs.std()), 1.0), 0.6, 1.6))
    return Tone(gain, float(ours.mean()) - gain * float(theirs.mean()))


def compose(
    rgb: NDArray[np.uint8],
    small: NDArray[np.uint8],
    painted: NDArray[np.uint8],
    wishes: Wishes,
    tone: Tone,
    style: Style,
) -> NDArray[np.uint8]:
    """Lay the paint, made from ``small``, over the picture at its full size."""
    height, width = rgb.shape[:2]
    blurred = None
    enlarged = width / small.shape[1]
    if enlarged > 1.1:
        blurred = resized((small @ _LUMA + 0.5).astype(np.uint8), width, height)
        smooth = ImageFilter.GaussianBlur(min(_SMOOTHEST, _SMOOTH + _SMOOTH_MORE * enlarged))
        painted = np.asarray(Image.fromarray(painted).filter(smooth))
    paint = resized(painted, width, height)
    # A read style is already mixed by strength inside its network; only near nothing must it fade.
    share = wishes.strength if style.code is None else 1 - (1 - wishes.strength) ** 2
    made = np.empty_like(rgb)
    for top in range(0, height, _BAND):
        rows = slice(top, top + _BAND)
        own = rgb[rows].astype(np.float32)
        light = own @ _LUMA
        over = paint[rows].astype(np.float32)
        if blurred is not None:
            over += (_RELIEF * (light - blurred[rows]))[..., None]
        if wishes.preserve_color:
            wanted = (over @ _LUMA) * np.float32(tone.gain) + np.float32(tone.lift)
            over = _within(own + (wanted - light).astype(np.float32)[..., None])
        made[rows] = np.clip(own + (over - own) * np.float32(share) + 0.5, 0, 255).astype(np.uint8)
    return made


def _within(colour: NDArray[np.float32]) -> NDArray[np.float32]:
    """Draw colours beyond the gamut towards grey of the same light, which keeps their hue."""
    light = np.clip(colour @ _LUMA, 0, 255)[..., None]
    offset = colour - (colour @ _LUMA)[..., None]
    room = np.where(offset > 0, 255 - light, light)
    fits = np.min(room / np.maximum(np.abs(offset), 1e-3), axis=-1, keepdims=True)
    return light + offset * np.minimum(fits, 1)
