"""An abstract folded surface, lit from the side, also for prompts without a known subject."""

import math

import numpy as np

from ..arrays import Array, resize
from ..canvas import Band, Frame
from ..colour import mix, rgb, turn
from ..noise import SeededRandom, fractal_noise
from ..palette import Palette
from ..prompt import ParsedPrompt

_RELIEF_SIDE = 448

# Five stops from deep to bright, for prompts that name no colour.
_RAMPS: tuple[tuple[str, ...], ...] = (
    ("#14083a", "#2a2f9c", "#1f7fc8", "#3fc8c0", "#d8f4e4"),
    ("#2a1030", "#7a2a6a", "#d8607a", "#f4b08a", "#fdf0dc"),
    ("#0c2420", "#1f5c4a", "#6aa078", "#d8b8b4", "#f6e6e0"),
    ("#1a0c10", "#7a1c1c", "#d8582a", "#f2b052", "#fff0cc"),
    ("#0c1020", "#34406a", "#8a8ab8", "#e0b8c0", "#fbeee4"),
    ("#2a0c3c", "#5a2fb0", "#e0508a", "#ffa45c", "#fff0c8"),
)


class Abstract:
    """The scene, ready for a frame."""

    def __init__(self, prompt: ParsedPrompt, palette: Palette, rng: SeededRandom, frame: Frame) -> None:
        """Fold the surface at a small size; it is smooth, so it scales up well."""
        if palette.named:
            first = palette.named[0]
            last = palette.named[-1]
            stops = [turn(first, value=0.25), turn(first, value=0.62), first, mix(first, last, 0.7),
                     mix(last, rgb("#fff6ea"), 0.72)]  # fmt: skip
            if len(palette.named) > 2:
                stops[2] = palette.named[1]
        elif palette.name in {"day", "sunlit", "studio"}:
            stops = [rgb(stop) for stop in rng.fork("ramp").pick(_RAMPS)]
        else:
            stops = [mix(palette.top, palette.shade, 0.5), palette.top, palette.middle, palette.low,
                     mix(palette.sun, rgb("#fffaf2"), 0.4)]  # fmt: skip
        self._stops = np.stack(stops)
        self._sun = rng.fork("sun").sign()
        self._prepare(rng, frame)

    def _prepare(self, rng: SeededRandom, frame: Frame) -> None:
        small = frame.shrunk(_RELIEF_SIDE)
        band = small.whole()
        shape = (small.height, small.width)
        x, y = np.broadcast_to(band.x, shape), np.broadcast_to(band.y, shape)
        soft = fractal_noise(rng.fork("soft"), cells=2, octaves=3, gain=0.3)
        scale = rng.between(0.17, 0.24)
        u, v = x * scale + rng.between(0, 1), y * scale + rng.between(0, 1)
        pull = rng.between(0.2, 0.32)
        a = soft.at(u, v)
        b = soft.at(u + 0.37, v + 0.71)
        c = soft.at(u + a * pull, v + b * pull)
        d = soft.at(u + b * pull + 0.53, v + c * pull)
        # Long folds run across the pull of the noise, as in poured paint or hung silk.
        lean = rng.between(0.0, 2 * math.pi)
        across = x * math.cos(lean) + y * math.sin(lean)
        flow = across * rng.between(0.42, 0.7) + c * rng.between(0.75, 1.1) + d * 0.5
        fold = np.sin(flow * (2 * math.pi)) + 0.32 * np.sin(flow * (5.2 * math.pi) + a * 3.0)
        swell = soft.at(u + c * pull, v + d * pull)
        self._relief = fold * 0.085 + swell * 0.3
        self._tone = 0.5 * np.sin(flow * 4.1 + d * 1.4) + swell * 0.5 + fold * 0.16

    def shade(self, band: Band) -> Array:
        """Colour by depth, then the sheen of the folds."""
        wide = band.grown(1)
        relief = self._level(self._relief, wide)
        dx = np.empty((band.rows, band.frame.width), dtype=np.float32)
        inner = relief[1:-1]
        dx[:, 1:-1] = inner[:, 2:] - inner[:, :-2]
        dx[:, 0], dx[:, -1] = dx[:, 1], dx[:, -2]
        dy = relief[:-2] - relief[2:]
        steep = 1.15 / (2.0 * band.px)
        nx, ny = -dx * steep, -dy * steep
        scale = 1.0 / np.sqrt(nx * nx + ny * ny + 1.0)
        nx, ny, nz = nx * scale, ny * scale, scale
        tone = np.clip(band.stretch(self._tone) * 0.5 + 0.47, 0.0, 1.0)
        lit = np.clip(nx * (self._sun * 0.62) + ny * 0.55 + nz * 0.56, 0.0, 1.0)
        half = nx * (self._sun * 0.38) + ny * 0.36 + nz * 0.85
        shine = np.maximum(half, 0.0) ** 38.0
        rim = np.maximum(-nx * self._sun * 0.8 + ny * -0.2, 0.0)
        picture = band.empty()
        place = tone * 3.999
        for c in range(3):
            stops = self._stops[:, c]
            colour = np.interp(place, np.arange(5), stops).astype(np.float32)
            picture[c] = colour * (0.16 + lit * 1.12)
            picture[c] += shine * (0.35 + 0.65 * stops[4]) * 0.75
            picture[c] += rim * rim * stops[3] * 0.35
        return picture

    def _level(self, plane: Array, band: Band) -> Array:
        """The relief under a band that may extend one row beyond the picture."""
        frame = band.frame
        top, bottom = max(0, band.top), min(frame.height, band.top + band.rows)
        scale = plane.shape[0] / frame.height
        box = (0.0, top * scale, float(plane.shape[1]), min(float(plane.shape[0]), bottom * scale))
        level = resize(plane, frame.width, bottom - top, box)
        return np.pad(level, ((top - band.top, band.top + band.rows - bottom), (0, 0)), mode="edge")
