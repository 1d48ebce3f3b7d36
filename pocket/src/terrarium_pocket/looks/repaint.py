import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from terrarium_server.media import Frame

from .looks import fitting
from .motion import Floats
from .networks import Networks, Style
from .pictures import Picture

# The side of the square, in pixels, that has as many as the networks are given. Their strokes are of a
# fixed size in pixels, so the more of these, the finer the strokes on the picture.
BRUSHES = {"fine": 1200, "medium": 896, "broad": 560}

# The networks leave a weave of a few pixels, which enlarging would bring out: how far around each pixel it is
# blurred away, in pixels of theirs, for each time that they are enlarged.
_SMOOTH, _SMOOTH_LESS, _SMOOTHEST = 0.42, 0.12, 1.4
_BAND = 256
_LUMA: Floats = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True, slots=True)
class Wishes:
    """How to repaint. ``strength`` is from 0, nothing changes, to 1; ``brush`` one of `BRUSHES`;
    ``steadiness`` of a video's paint is from 0, each frame on its own, to 1."""

    strength: float = 1.0
    preserve_color: bool = False
    brush: str = "medium"
    steadiness: float = 0.9

    def share(self, style: Style) -> float:
        """Return how much of the paint is laid over the picture, from 0 to 1."""
        # A read style is already mixed by strength inside its network; only near nothing must it fade.
        return self.strength if style.code is None else 1 - (1 - self.strength) ** 2


@dataclass(frozen=True, slots=True)
class Tone:
    """What brings the light of the paint to the picture's own: ``light * gain + lift``."""

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
    height, width = picture.rgb.shape[:2]
    small = Frame.of(picture.rgb).rgb(*working_size(width, height, BRUSHES[wishes.brush]))
    report(0.1)
    painted = networks.paint(small, style, wishes.strength)
    report(0.7)
    whole = _laid(picture.rgb, small, painted, wishes, style)
    report(0.9)
    return Picture(whole, picture.alpha)


def working_size(width: int, height: int, side: int, *, least: int = 512) -> tuple[int, int]:
    """Return the width and height of at most about as many pixels as a square of ``side`` has; what is
    smaller than a square of ``least`` is enlarged to it, since strokes need room."""
    scale = min(side, max(least, math.sqrt(width * height))) / math.sqrt(width * height)
    return fitting(width * scale, height * scale)


def match_tone(content: NDArray[np.uint8], painted: NDArray[np.uint8]) -> Tone:
    """Return the tone with which the paint's light has the mean and, within reason, the spread of the
    content's."""
    gain = float(np.clip(content.std() / max(float(painted.std()), 1.0), 0.6, 1.6))
    return Tone(gain, float(content.mean()) - gain * float(painted.mean()))


def smoothed(painted: NDArray[np.uint8], times: float) -> NDArray[np.uint8]:
    """Return paint without its weave, to be enlarged so many times."""
    box = ImageFilter.BoxBlur(min(_SMOOTHEST, _SMOOTH * times - _SMOOTH_LESS))
    return np.asarray(Image.fromarray(painted).filter(box))


def _laid(
    rgb: NDArray[np.uint8],
    small: NDArray[np.uint8],
    painted: NDArray[np.uint8],
    wishes: Wishes,
    style: Style,
) -> NDArray[np.uint8]:
    """Lay the paint, made from ``small``, over the picture at its full size."""
    height, width = rgb.shape[:2]
    tone = match_tone(_light(small), _light(painted)) if wishes.preserve_color else None
    own = Image.fromarray(rgb)
    times = width / small.shape[1]
    if times <= 1.1:
        over = Image.fromarray(Frame.of(painted).rgb(width, height))
    else:
        over = Image.fromarray(Frame.of(smoothed(painted, times)).rgb(width, height))
        # Half of the picture's own finest relief goes over the paint, which had to be enlarged.
        blurred = Image.fromarray(small).convert("L").resize((width, height), Image.Resampling.BICUBIC)
        relief = ImageChops.subtract(own.convert("L"), blurred, scale=2, offset=128)
        over = ImageChops.add(over, Image.merge("RGB", (relief, relief, relief)), offset=-128)
    if tone is not None:
        over = Image.fromarray(_recoloured(rgb, over, tone))
    share = wishes.share(style)
    return np.asarray(over if share == 1 else Image.blend(own, over, share))


def _light(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(rgb).convert("L"))


def _recoloured(rgb: NDArray[np.uint8], over: Image.Image, tone: Tone) -> NDArray[np.uint8]:
    """The paint's light, toned, with the picture's colours."""
    light = np.asarray(over.convert("L"))
    made = np.empty_like(rgb)
    for top in range(0, len(rgb), _BAND):
        rows = slice(top, top + _BAND)
        own: Floats = rgb[rows].astype(np.float32)
        wanted: Floats = light[rows].astype(np.float32) * tone.gain + tone.lift
        missing: Floats = wanted - own @ _LUMA
        made[rows] = np.clip(_within(own + missing[..., None]) + 0.5, 0, 255)
    return made


def _within(colour: Floats) -> Floats:
    """Draw colours beyond the gamut towards grey of the same light, which keeps their hue."""
    own: Floats = (colour @ _LUMA)[..., None]
    light: Floats = np.clip(own, 0, 255)
    offset: Floats = colour - own
    room: Floats = np.where(offset > 0, 255 - light, light)
    reach: Floats = np.maximum(np.abs(offset), 1e-3)
    fits: Floats = (room / reach).min(axis=-1, keepdims=True)
    return light + offset * np.minimum(fits, 1)
