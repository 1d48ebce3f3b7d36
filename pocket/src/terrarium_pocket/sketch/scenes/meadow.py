"""Rolling fields: soft hills in strips, trees, flowers near by."""

import math

import numpy as np

from ..arrays import Array
from ..canvas import Band, Frame, smoothstep
from ..colour import mix, rgb, turn
from ..noise import SeededRandom, fractal_noise
from ..palette import Palette
from ..prompt import ParsedPrompt
from ..shapes import birds, crown, grass, weather
from ..sky import Sky, paint_sky
from ..subjects.figure import Footing
from ..subjects.placement import PlacedSubjects, Spot
from ..subjects.sprite import lighting
from ..terrain import Terrain

_HILL_DISTANCE = 8.0  # distance of a hill with a figure on it


class Meadow:
    """The scene, ready for a frame."""

    def __init__(self, prompt: ParsedPrompt, palette: Palette, rng: SeededRandom, frame: Frame) -> None:
        """Make the hills and place the trees on them."""
        self._palette = palette
        place = rng.fork("place")
        self._horizon = place.between(-0.02, 0.16) - 0.1 * (frame.half_height - 1.0)
        self._sky = Sky(prompt, palette, rng.fork("sky"), self._horizon, frame.half_height, frame.half_width)
        self._relief = fractal_noise(rng.fork("roll"), cells=3, octaves=3, gain=0.3)
        self._patch = fractal_noise(rng.fork("patch"), cells=5, octaves=6)
        self._blades = fractal_noise(rng.fork("blades"), cells=16, octaves=5, gain=0.8)
        self._leaves = fractal_noise(rng.fork("leaves"), cells=10, octaves=5, gain=0.65)
        self._noise_offset = place.between(0.0, 1.0), place.between(0.0, 1.0)
        side = math.copysign(1.0, self._sky.sun_x)
        low = 0.34 if palette.light.height < 0.5 else 0.62
        norm = math.sqrt(0.85**2 + low**2 + 0.25**2)
        self._sun = (side * 0.85 / norm, low / norm, 0.25 / norm)
        self._rng = rng
        self._extras = prompt.extras
        dusk = palette.light.height < 0.5
        grass = mix(
            rgb(place.pick(("#6f8f3a", "#7f9440", "#5f8a44", "#8a9a46"))),
            palette.ground,
            0.35 if dusk else 0.1,
        )
        if "autumn" in prompt.extras:
            grass = rgb("#b08a3a")
        if palette.named:
            grass = mix(grass, palette.named[0], 0.6)
        self._snowy = "snow" in prompt.extras
        if self._snowy:
            grass = mix(rgb("#eef2f8"), palette.middle, 0.15)
        self._grass = grass
        self._straw = mix(turn(grass, hue=-0.05, value=1.2), rgb("#d9b45f"), 0.4)
        if self._snowy:
            self._straw = mix(grass, palette.shade, 0.12)
        bloom = place.pick(("#d8433a", "#e8c23f", "#f2ece0", "#b06ac0"))
        for flower, colour in (("lavender", "#7a58b8"), ("poppy", "#d4332a")):
            if flower in prompt.extras:
                bloom = colour
        self._bloom = palette.named[-1] if palette.named else rgb(bloom)
        if self._snowy:
            self._bloom = mix(grass, palette.shade, 0.3)
        self._flowery = bool({"flowers", "poppy", "lavender"} & prompt.extras)
        self._rows = "lavender" in prompt.extras or place.chance(0.35)
        # A castle or a mill stands on a hill.
        raised = {"castle": 1.5, "windmill": 0.6, "lighthouse": 1.0}
        self._hill_height = max((raised.get(group.kind, 0.0) for group in prompt.figure_groups), default=0.0)
        self._hill_x = side * 0.36 * frame.half_width * _HILL_DISTANCE / 1.8
        near = 0.6 * 1.8 * 0.95 / (frame.half_height + self._horizon)
        self._terrain = Terrain(
            frame, self._height, eye=0.95, focal=1.8, horizon=self._horizon, near=near, far=46.0
        )
        self._trees = [
            (
                place.between(-16, 16) * frame.half_width * 0.7,
                place.between(9.0, 26.0),
                place.between(0.9, 1.7),
            )
            for _ in range(22)
        ]
        self._trees.append(
            (
                side * -place.between(0.9, 1.5) * frame.half_width,
                place.between(5.0, 6.5),
                place.between(1.9, 2.5),
            )
        )
        self._trees.sort(key=lambda tree: -tree[1])
        lights = lighting(palette, self._sky.sun_x, self._grass, snow=self._snowy)
        self._subjects = PlacedSubjects(
            prompt.figure_groups, palette, rng.fork("subjects"), frame, lights, self._spot, side=side
        )
        # No trees where figures stand on the hill, and none that the hill would hide.
        occupied = [(one.left, one.right) for one in self._subjects.placed if self._hill_height > 0]
        self._trees = [
            (x, z, size) for x, z, size in self._trees
            if not self._hidden(x, z)
            and (z > 15.0 or all(not left < 1.8 * x / z < right for left, right in occupied))
        ]  # fmt: skip

    def _height(self, x: Array, z: Array) -> Array:
        """Height of the land at points ``x`` to the right and ``z`` away, with the hill under a figure."""
        u, v = x * 0.026 + self._noise_offset[0], z * 0.034 + self._noise_offset[1]
        land = self._relief.at(u, v) * (0.35 + np.minimum(z, 30.0) * 0.05)
        if self._hill_height > 0:
            away = ((x - self._hill_x) * 0.26) ** 2 + ((z - _HILL_DISTANCE - 1.0) * 0.24) ** 2
            land = land + self._hill_height * np.exp(-away)
        return land

    def _hidden(self, x: float, z: float) -> bool:
        """Whether nearer land hides the foot of a tree at a place."""
        way = np.linspace(3.5, z, 24, dtype=np.float32)[None, :-1]
        elevation = (self._height(way * np.float32(x / z), way) - self._terrain.eye) / way
        foot = (self._ground(x, z) - self._horizon) / self._terrain.focal
        return bool(elevation.max() > foot + 0.012)

    def _ground(self, x: float, z: float) -> float:
        """Picture height of the land at a place."""
        land = self._height(np.full((1, 1), x, np.float32), np.full((1, 1), z, np.float32))
        return self._horizon + self._terrain.focal * (float(land[0, 0]) - self._terrain.eye) / z

    def _spot(self, footing: Footing, x: float, far: float) -> Spot | None:
        """Where a figure at picture x stands; ``far`` goes from 0, the nearest row of figures, to 1."""
        if footing == "air":
            return Spot(self._horizon + 0.1, 1.0, 0.12)
        z = 3.6 + 6.0 * far if self._hill_height == 0 else _HILL_DISTANCE + 4.0 * far
        base = self._ground(x * z / self._terrain.focal, z) - (0.07 if self._hill_height > 0 else 0.0)
        return Spot(
            base, (3.6 if self._hill_height == 0 else 0.78 * _HILL_DISTANCE) / z, 1.0 - math.exp(-0.03 * z)
        )

    def flying_coverage(self, band: Band) -> Array:
        """Coverage of the flying figures."""
        return self._subjects.coverage(band, flying=True)

    def background(self, band: Band) -> Array:
        """The sky, with the beams that cross it."""
        picture = paint_sky(self._sky, band)
        self._subjects.add_lamp_light(picture, band)
        return picture

    def shade(self, band: Band) -> Array:
        """Sky, fields, trees from far to near."""
        picture = paint_sky(self._sky, band)
        x, z, covered = self._terrain.visible_points(band)
        rows = np.nonzero(covered.max(axis=1) > 0)[0]
        if rows.size:
            part = slice(int(rows[0]), int(rows[-1]) + 1)
            self._fields(picture[:, part], x[part], z[part], covered[part], band.px)
        pal = self._palette
        side = math.copysign(1.0, self._sky.sun_x)
        for tx, tz, size in self._trees:
            focal = self._terrain.focal
            base = self._ground(tx, tz)
            haze = 1.0 - math.exp(-0.03 * tz)
            dark = mix(mix(turn(self._grass, value=0.34), pal.shade, 0.35), pal.low, haze * 0.8)
            light = mix(mix(turn(self._grass, value=0.9), pal.sun, 0.3) * 0.9, pal.low, haze * 0.8)
            if pal.light.dark:
                dark, light = dark * 0.4, light * 0.35
            crown(
                picture,
                band,
                focal * tx / tz,
                base - 0.01,
                focal * size / tz,
                dark,
                light,
                self._leaves,
                side,
            )
        self._subjects.draw(picture, band)
        shade = mix(turn(self._grass, value=0.35), pal.shade, 0.3)
        bright = mix(turn(self._grass, value=1.05), pal.sun, 0.35)
        glow = 0.3 if pal.light.dark else 0.85
        grass(picture, band, self._rng.fork("grass"), shade * glow, bright * glow, self._bloom * glow)
        if "birds" in self._extras or self._rng.fork("birds?").chance(0.4):
            birds(
                picture,
                band,
                self._rng.fork("birds"),
                -self._sky.sun_x * 0.8,
                self._horizon + 0.5,
                mix(pal.shade, rgb("#15151c"), 0.5),
            )
        weather(picture, band, self._rng, self._extras, pal.low, mix(pal.low, pal.sun, 0.4))
        return picture

    def _fields(self, picture: Array, x: Array, z: Array, covered: Array, px: float) -> None:
        """Paint grass, flowers and furrows on the points of the land behind each pixel."""
        pal = self._palette
        here, across, away = self._terrain.slope(x, z, px)
        scale = 1.0 / np.sqrt(across * across + away * away + 1.0)
        sx, sy, sz = self._sun
        facing = (sy - across * sx - away * sz) * scale
        lit = smoothstep(-0.15, 0.8, facing) * self._terrain.shade(x, z, here, self._sun, 5.0, 4)
        patch = self._patch.at(x * 0.03, z * 0.045)
        fade = smoothstep(11.0, 1.5, z)
        blades = self._blades.at(x * 0.5, z * 0.24) * fade
        straw = smoothstep(-0.3, 0.6, patch)
        if self._rows:
            furrow = np.sin((x * 0.8 + z * 0.35 + patch * 0.6) * 7.0)
            straw = np.clip(straw * 0.6 + furrow * smoothstep(24.0, 6.0, z) * 0.3, 0.0, 1.0)
        petals = smoothstep(0.55, 0.8, self._blades.at(x * 0.5 + 0.4, z * 0.4))
        petals *= smoothstep(-0.1, 0.5, patch + 0.2) * fade
        if self._flowery:
            drift = smoothstep(26.0, 4.0, z) * smoothstep(-0.75, 0.25, patch)
            petals = np.maximum(
                petals, smoothstep(0.05, 0.5, self._blades.at(x * 0.9 + 0.1, z * 0.6)) * drift
            )
        if "lavender" in self._extras:
            petals = np.maximum(petals, smoothstep(0.45, 0.8, straw) * 0.85)
        haze = (1.0 - np.exp((z - 1.0) * -0.036)) * 0.85
        mist = mix(pal.low, pal.middle, 0.3)
        strong = 1.9 if not pal.light.dark else 0.55
        for c in range(3):
            albedo = self._grass[c] + (self._straw[c] - self._grass[c]) * straw
            albedo = np.maximum(albedo * (1.0 + 0.42 * blades), 0.01)
            albedo += (self._bloom[c] - albedo) * petals
            light = pal.sun[c] * lit * strong + (pal.middle[c] * 0.32 + pal.shade[c] * 0.22)
            colour = albedo * light
            colour += (mist[c] - colour) * haze
            picture[c] += (colour - picture[c]) * covered
