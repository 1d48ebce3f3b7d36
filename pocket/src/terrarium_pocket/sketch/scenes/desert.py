"""Dunes: sharp crests with a lit and a shaded side, wind ripples close by."""

import math

import numpy as np

from ..arrays import Array
from ..canvas import Band, Frame, smoothstep
from ..colour import mix, rgb
from ..noise import SeededRandom, fractal_noise
from ..palette import Palette
from ..prompt import ParsedPrompt
from ..shapes import birds
from ..sky import Sky, paint_sky
from ..subjects.figure import Footing
from ..subjects.placement import PlacedSubjects, Spot
from ..subjects.sprite import lighting
from ..subjects.words import FigureGroup
from ..terrain import Terrain


class Desert:
    """The scene, ready for a frame."""

    def __init__(self, prompt: ParsedPrompt, palette: Palette, rng: SeededRandom, frame: Frame) -> None:
        """Make the dunes."""
        self._palette = palette
        place = rng.fork("place")
        self._horizon = place.between(0.02, 0.2) - 0.1 * (frame.half_height - 1.0)
        self._sky = Sky(prompt, palette, rng.fork("sky"), self._horizon, frame.half_height, frame.half_width)
        self._bend = fractal_noise(rng.fork("bend"), cells=3, octaves=4, gain=0.4, size=256)
        self._crest = fractal_noise(rng.fork("crest"), cells=3, octaves=2, gain=0.22)
        self._grain = fractal_noise(rng.fork("grain"), cells=8, octaves=6)
        self._noise_offset = place.between(0.0, 1.0), place.between(0.0, 1.0)
        side = math.copysign(1.0, self._sky.sun_x)
        low = 0.22 if palette.light.height < 0.5 else 0.34
        norm = math.sqrt(0.9**2 + low**2 + 0.3**2)
        self._sun = (side * 0.9 / norm, low / norm, 0.3 / norm)
        self._rng = rng
        self._extras = prompt.extras
        sand = rgb(place.pick(("#d9a066", "#d39a5a", "#cf8f5e", "#dcae78")))
        if palette.named:
            sand = mix(sand, palette.named[0], 0.7)
        self._sand = mix(sand, palette.ground, 0.45 if palette.light.dark else 0.15)
        near = 0.75 * 1.9 * 1.3 / (frame.half_height + self._horizon)
        self._terrain = Terrain(
            frame, self._height, eye=1.3, focal=1.9, horizon=self._horizon, near=near, far=60.0, layers=520
        )
        lights = lighting(palette, self._sky.sun_x, self._sand)
        groups = prompt.figure_groups or ((FigureGroup("walker", 1),) if place.chance(0.5) else ())
        self._scale = 1.0 if prompt.figure_groups else 0.5
        self._subjects = PlacedSubjects(
            groups, palette, rng.fork("subjects"), frame, lights, self._spot, side=-side
        )

    def _spot(self, footing: Footing, x: float, far: float) -> Spot | None:
        if footing == "air":
            return Spot(self._horizon + 0.1, 1.0, 0.12)
        terrain = self._terrain
        # Figures that the prompt does not name are small: the dunes are the subject.
        z = (4.2 + 6.0 * far) / self._scale
        land = self._height(
            np.full((1, 1), x * z / terrain.focal, np.float32), np.full((1, 1), z, np.float32)
        )
        base = self._horizon + terrain.focal * (float(land[0, 0]) - terrain.eye) / z
        return Spot(base, 4.2 / z, 0.8 - 0.8 * math.exp(-0.025 * z))

    def _height(self, x: Array, z: Array) -> Array:
        u, v = x * 0.033 + self._noise_offset[0], z * 0.047 + self._noise_offset[1]
        bend = self._bend.at(u * 0.9, v * 0.9)
        crest = self._crest.at(u + bend * 0.07, v + bend * 0.09)
        # The crest is where smooth noise crosses zero; folding it after the lookup keeps the edge sharp.
        lifted = np.maximum(2.05 - 2.7 * np.sqrt(crest * crest + 0.0025), 0.0)
        # Low ground around the viewer, so that the dunes rise in front.
        rise = 0.2 + 0.8 * smoothstep(2.5, 9.0, z)
        return rise * (lifted * lifted * 0.52 + bend * 0.25)

    def flying_coverage(self, band: Band) -> Array:
        """Coverage of the flying figures."""
        return self._subjects.coverage(band, flying=True)

    def background(self, band: Band) -> Array:
        """The sky alone."""
        return paint_sky(self._sky, band)

    def shade(self, band: Band) -> Array:
        """Sky, then sand lit by slope and shadow, hazed by distance."""
        picture = paint_sky(self._sky, band)
        x, z, covered = self._terrain.visible_points(band)
        rows = np.nonzero(covered.max(axis=1) > 0)[0]
        if rows.size:
            part = slice(int(rows[0]), int(rows[-1]) + 1)
            self._sands(picture[:, part], x[part], z[part], covered[part], band.px)
        pal = self._palette
        self._subjects.draw(picture, band)
        if "birds" in self._extras:
            birds(
                picture,
                band,
                self._rng.fork("birds"),
                -self._sky.sun_x,
                self._horizon + 0.45,
                mix(pal.shade, rgb("#101014"), 0.4),
            )
        return picture

    def _sands(self, picture: Array, x: Array, z: Array, covered: Array, px: float) -> None:
        pal = self._palette
        here, across, away = self._terrain.slope(x, z, px)
        fade = smoothstep(8.5, 2.5, z)
        wave = self._grain.at(x * 0.05, z * 0.05)
        phase = (z * 3.4 + x * 1.3 + wave * 2.2 + here * 2.0) * 9.0
        ripple = np.sin(phase) * 0.11 * fade
        scale = 1.0 / np.sqrt(across * across + away * away + 1.0)
        sx, sy, sz = self._sun
        facing = (sy - (across + ripple * 0.6) * sx - (away + ripple) * sz) * scale
        lit = smoothstep(-0.02, 0.75, facing) * self._terrain.shade(x, z, here, self._sun, 4.5, 6)
        tone = 1.0 + 0.07 * self._grain.at(x * 0.4, z * 0.4) * fade
        haze = (1.0 - np.exp((z - 2.0) * -0.034)) * 0.86
        near = mix(pal.low, pal.sun, 0.25) * 0.92
        cool = mix(pal.shade, pal.top, 0.35)
        fill = 0.42 * np.clip(0.9 + 0.45 * facing + 1.6 * ripple, 0.3, 1.6)
        strong = 2.4 if not pal.light.dark else 0.9
        for c in range(3):
            light = pal.sun[c] * lit * strong + cool[c] * fill + 0.03
            colour = self._sand[c] * tone * light
            colour += (near[c] - colour) * haze
            picture[c] += (colour - picture[c]) * covered
