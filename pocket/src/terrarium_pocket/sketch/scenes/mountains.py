"""Mountains behind a lake: a real height field under a real sun, hazed by distance, mirrored in the water."""

import math

import numpy as np

from ..brief import Brief
from ..canvas import Band, Frame, Mirror, lay, smooth
from ..colour import mix, rgb, turn
from ..noise import Dice, Plane, tile
from ..palette import Palette
from ..shapes import birds, pine, rain, snowfall
from ..sky import Sky
from ..subjects.cutout import lighting
from ..subjects.ensemble import FIGURES, Ensemble, Spot
from ..subjects.figure import Footing
from ..terrain import Terrain

_MIRROR_SIDE = 420
_SOLID = np.ones(3, dtype=np.float32)


class Mountains:
    """The scene, ready for a frame."""

    def __init__(self, brief: Brief, palette: Palette, dice: Dice, frame: Frame) -> None:
        """Raise the land, then paint a small picture of it for the water to mirror."""
        self._palette = palette
        place = dice.fork("place")
        self._horizon = place.between(-0.34, -0.16) - 0.12 * (frame.ay - 1.0)
        self._sky = Sky(brief, palette, dice.fork("sky"), self._horizon, frame.ay, frame.ax)
        self._ridges = tile(dice.fork("ridges"), cells=3, octaves=8, ridge=True, gain=0.46, size=1024)
        self._hills = tile(dice.fork("hills"), cells=4, octaves=6)
        self._at = place.between(0.0, 1.0), place.between(0.0, 1.0)
        self._peak = place.between(-0.6, 0.6)
        self._rise = (
            place.between(1.75, 2.5) * (1.0 + 0.2 * (frame.ay - 1.0)) / (1.0 + 0.18 * (frame.ax - 1.0))
        )
        self._snow = place.between(0.5, 0.75) - (0.5 if "snow" in brief.extras else 0.0)
        side = math.copysign(1.0, self._sky.sun_x)
        low = palette.light.height < 0.5
        sun = (side * 0.86, 0.36 if low else 0.6, 0.28)
        length = math.sqrt(sum(part * part for part in sun))
        self._sun = (sun[0] / length, sun[1] / length, sun[2] / length)
        self._fog = 1.9 if palette.name == "foggy" or "fog" in brief.extras else 1.0
        self._low = -frame.ay
        self._dice = dice
        self._extras = brief.extras
        rock = mix(mix(rgb("#6b625c"), palette.shade, 0.45), palette.ground, 0.2)
        self._rock, self._white = rock, mix(rgb("#f4f6fb"), palette.sun, 0.25)
        self._wood = mix(turn(palette.ground, value=0.55), palette.shade, 0.45)
        self._haze = mix(palette.low, palette.middle, 0.4)
        self._near = mix(turn(palette.shade, value=0.32), rgb("#0a1014"), 0.25)
        small = frame.shrunk(_MIRROR_SIDE)
        self._water = Mirror(self._land(small.whole(), self._raise(small)), small)
        self._terrain = self._raise(frame)
        self._trees = _treeline(dice.fork("trees"), frame)
        self._stand(brief, frame, -side)

    def _stand(self, brief: Brief, frame: Frame, side: float) -> None:
        """Who is here; the near bank rises under what stands on land, and its trees make room."""
        dice = self._dice.fork("subjects")
        bank = mix(
            turn(self._palette.ground, value=0.8), rgb("#f2f4f8"), 0.75 if "snow" in brief.extras else 0.0
        )
        self._bank = bank
        ashore = any(FIGURES[member.kind](dice).stands == "land" for member in brief.members)
        self._knoll = (side * 0.36 * frame.ax, 0.2 + 0.04 * frame.ay) if ashore else None
        lights = lighting(self._palette, self._sky.sun_x, bank, snow="snow" in brief.extras)
        self._ensemble = Ensemble(brief.members, self._palette, dice, frame, lights, self._spot, side=side)
        taken = [(one.left - 0.06, one.right + 0.06) for one in self._ensemble.standing if ashore]
        self._trees = [
            tree for tree in self._trees if all(not left < tree[0] < right for left, right in taken)
        ]

    def _shore(self, x: Plane) -> Plane:
        """Height of the near bank at x, in picture units."""
        edge = self._low + 0.07 + self._hills.at(x * 0.22, np.full_like(x, 0.4)) * 0.05
        if self._knoll is not None:
            middle, tall = self._knoll
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

    def _height(self, x: Plane, z: Plane) -> Plane:
        """A main massif far off, foothills before it, and a shore that wanders."""
        u, v = x * 0.055 + self._at[0], z * 0.055 + self._at[1]
        hill = self._hills.at(u * 1.6, v * 1.6)
        # Bent a little by the hills, no crest runs dead straight at the viewer.
        ridge = self._ridges.at(u + hill * 0.022, v - hill * 0.022)
        offset = x * (1.0 / 5.2) - self._peak - (z - 14.0) * 0.04
        crown = np.exp(-offset * offset) * 0.75 + 0.34
        massif = smooth(7.0, 15.0, z) * crown
        shore = smooth(5.4, 9.0, z + hill * 1.6)
        tall = self._rise * massif * np.maximum(ridge * 1.15 + 1.35, 0.1)
        foot = shore * (0.2 + 0.34 * hill + 0.1 * ridge)
        return np.maximum(tall * shore + np.maximum(foot, 0.0) - 0.012, 0.0)

    def _land(self, band: Band, terrain: Terrain) -> Plane:
        """Sky and land without the water."""
        picture = self._sky.paint(band.x, np.maximum(band.y, self._horizon), band.px)
        x, z, covered = terrain.look(band)
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
        white = smooth(-0.12, 0.3, line) * smooth(0.3, 0.52, steep + 0.12 * rough)
        trees = smooth(0.9, 0.3, here + rough * 0.4) * smooth(0.55, 0.75, steep)
        haze = 1.0 - np.exp((z - 4.0) * (-0.05 * self._fog))
        haze *= 1.0 - 0.5 * smooth(0.3, 3.2, here)
        valley = np.exp(here * -3.4) * 0.42 * smooth(5.0, 12.0, z)
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

    def aloft(self, band: Band) -> Plane:
        """Who flies."""
        return self._ensemble.covers(band, aloft=True)

    def behind(self, band: Band) -> Plane:
        """The sky, with the beams that cross it."""
        picture = self._sky.paint(band.x, np.maximum(band.y, self._horizon), band.px)
        self._ensemble.light_air(picture, band)
        return picture

    def liquid(self, band: Band) -> Plane:
        """The lake where no tree stands before it."""
        _, z, covered = self._terrain.look(band)
        dry = band.empty()
        for x, base, height, key, _ in self._trees:
            pine(dry, band, x, base, height, _SOLID, key)
        lay(dry, _SOLID, np.clip((self._shore(band.x) - band.y) * (1.0 / band.px), 0.0, 1.0))
        return self._wet(band, z, covered) * (1.0 - dry[0]) * (1.0 - self._ensemble.covers(band))

    def _wet(self, band: Band, z: Plane, covered: Plane) -> Plane:
        plane = (1.7 * 0.1) / np.maximum(self._horizon - band.y, 1e-4)
        return smooth(0.985, 0.998, z / plane) * covered * (band.y < self._horizon)

    def shade(self, band: Band) -> Plane:
        """Land above, its mirror below, dark trees nearest."""
        picture = self._land(band, self._terrain)
        pal = self._palette
        _, z, covered = self._terrain.look(band)
        wet = self._wet(band, z, covered)
        if wet.any():
            first = int(np.nonzero(wet.max(axis=1) > 0)[0][0])
            picture[:, first:] += (self._lake_light(band, first) - picture[:, first:]) * wet[first:]
        for x, base, height, key, near in self._trees:
            tone = mix(self._near, self._haze, 0.3 * (1.0 - near))
            pine(picture, band, x, base, height, tone, key)
        edge = self._shore(band.x)
        above = edge - band.y
        lit = smooth(0.1, 0.0, above + self._hills.at(band.x * 1.7, band.y * 1.7) * 0.03)
        bank = mix(
            self._near, self._bank * (pal.sun * 0.5 + pal.middle * 0.5), 0.3 if self._knoll is None else 0.7
        )
        tone = self._near[:, None, None] + (bank - self._near)[:, None, None] * lit
        lay(picture, tone, np.clip(above * (1.0 / band.px), 0.0, 1.0))
        self._ensemble.lay(picture, band)
        if "birds" in self._extras or self._dice.fork("birds?").chance(0.3):
            sx, sy = self._sky.sun
            birds(
                picture,
                band,
                self._dice.fork("birds"),
                -sx * 0.6,
                sy * 0.7 + 0.2,
                mix(self._near, pal.middle, 0.3),
            )
        if "rain" in self._extras:
            rain(picture, band, self._dice.fork("rain"), pal.low)
        if "snow" in self._extras and "dry" not in self._extras:
            snowfall(picture, band, self._dice.fork("snow"), mix(pal.low, pal.sun, 0.4))
        return picture

    def _lake_light(self, band: Band, first: int) -> Plane:
        y = band.y[first:]
        depth = self._horizon - y
        v = 0.1 / np.maximum(depth, 0.004)
        wave = self._hills.at(band.x * v * 1.2 + 0.2, v * 3.1)
        fine = self._hills.at(band.x * v * 5.0, v * 13.0 + 0.5)
        calm = smooth(0.0, 0.5, depth)
        shift = wave * (0.012 + 0.05 * calm) + fine * 0.008
        up = (2.0 * self._horizon) - y + shift + 0.008
        mirrored = self._water.at(band.x + wave * 0.01, np.maximum(up, (self._horizon + 0.004)))
        breeze = smooth(0.35, 0.8, self._hills.at(band.x * 0.1 + 0.7, v * 0.9))
        sheen = self._haze * 0.9
        deep = mix(self._palette.shade, self._palette.middle, 0.3) * 0.6
        keep = 0.9 - 0.34 * calm
        for c in range(3):
            layer = mirrored[c]
            layer *= keep
            layer += deep[c] * (1.0 - keep)
            layer += (sheen[c] - layer) * breeze * 0.3
        return mirrored


def _treeline(dice: Dice, frame: Frame) -> list[tuple[float, float, float, float, float]]:
    """Pines along the near bank, tall at the sides and low in the middle, far ones first."""
    trees: list[tuple[float, float, float, float, float]] = []
    count = int(26 * frame.ax)
    middle = dice.between(-0.3, 0.3) * frame.ax
    for _ in range(count):
        x = dice.between(-1.08, 1.08) * frame.ax
        aside = min(1.0, abs(x - middle) / frame.ax)
        near = dice.between(0.0, 1.0)
        height = (0.07 + 0.5 * aside**2.2) * dice.between(0.55, 1.15) * (0.65 + 0.35 * near)
        trees.append((x, -frame.ay + dice.between(0.0, 0.06), height, dice.between(0.0, 1.0), near))
    return sorted(trees, key=lambda tree: tree[4])
