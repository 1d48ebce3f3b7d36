"""Mountains behind a lake: a height field lit by the sun, in haze, reflected in the water."""

import math

import numpy as np

from ..arrays import Array
from ..canvas import Band, Frame, ReflectionMap, blend, smoothstep
from ..colour import mix, rgb, turn
from ..noise import SeededRandom, fractal_noise
from ..palette import Palette
from ..prompt import ParsedPrompt
from ..shapes import birds, pine, weather
from ..sky import Sky
from ..subjects.figure import Footing
from ..subjects.placement import FIGURES, PlacedSubjects, Spot
from ..subjects.sprite import lighting
from ..terrain import Terrain

_MIRROR_SIDE = 420
_SOLID = np.ones(3, dtype=np.float32)


class Mountains:
    """The scene, ready for a frame."""

    def __init__(self, prompt: ParsedPrompt, palette: Palette, rng: SeededRandom, frame: Frame) -> None:
        """Make the terrain, and a small picture of it for the reflection in the water."""
        self._palette = palette
        place = rng.fork("place")
        self._horizon = place.between(-0.34, -0.16) - 0.12 * (frame.half_height - 1.0)
        self._sky = Sky(prompt, palette, rng.fork("sky"), self._horizon, frame.half_height, frame.half_width)
        self._ridges = fractal_noise(rng.fork("ridges"), cells=3, octaves=8, ridge=True, gain=0.46, size=1024)
        self._hills = fractal_noise(rng.fork("hills"), cells=4, octaves=6)
        self._noise_offset = place.between(0.0, 1.0), place.between(0.0, 1.0)
        self._peak = place.between(-0.6, 0.6)
        self._rise = (
            place.between(1.75, 2.5)
            * (1.0 + 0.2 * (frame.half_height - 1.0))
            / (1.0 + 0.18 * (frame.half_width - 1.0))
        )
        self._snow = place.between(0.5, 0.75) - (0.5 if "snow" in prompt.extras else 0.0)
        side = math.copysign(1.0, self._sky.sun_x)
        low = palette.light.height < 0.5
        sun = (side * 0.86, 0.36 if low else 0.6, 0.28)
        length = math.sqrt(sum(part * part for part in sun))
        self._sun = (sun[0] / length, sun[1] / length, sun[2] / length)
        self._fog = 1.9 if palette.name == "foggy" or "fog" in prompt.extras else 1.0
        self._low = -frame.half_height
        self._rng = rng
        self._extras = prompt.extras
        rock = mix(mix(rgb("#6b625c"), palette.shade, 0.45), palette.ground, 0.2)
        self._rock, self._white = rock, mix(rgb("#f4f6fb"), palette.sun, 0.25)
        self._wood = mix(turn(palette.ground, value=0.55), palette.shade, 0.45)
        self._haze = mix(palette.low, palette.middle, 0.4)
        self._near = mix(turn(palette.shade, value=0.32), rgb("#0a1014"), 0.25)
        small = frame.shrunk(_MIRROR_SIDE)
        self._water = ReflectionMap(self._land(small.whole(), self._raise(small)), small)
        self._terrain = self._raise(frame)
        self._trees = _treeline(rng.fork("trees"), frame)
        self._place_figures(prompt, frame, -side)

    def _place_figures(self, prompt: ParsedPrompt, frame: Frame, side: float) -> None:
        """Place the figures; the near bank is higher under those on land, and has no trees there."""
        rng = self._rng.fork("subjects")
        bank = mix(
            turn(self._palette.ground, value=0.8), rgb("#f2f4f8"), 0.75 if "snow" in prompt.extras else 0.0
        )
        self._bank = bank
        ashore = any(FIGURES[group.kind](rng).stands == "land" for group in prompt.figure_groups)
        self._hill = (side * 0.36 * frame.half_width, 0.2 + 0.04 * frame.half_height) if ashore else None
        lights = lighting(self._palette, self._sky.sun_x, bank, snow="snow" in prompt.extras)
        self._subjects = PlacedSubjects(
            prompt.figure_groups, self._palette, rng, frame, lights, self._spot, side=side
        )
        occupied = [(one.left - 0.06, one.right + 0.06) for one in self._subjects.placed if ashore]
        self._trees = [
            tree for tree in self._trees if all(not left < tree[0] < right for left, right in occupied)
        ]

    def _shore(self, x: Array) -> Array:
        """Height of the near bank at x, in picture units."""
        edge = self._low + 0.07 + self._hills.at(x * 0.22, np.full_like(x, 0.4)) * 0.05
        if self._hill is not None:
            middle, tall = self._hill
            slope = self._hills.at(x * 0.6, np.full_like(x, 0.15)) * 0.14
            edge = edge + tall * np.exp(-((((x - middle) + slope) * 1.15) ** 2))
        return edge

    def _spot(self, footing: Footing, x: float, far: float) -> Spot | None:
        if footing == "air":
            return Spot(self._horizon + 0.2, 1.0, 0.12)
        if footing == "water":
            down = (0.12 + 0.3 * (1.0 - far)) * (self._horizon - self._low)
            return Spot(self._horizon - down, 0.35 + 0.65 * (1.0 - far), 0.1 + 0.3 * far)
        base = float(self._shore(np.full((1, 1), x, np.float32))[0, 0])
        return Spot(base - 0.012, 1.0 - 0.25 * far, 0.05)

    def _raise(self, frame: Frame) -> Terrain:
        return Terrain(frame, self._height, eye=0.1, focal=1.7, horizon=self._horizon, near=2.0, far=26.0)

    def _height(self, x: Array, z: Array) -> Array:
        """A main massif, foothills in front of it, and an uneven shore."""
        u, v = x * 0.055 + self._noise_offset[0], z * 0.055 + self._noise_offset[1]
        hill = self._hills.at(u * 1.6, v * 1.6)
        # Bent a little by the hills, so that no crest points straight at the viewer.
        ridge = self._ridges.at(u + hill * 0.022, v - hill * 0.022)
        offset = x * (1.0 / 5.2) - self._peak - (z - 14.0) * 0.04
        crown = np.exp(-offset * offset) * 0.75 + 0.34
        massif = smoothstep(7.0, 15.0, z) * crown
        shore = smoothstep(5.4, 9.0, z + hill * 1.6)
        tall = self._rise * massif * np.maximum(ridge * 1.15 + 1.35, 0.1)
        foot = shore * (0.2 + 0.34 * hill + 0.1 * ridge)
        return np.maximum(tall * shore + np.maximum(foot, 0.0) - 0.012, 0.0)

    def _land(self, band: Band, terrain: Terrain) -> Array:
        """Sky and land without the water."""
        picture = self._sky.paint(band.x, np.maximum(band.y, self._horizon), band.px)
        x, z, covered = terrain.visible_points(band)
        rows = np.nonzero(covered.max(axis=1) > 0)[0]
        if rows.size == 0:
            return picture
        part = slice(int(rows[0]), int(rows[-1]) + 1)
        x, z, covered = x[part], z[part], covered[part]
        here, across, away = terrain.slope(x, z, band.px)
        scale = 1.0 / np.sqrt(across * across + away * away + 1.0)
        facing = (self._sun[1] - across * self._sun[0] - away * self._sun[2]) * scale
        lit = np.clip(facing, 0.0, 1.0) * terrain.shade(x, z, here, self._sun, 3.2, 5)
        steep = scale  # the upward part of the normal
        rough = self._hills.at(x * 0.4, z * 0.4)
        line = here - (self._snow * 1.5) - rough * 0.35
        white = smoothstep(-0.12, 0.3, line) * smoothstep(0.3, 0.52, steep + 0.12 * rough)
        trees = smoothstep(0.9, 0.3, here + rough * 0.4) * smoothstep(0.55, 0.75, steep)
        haze = 1.0 - np.exp((z - 4.0) * (-0.05 * self._fog))
        haze *= 1.0 - 0.5 * smoothstep(0.3, 3.2, here)
        valley = np.exp(here * -3.4) * 0.42 * smoothstep(5.0, 12.0, z)
        haze = np.clip(haze + valley, 0.0, 0.94)
        pal = self._palette
        ambient = mix(pal.middle, pal.shade, 0.45)
        sunny = 0.35 if pal.light.dark else 1.0
        for c in range(3):
            albedo = self._rock[c] * (1.0 + 0.3 * rough)
            albedo += (self._wood[c] * (0.8 + 0.5 * rough) - albedo) * trees
            albedo += (self._white[c] - albedo) * white
            light = pal.sun[c] * lit * (1.75 * sunny) + ambient[c] * (0.5 + 0.35 * steep)
            colour = albedo * light
            colour += (self._haze[c] * 0.96 - colour) * haze
            layer = picture[c][part]
            layer += (colour - layer) * covered
        return picture

    def flying_coverage(self, band: Band) -> Array:
        """Coverage of the flying figures."""
        return self._subjects.coverage(band, flying=True)

    def background(self, band: Band) -> Array:
        """The sky, with the beams that cross it."""
        picture = self._sky.paint(band.x, np.maximum(band.y, self._horizon), band.px)
        self._subjects.add_lamp_light(picture, band)
        return picture

    def water_coverage(self, band: Band) -> Array:
        """The lake, except where trees or figures hide it."""
        _, z, covered = self._terrain.visible_points(band)
        dry = band.empty()
        for x, base, height, key, _ in self._trees:
            pine(dry, band, x, base, height, _SOLID, key)
        blend(dry, _SOLID, np.clip((self._shore(band.x) - band.y) * (1.0 / band.px), 0.0, 1.0))
        return self._wet(band, z, covered) * (1.0 - dry[0]) * (1.0 - self._subjects.coverage(band))

    def _wet(self, band: Band, z: Array, covered: Array) -> Array:
        plane = (1.7 * 0.1) / np.maximum(self._horizon - band.y, 1e-4)
        return smoothstep(0.985, 0.998, z / plane) * covered * (band.y < self._horizon)

    def shade(self, band: Band) -> Array:
        """Land above, its reflection below, dark trees in front."""
        picture = self._land(band, self._terrain)
        pal = self._palette
        _, z, covered = self._terrain.visible_points(band)
        wet = self._wet(band, z, covered)
        if wet.any():
            first = int(np.nonzero(wet.max(axis=1) > 0)[0][0])
            picture[:, first:] += (self._lake_light(band, first) - picture[:, first:]) * wet[first:]
        for x, base, height, key, near in self._trees:
            tone = mix(self._near, self._haze, 0.3 * (1.0 - near))
            pine(picture, band, x, base, height, tone, key)
        edge = self._shore(band.x)
        above = edge - band.y
        lit = smoothstep(0.1, 0.0, above + self._hills.at(band.x * 1.7, band.y * 1.7) * 0.03)
        bank = mix(
            self._near, self._bank * (pal.sun * 0.5 + pal.middle * 0.5), 0.3 if self._hill is None else 0.7
        )
        tone = self._near[:, None, None] + (bank - self._near)[:, None, None] * lit
        blend(picture, tone, np.clip(above * (1.0 / band.px), 0.0, 1.0))
        self._subjects.draw(picture, band)
        if "birds" in self._extras or self._rng.fork("birds?").chance(0.3):
            sx, sy = self._sky.sun
            birds(
                picture,
                band,
                self._rng.fork("birds"),
                -sx * 0.6,
                sy * 0.7 + 0.2,
                mix(self._near, pal.middle, 0.3),
            )
        weather(picture, band, self._rng, self._extras, pal.low, mix(pal.low, pal.sun, 0.4))
        return picture

    def _lake_light(self, band: Band, first: int) -> Array:
        y = band.y[first:]
        depth = self._horizon - y
        v = 0.1 / np.maximum(depth, 0.004)
        wave = self._hills.at(band.x * v * 1.2 + 0.2, v * 3.1)
        fine = self._hills.at(band.x * v * 5.0, v * 13.0 + 0.5)
        calm = smoothstep(0.0, 0.5, depth)
        shift = wave * (0.012 + 0.05 * calm) + fine * 0.008
        up = (2.0 * self._horizon) - y + shift + 0.008
        mirrored = self._water.at(band.x + wave * 0.01, np.maximum(up, (self._horizon + 0.004)))
        breeze = smoothstep(0.35, 0.8, self._hills.at(band.x * 0.1 + 0.7, v * 0.9))
        sheen = self._haze * 0.9
        deep = mix(self._palette.shade, self._palette.middle, 0.3) * 0.6
        keep = 0.9 - 0.34 * calm
        for c in range(3):
            layer = mirrored[c]
            layer *= keep
            layer += deep[c] * (1.0 - keep)
            layer += (sheen[c] - layer) * breeze * 0.3
        return mirrored


def _treeline(rng: SeededRandom, frame: Frame) -> list[tuple[float, float, float, float, float]]:
    """Pines along the near bank, tall at the sides and low in the middle, far ones first."""
    trees: list[tuple[float, float, float, float, float]] = []
    count = int(26 * frame.half_width)
    middle = rng.between(-0.3, 0.3) * frame.half_width
    for _ in range(count):
        x = rng.between(-1.08, 1.08) * frame.half_width
        aside = min(1.0, abs(x - middle) / frame.half_width)
        near = rng.between(0.0, 1.0)
        height = (0.07 + 0.5 * aside**2.2) * rng.between(0.55, 1.15) * (0.65 + 0.35 * near)
        trees.append((x, -frame.half_height + rng.between(0.0, 0.06), height, rng.between(0.0, 1.0), near))
    return sorted(trees, key=lambda tree: tree[4])
