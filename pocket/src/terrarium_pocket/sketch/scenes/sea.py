"""Open water to the horizon: waves by their slopes, reflections of the sky, the glitter of the sun."""

import math

import numpy as np

from ..arrays import Array
from ..canvas import Band, Frame, smoothstep
from ..colour import mix, rgb, turn
from ..noise import SeededRandom, fractal_noise
from ..palette import Palette
from ..prompt import ParsedPrompt
from ..shapes import birds, weather
from ..sky import Sky, paint_sky
from ..subjects.figure import Footing
from ..subjects.headland import Headland
from ..subjects.placement import FIGURES, PlacedSubjects, Spot
from ..subjects.sprite import lighting
from ..subjects.words import FigureGroup

_EYE = 0.55


class Sea:
    """The scene, ready for a frame."""

    def __init__(self, prompt: ParsedPrompt, palette: Palette, rng: SeededRandom, frame: Frame) -> None:
        """Choose the horizon and the swell, and place the figures."""
        self._palette = palette
        place = rng.fork("place")
        self._horizon = place.between(-0.14, 0.02) - 0.15 * (frame.half_height - 1.0)
        self._sky = Sky(prompt, palette, rng.fork("sky"), self._horizon, frame.half_height, frame.half_width)
        self._extras = prompt.extras
        self._rough = place.between(0.75, 1.1) * (1.6 if "waves" in prompt.extras else 1.0)
        swell = fractal_noise(rng.fork("swell"), cells=5, octaves=4, gain=0.45, aspect=2)
        chop = fractal_noise(rng.fork("chop"), cells=6, octaves=5, gain=0.6)
        self._swell, self._swell_slopes = swell, swell.slopes()
        self._chop_slopes = chop.slopes()
        self._foam = fractal_noise(rng.fork("foam"), cells=4, octaves=7, gain=0.6)
        self._rng = rng
        deep = mix(turn(palette.shade, saturation=1.15, value=0.55), rgb("#06202c"), 0.35)
        if palette.named:
            deep = turn(palette.named[0], value=0.4)
        elif palette.name in {"day", "sunlit"}:
            deep = mix(rgb("#0b4a62"), palette.top, 0.2)
        self._deep = deep
        self._place_figures(prompt, frame)

    def _place_figures(self, prompt: ParsedPrompt, frame: Frame) -> None:
        """Place the figures, some on a headland; an empty sea sometimes gets a sailing boat."""
        groups = prompt.figure_groups
        boat = self._rng.fork("boat")
        if not groups and boat.chance(0.3) and not self._sky.moon:
            groups = (FigureGroup("sailboat", 1),)
        side = -math.copysign(1.0, self._sky.sun_x)
        stone = mix(rgb("#8a8478"), self._palette.ground, 0.3)
        lights = lighting(self._palette, self._sky.sun_x, stone)
        rng = self._rng.fork("subjects")
        built = {"lighthouse", "castle", "cottage", "cabin", "windmill", "barn"}
        far = bool(built.intersection(group.kind for group in groups))
        self._ashore = 0.0 if far else 1.0
        self._headland = None
        if any(FIGURES[group.kind](rng).stands == "land" for group in groups):
            self._headland = Headland(
                rng.fork("headland"), lights, side=side,
                water=self._horizon - (0.13 if far else 0.62 * (frame.half_height + self._horizon)),
                level=self._horizon + (0.05 if far else -0.36 * (frame.half_height + self._horizon)),
                end=0.3 * frame.half_width - rng.between(0.42, 0.55),
            )  # fmt: skip
        self._subjects = PlacedSubjects(groups, self._palette, rng, frame, lights, self._spot, side=side)

    def _spot(self, footing: Footing, x: float, far: float) -> Spot | None:
        if footing == "air":
            return Spot(self._horizon, 1.0, 0.12)
        if footing == "water":
            near = 1.0 - far
            # The farther a boat is below the horizon, the nearer and larger it is.
            down = 0.025 + 0.1 * near**1.5
            return Spot(self._horizon - down, 0.28 + 0.72 * near, 0.06 + 0.3 * far)
        if self._headland is None:
            return None
        ground = float(self._headland.top(np.full((1, 1), x, np.float32))[0, 0])
        return Spot(ground - 0.012, 0.82 if self._ashore < 0.5 else 1.0, 0.1 * (1.0 - self._ashore))

    def flying_coverage(self, band: Band) -> Array:
        """Coverage of the flying figures."""
        return self._subjects.coverage(band, flying=True)

    def background(self, band: Band) -> Array:
        """The sky, with the beams that cross it."""
        picture = paint_sky(self._sky, band)
        self._subjects.add_lamp_light(picture, band)
        return picture

    def water_coverage(self, band: Band) -> Array:
        """Everything below the horizon, except figures and the headland."""
        wet = np.clip((self._horizon - band.y) * (1.0 / band.px), 0.0, 1.0) * np.ones_like(band.x)
        if self._headland is not None:
            dry = band.empty()
            self._headland.draw(dry, band)
            wet = wet * (dry.max(axis=0) <= 0.0)
        return wet * (1.0 - self._subjects.coverage(band))

    def shade(self, band: Band) -> Array:
        """Sky above the horizon, water below it."""
        picture = paint_sky(self._sky, band)
        below = np.nonzero(band.y[:, 0] < self._horizon + band.px)[0]
        if below.size:
            first = int(below[0])
            covered = np.clip((self._horizon - band.y[first:]) * (1.0 / band.px) + 0.5, 0.0, 1.0)
            picture[:, first:] += (self._water(band, first) - picture[:, first:]) * covered
        pal = self._palette
        if self._headland is not None:
            self._headland.draw(picture, band)
        self._subjects.draw(picture, band)
        if "birds" in self._extras or self._rng.fork("birds?").chance(0.45):
            flock = self._rng.fork("flock")
            birds(picture, band, flock, -self._sky.sun_x * 0.7, self._horizon + flock.between(0.3, 0.6),
                  mix(pal.shade, rgb("#101018"), 0.5))  # fmt: skip
        weather(picture, band, self._rng, self._extras, pal.low, pal.low)
        return picture

    def _water(self, band: Band, first: int) -> Array:
        pal = self._palette
        y = band.y[first:]
        depth = np.maximum(self._horizon - y, (0.4 * band.px))
        z = _EYE / depth
        x = band.x * z
        # Waves narrower than a pixel are faded out, since they would alias.
        far = 1.0 / (1.0 + z * 0.045)
        finest = smoothstep(2.2, 0.5, z * z * (band.px * 9.0 / _EYE))
        sway = self._swell.at(x * 0.03, z * 0.05)
        u, v = x * 0.075 + sway * 0.02, z * 0.14
        across, away = self._swell_slopes[0].at(u, v), self._swell_slopes[1].at(u, v)
        u2, v2 = x * 0.26 + sway * 0.05, z * 0.46
        fine_x, fine_z = self._chop_slopes[0].at(u2, v2), self._chop_slopes[1].at(u2, v2)
        near = smoothstep(6.5, 1.5, z)
        u3, v3 = x * 0.95 + fine_x * 0.0006, z * 1.5
        fine_x = fine_x + self._chop_slopes[0].at(u3, v3) * near * 0.8
        fine_z = fine_z + self._chop_slopes[1].at(u3, v3) * near * 0.8
        strength = 0.018 * self._rough
        nx = (across * 1.1 + fine_x * 0.55 * finest) * strength * far
        nz = (away * 1.4 + fine_z * 0.6 * finest) * strength * far
        # Near water is seen at a steeper angle and shows more of its own colour.
        look = depth / np.sqrt(depth * depth + 1.0)
        facing = np.clip(look + nz * 0.9, 0.0, 1.0)
        mirror = (1.0 - facing) ** 5.0 * 0.92 + 0.03
        lift = np.clip(depth * 0.75 + np.abs(nz) * 1.6 + 0.02, 0.0, 1.5)
        first_mix = smoothstep(0.0, 0.5, lift)
        second = smoothstep(0.3, 1.15, lift)
        # Sun glitter: waves with the right slope, spread by their roughness.
        sun_x, sun_y = self._sky.sun_x, max(0.06, self._sky.sun_y - self._horizon)
        aside = band.x - sun_x * (1.0 - depth * 0.1) + nx * 1.1
        width = 0.08 + depth * 0.34
        tilt = (depth * 0.9 - (sun_y * 0.55) + nz * 2.6) * 1.25
        road = np.exp(-((aside / width) ** 2)) * np.exp(-tilt * tilt)
        sparkle = smoothstep(0.15, 1.0, nz * 2.4 + nx * 0.9 + 0.36) * 1.5 * finest
        glitter = road * (sparkle + 0.42 * (1.0 - finest * 0.6))
        dim = 0.25 if self._sky.veiled else 0.6 if self._sky.moon else 1.0
        strong = (3.4 if not pal.light.dark else 1.3) * dim
        warm = np.exp(-((aside / (width * 3.0)) ** 2)) * (0.4 * dim)
        crest = smoothstep(0.55, 1.1, sway + away * 0.03 * far)
        foam = smoothstep(0.78, 1.25, self._foam.at(x * 0.2, z * 0.5) + crest * 0.3) * finest
        foam *= 0.34 * min(1.0, self._rough * 0.7)
        body = 0.62 + 0.5 * np.clip(nz * 2.0, -0.5, 1.0) + crest * 0.22
        white = mix(pal.low, pal.sun, 0.4)
        mist = np.exp(depth * -26.0) * 0.45
        picture = np.empty((3, y.shape[0], band.frame.width), dtype=np.float32)
        for c in range(3):
            sky = pal.low[c] + (pal.middle[c] - pal.low[c]) * first_mix
            sky += (pal.top[c] - sky) * second
            sky += (pal.sun[c] - sky) * warm
            layer = self._deep[c] * body
            layer += (sky - layer) * mirror
            layer += (white[c] * 0.8 - layer) * foam
            layer += pal.sun[c] * glitter * strong
            layer += (pal.low[c] - layer) * mist
            picture[c] = layer
        return picture
