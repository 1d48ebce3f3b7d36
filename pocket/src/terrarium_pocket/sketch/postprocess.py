"""From linear light to bytes: exposure, bloom, film curve, vignette, grain, PNG."""

import io
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .arrays import Array, blur
from .canvas import Band, Frame, Scene, luminance
from .noise import SeededRandom, hashed_uniform

Pixels = NDArray[np.uint8]

PROXY_SIDE = 224
_STEPS = 8192
_TOP = 12.0  # brightest linear value of the tone curve


@dataclass(frozen=True)
class PostSettings:
    """Tone and finish of a picture. ``curve`` 0 keeps colours as painted, 1 is a full filmic shoulder."""

    curve: float = 1.0
    contrast: float = 1.26
    bloom: float = 0.18
    threshold: float = 0.8
    grain: float = 0.013
    vignette: float = 0.32
    saturation: float = 1.06
    expose: float = 0.6  # how far exposure follows the light's own level; 0 leaves it alone


class PostProcessor:
    """Turns linear light into pixels, with exposure and bloom measured once for the whole picture."""

    def __init__(
        self, scene: Scene, proxy: Frame, settings: PostSettings, level: float, rng: SeededRandom
    ) -> None:
        """Measure exposure and bloom on a small rendering, so that they agree at every size."""
        small = scene.shade(proxy.whole())
        self._settings = settings
        light = luminance(small)
        mean = math.exp(float(np.mean(np.log(np.maximum(light, 1e-3)), dtype=np.float64)))
        self._exposure = min(2.2, max(0.45, (level / mean) ** settings.expose))
        small = small * self._exposure
        bright = np.maximum(small - settings.threshold, 0.0)
        reach = max(proxy.width, proxy.height)
        self._bloom = [
            sum((blur(plane, reach / cells) for cells in (56, 20, 7)), np.zeros_like(plane))
            * (0.333 * settings.bloom)
            for plane in np.minimum(bright, 6.0)
        ]
        self._glows = settings.bloom > 0 and max(float(plane.max()) for plane in self._bloom) > 0.002
        self._curve = _curve(settings)
        noise = hashed_uniform(4 * 512 * 512, rng.fork("grain").key).reshape(4, 512, 512)
        self._grain = (noise.sum(axis=0) - 2.0) * (1.73 * settings.grain)

    def apply(self, picture: Array, band: Band) -> Pixels:
        """Turn a band of linear light, shape (3, h, w), into (h, w, 3) pixels; overwrites ``picture``."""
        settings = self._settings
        picture *= self._exposure
        if self._glows:
            for channel in range(3):
                picture[channel] += band.stretch(self._bloom[channel])
        if settings.saturation != 1.0:
            grey = luminance(picture)
            picture -= grey
            picture *= settings.saturation
            picture += grey
        if settings.vignette > 0:
            frame = band.frame
            radius = (band.x / frame.half_width) ** 2 + (band.y / frame.half_height) ** 2
            picture *= 1.0 - (settings.vignette * 0.5) * np.minimum(radius, 2.0) ** 1.4
        np.clip(picture, 0.0, _TOP, out=picture)
        np.sqrt(picture, out=picture)
        picture *= (_STEPS - 1) / math.sqrt(_TOP)
        shown = self._curve.take(picture.astype(np.int32))
        shown += self._texture(band)
        np.clip(shown, 0.0, 255.0, out=shown)
        return np.ascontiguousarray(shown.astype(np.uint8).transpose(1, 2, 0))

    def _texture(self, band: Band) -> Array:
        """Grain, shape (h, w), in display units of 0..255."""
        rows = np.arange(band.top, band.top + band.rows) & 511
        repeats = -(-band.frame.width // 512)
        return np.tile(self._grain[rows] * 255.0, (1, repeats))[:, : band.frame.width]


def _curve(settings: PostSettings) -> Array:
    """Display value 0..255 by the square root of linear light; halves are added so that truncation rounds."""
    light: NDArray[np.float64] = (np.arange(_STEPS, dtype=np.float64) / (_STEPS - 1)) ** 2 * _TOP
    power = light**settings.contrast
    # A Hill curve that keeps 0.18 and reaches white at 4.0.
    level = 0.18**settings.contrast / 0.18 - 0.18**settings.contrast
    shoulder = power / (power + level)
    white = 4.0**settings.contrast
    shoulder *= (white + level) / white
    toned = light + (shoulder - light) * settings.curve
    toned = np.clip(toned, 0.0, 1.0)
    bright = toned > 0.0031308
    shown = toned * 12.92
    shown[bright] = 1.055 * toned[bright] ** (1 / 2.4) - 0.055
    return (shown * 255.0 + 0.5).astype(np.float32)


def encode_png(pixels: Pixels) -> bytes:
    """PNG bytes of an (h, w, 3) picture; with the fastest compression, since grain compresses badly."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()
