"""Repaints one picture: its working size, its strength, and its colours."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from terrarium_server.media import Frame

from .looks import Floats, fitting_size
from .networks import Networks, Style
from .pictures import Picture

# The networks get as many pixels as a square with this side. Their strokes have a fixed size in pixels, so
# more pixels make finer strokes.
BRUSHES = {"fine": 1200, "medium": 896, "broad": 560}

# The networks' output has a pattern of a few pixels, which enlarging would make visible. It is blurred with
# a radius in pixels of the output: this much for each time that it is enlarged, less a constant, and at most.
_SMOOTH, _SMOOTH_LESS, _SMOOTHEST = 0.42, 0.12, 1.4
_BAND = 256
_LUMA: Floats = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True, slots=True)
class RepaintOptions:
    """How to repaint. ``strength`` is from 0, no change, to 1; ``brush`` is one of `BRUSHES`.

    ``steadiness`` of a video is from 0, each frame by itself, to 1.
    """

    strength: float = 1.0
    preserve_color: bool = False
    brush: str = "medium"
    steadiness: float = 0.9

    def share(self, style: Style) -> float:
        """Return the opacity of the paint over the picture, from 0 to 1."""
        # The network mixes a style code by strength; only a low strength must also lower the opacity.
        return self.strength if style.code is None else 1 - (1 - self.strength) ** 2


@dataclass(frozen=True, slots=True)
class Tone:
    """A change of brightness, ``light * gain + lift``, that adapts the paint to its picture."""

    gain: float
    lift: float

    def towards(self, other: "Tone", share: float) -> "Tone":
        """Interpolate towards another tone; ``share`` is from 0, this one, to 1, the other."""
        return Tone(
            self.gain + (other.gain - self.gain) * share, self.lift + (other.lift - self.lift) * share
        )


def repaint_picture(
    picture: Picture,
    style: Style,
    options: RepaintOptions,
    networks: Networks,
    report: Callable[[float], None],
) -> Picture:
    """Repaint a picture at its own size. ``report`` is called with the fraction that is done."""
    if options.strength <= 0:
        return picture
    height, width = picture.rgb.shape[:2]
    small = Frame.of(picture.rgb).rgb(*working_size(width, height, BRUSHES[options.brush]))
    report(0.1)
    painted = networks.paint(small, style, options.strength)
    report(0.7)
    whole = _blended(picture.rgb, small, painted, options, style)
    report(0.9)
    return Picture(whole, picture.alpha)


def working_size(width: int, height: int, side: int, *, least: int = 512) -> tuple[int, int]:
    """Return the width and height of the picture for the networks, in pixels.

    It has at most about as many pixels as a square of ``side``. A picture smaller than a square of ``least``
    is enlarged to that, because strokes need space.
    """
    scale = min(side, max(least, math.sqrt(width * height))) / math.sqrt(width * height)
    return fitting_size(width * scale, height * scale)


def match_tone(content: NDArray[np.uint8], painted: NDArray[np.uint8]) -> Tone:
    """Return the tone that gives the paint the mean brightness of the content, and about its contrast."""
    gain = float(np.clip(content.std() / max(float(painted.std()), 1.0), 0.6, 1.6))
    return Tone(gain, float(content.mean()) - gain * float(painted.mean()))


def smoothed(painted: NDArray[np.uint8], times: float) -> NDArray[np.uint8]:
    """Return paint without the networks' pattern, to be enlarged so many times."""
    box = ImageFilter.BoxBlur(min(_SMOOTHEST, _SMOOTH * times - _SMOOTH_LESS))
    return np.asarray(Image.fromarray(painted).filter(box))


def _blended(
    rgb: NDArray[np.uint8],
    small: NDArray[np.uint8],
    painted: NDArray[np.uint8],
    options: RepaintOptions,
    style: Style,
) -> NDArray[np.uint8]:
    """Blend the paint of ``small`` over the picture at its full size."""
    height, width = rgb.shape[:2]
    tone = match_tone(_light(small), _light(painted)) if options.preserve_color else None
    own = Image.fromarray(rgb)
    times = width / small.shape[1]
    if times <= 1.1:
        over = Image.fromarray(Frame.of(painted).rgb(width, height))
    else:
        over = Image.fromarray(Frame.of(smoothed(painted, times)).rgb(width, height))
        # The enlarged paint has no fine detail, so half of the picture's own is added.
        blurred = Image.fromarray(small).convert("L").resize((width, height), Image.Resampling.BICUBIC)
        relief = ImageChops.subtract(own.convert("L"), blurred, scale=2, offset=128)
        over = ImageChops.add(over, Image.merge("RGB", (relief, relief, relief)), offset=-128)
    if tone is not None:
        over = Image.fromarray(_recoloured(rgb, over, tone))
    share = options.share(style)
    return np.asarray(over if share == 1 else Image.blend(own, over, share))


def _light(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(rgb).convert("L"))


def _recoloured(rgb: NDArray[np.uint8], over: Image.Image, tone: Tone) -> NDArray[np.uint8]:
    """Return the paint's brightness, adapted by ``tone``, with the picture's colours."""
    light = np.asarray(over.convert("L"))
    result = np.empty_like(rgb)
    for top in range(0, len(rgb), _BAND):
        rows = slice(top, top + _BAND)
        own: Floats = rgb[rows].astype(np.float32)
        wanted: Floats = light[rows].astype(np.float32) * tone.gain + tone.lift
        missing: Floats = wanted - own @ _LUMA
        result[rows] = np.clip(_in_gamut(own + missing[..., None]) + 0.5, 0, 255)
    return result


def _in_gamut(colour: Floats) -> Floats:
    """Move colours out of gamut towards the grey of the same brightness, which keeps their hue."""
    own: Floats = (colour @ _LUMA)[..., None]
    light: Floats = np.clip(own, 0, 255)
    offset: Floats = colour - own
    limit: Floats = np.where(offset > 0, 255 - light, light)
    distance: Floats = np.maximum(np.abs(offset), 1e-3)
    fits: Floats = (limit / distance).min(axis=-1, keepdims=True)
    return light + offset * np.minimum(fits, 1)
