"""A forest in mist: trunks in receding rows, with light between them."""

import math
from typing import NamedTuple

import numpy as np

from ..arrays import Array
from ..canvas import Band, Frame, blend, smoothstep
from ..colour import mix, rgb, turn
from ..noise import SeededRandom, fractal_noise
from ..palette import Palette
from ..prompt import ParsedPrompt
from ..shapes import rain, snowfall
from ..subjects.figure import Footing
from ..subjects.placement import PlacedSubjects, Spot
from ..subjects.sprite import lighting

_ROWS = 6
_FAR = _ROWS - 2  # rows of the background layer
_SUBJECT_ROW = 4  # figures stand in front of the rows before this one


class _ForestBand(NamedTuple):
    """A band that is drawn row by row, with the mist and light shafts in it."""

    picture: Array
    mist: Array
    shafts: Array


class Forest:
    """The scene, ready for a frame."""

    def __init__(self, prompt: ParsedPrompt, palette: Palette, rng: SeededRandom, frame: Frame) -> None:
        """Place the rows of trees from far to near."""
        self._palette = palette
        place = rng.fork("place")
        self._ground = -0.52 * frame.half_height + place.between(-0.08, 0.06)
        self._light_x = place.between(0.15, 0.7) * frame.half_width * place.sign()
        self._light_y = place.between(0.35, 0.9) * frame.half_height
        self._bark = fractal_noise(rng.fork("bark"), cells=6, octaves=5, gain=0.6)
        self._leaf = fractal_noise(rng.fork("leaf"), cells=6, octaves=6, gain=0.72)
        self._mist = fractal_noise(rng.fork("mist"), cells=3, octaves=5)
        self._rays = fractal_noise(rng.fork("rays"), cells=14, octaves=3)
        self._half_height = frame.half_height
        self._rng = rng
        self._extras = prompt.extras
        self._birch = prompt.subject_word == "birch"
        trees = rng.fork("trees")
        self._rows: list[list[tuple[float, float, float, float, float]]] = []
        self._far: dict[tuple[int, int], _ForestBand] = {}
        for row in range(_ROWS):
            depth = row / (_ROWS - 1)
            count = max(3, int((15 - 2.1 * row) * frame.half_width))
            wide = 0.014 + 0.075 * depth**1.7
            gap = 2.3 * frame.half_width / count
            self._rows.append([
                (-1.15 * frame.half_width + gap * (n + trees.between(0.1, 0.9)),
                 wide * trees.between(0.6, 1.35),
                 trees.between(-0.05, 0.05), trees.between(0.0, 1.0), trees.between(0.0, 6.3))
                for n in range(count) if row < _ROWS - 1 or trees.chance(0.6)
            ])  # fmt: skip
        pal = palette
        self._glow = mix(pal.low, pal.sun, 0.3)
        green = rgb(place.pick(("#4f7a3c", "#5c7d44", "#3f6f4f")))
        if "autumn" in prompt.extras or pal.name in {"golden", "sunset"}:
            green = rgb(place.pick(("#b8742c", "#c2632a", "#b58a34")))
        if pal.name in {"foggy", "bluehour", "night", "moody", "noir", "neon"}:
            green = mix(green, pal.shade, 0.8)
        if pal.named:
            green = mix(green, pal.named[0], 0.75)
        self._green = green
        self._dark = mix(turn(pal.shade, value=0.3), rgb("#0c0f10"), 0.4)
        self._snowy = "snow" in prompt.extras
        self._white = mix(mix(rgb("#eef2f8"), pal.middle, 0.35), pal.shade, 0.1) * (
            0.35 if pal.light.dark else 0.95
        )
        ground = self._white if self._snowy else mix(self._green, self._dark, 0.3)
        self._subjects = PlacedSubjects(
            prompt.figure_groups, pal, rng.fork("subjects"), frame,
            lighting(pal, self._light_x, ground, snow=self._snowy), self._spot,
            side=-math.copysign(1.0, self._light_x),
        )  # fmt: skip
        # No near trunk hides a figure.
        occupied = [(one.left - 0.03, one.right + 0.03) for one in self._subjects.placed]
        for row in range(_SUBJECT_ROW, _ROWS):
            self._rows[row] = [
                tree for tree in self._rows[row]
                if all(not left - tree[1] < tree[0] < right + tree[1] for left, right in occupied)
            ]  # fmt: skip

    def _spot(self, footing: Footing, x: float, far: float) -> Spot | None:
        if footing == "air":
            return Spot(self._ground + 0.2, 0.8, 0.2)
        depth = (_SUBJECT_ROW - 0.8 * far) / (_ROWS - 1)
        return Spot(self._level(depth) - 0.005, 1.06 - 0.4 * far, (1.0 - depth) ** 1.25 * 0.5)

    def _level(self, depth: float) -> float:
        """Picture height of the floor at a row's depth, 0 far to 1 near."""
        return self._ground + 0.34 * (1.0 - depth) - 0.32 * self._half_height * depth * 0.6

    def shade(self, band: Band) -> Array:
        """Glow first, then the rows from far to near, with shafts of light between them."""
        forest = self._far.pop((band.top, band.rows), None) or self._far_rows(band)
        self._draw_rows(forest, band, range(_FAR, _ROWS))
        if "rain" in self._extras:
            rain(forest.picture, band, self._rng.fork("rain"), self._palette.low)
        if self._snowy and "dry" not in self._extras:
            flakes = mix(self._palette.low, self._palette.sun, 0.4)
            snowfall(forest.picture, band, self._rng.fork("snow"), flakes)
        return forest.picture

    def background(self, band: Band) -> Array:
        """The forest without its nearest rows.

        The band is kept, so that ``shade`` can continue from it.
        """
        forest = self._far[band.top, band.rows] = self._far_rows(band)
        far = forest.picture.copy()
        if "rain" in self._extras:
            rain(far, band, self._rng.fork("rain"), self._palette.low)
        return far

    def _far_rows(self, band: Band) -> _ForestBand:
        forest = self._air(band)
        self._draw_rows(forest, band, range(_FAR))
        return forest

    def _air(self, band: Band) -> _ForestBand:
        pal = self._palette
        x, y = band.x, band.y
        far = np.sqrt((x - self._light_x) ** 2 + ((y - self._light_y) * 0.8) ** 2)
        near = np.exp(far * -1.25)
        picture = band.empty()
        edge = mix(pal.middle, pal.top, 0.5)
        for c in range(3):
            picture[c] = edge[c] * 0.7 + (self._glow[c] - edge[c] * 0.7) * near
            picture[c] += pal.sun[c] * near * near * 0.3
        mist = self._mist.at(x * 0.2, y * 0.3)
        angle = np.arctan2(y - self._light_y, x - self._light_x)
        shafts = self._rays.at(angle * (1.0 / math.pi), np.full_like(angle, 0.31))
        shafts = smoothstep(-0.1, 0.9, shafts) * np.exp(far * -0.9) * smoothstep(0.05, 0.5, far)
        return _ForestBand(picture, mist, shafts)

    def _draw_rows(self, forest: _ForestBand, band: Band, rows: range) -> None:
        pal = self._palette
        picture, mist, shafts = forest
        low = mix(pal.low, pal.middle, 0.3)
        for row in rows:
            depth = row / (_ROWS - 1)
            haze = (1.0 - depth) ** 1.25 * 0.9
            self._floor(picture, band, depth, haze)
            if row == _SUBJECT_ROW:
                self._subjects.draw(picture, band)
            for tree in self._rows[row]:
                self._trunk(picture, band, tree, depth, haze)
            self._canopy(picture, band, depth, haze, row)
            if row >= _ROWS - 2:
                self._undergrowth(picture, band, row)
            veil = np.clip(0.2 + mist * 0.22, 0.0, 0.5) * (1.0 - depth)
            veil = veil * smoothstep(0.9, -0.6, (band.y - self._ground) * 0.8)
            blend(picture, low, veil)
            if row < _ROWS - 1:
                for c in range(3):
                    picture[c] += pal.sun[c] * shafts * (0.15 if not pal.light.dark else 0.05)

    def _tone(self, colour: Array, haze: float) -> Array:
        return mix(colour, mix(self._palette.low, self._palette.middle, 0.45), haze)

    def _floor(self, picture: Array, band: Band, depth: float, haze: float) -> None:
        level = self._level(depth)
        bump = self._leaf.at(band.x * (0.2 + 0.1 * depth), np.full_like(band.x, depth)) * 0.045
        edge = level + bump
        amount = np.clip((edge - band.y) * (1.0 / band.px) + 0.5, 0.0, 1.0)
        if not amount.any():
            return
        rough = self._leaf.at(band.x * 0.5, (band.y - level) * 1.4 + depth)
        rim = np.exp(-np.abs(edge - band.y) * 9.0)
        ground = self._tone(mix(turn(self._green, value=0.55), self._dark, 0.35 + 0.3 * depth), haze)
        lit = self._tone(mix(self._green, self._glow, 0.35), haze)
        grain = 0.28
        if self._snowy:
            ground, lit, grain = (
                self._tone(self._white * 0.72, haze),
                self._tone(self._white * 1.1, haze),
                0.07,
            )
        for c in range(3):
            tone = ground[c] * (1.0 + grain * rough)
            tone += (lit[c] - tone) * rim * 0.5
            picture[c] += (tone - picture[c]) * amount

    def _trunk(
        self,
        picture: Array,
        band: Band,
        tree: tuple[float, float, float, float, float],
        depth: float,
        haze: float,
    ) -> None:
        x, wide, lean, key, phase = tree
        frame = band.frame
        base = self._ground + 0.32 * (1.0 - depth) - 0.32 * frame.half_height * depth * 0.6 - 0.02
        reach = wide * 2.6 + 0.09 + abs(lean) * frame.half_height
        window = band.window(x - reach, x + reach, base - 0.03, frame.half_height)
        if window is None:
            return
        y = band.y[window[0]]
        up = y - base
        middle = x + lean * up + 0.014 * np.sin(up * 2.3 + phase)
        half = (wide * 0.5) * (1.0 - 0.14 * up) + (wide * 0.55) * np.exp(up * -13.0)
        off = (band.x[:, window[1]] - middle) / half
        amount = np.clip((1.0 - np.abs(off)) * half * (1.0 / band.px) + 0.5, 0.0, 1.0)
        amount *= smoothstep(-0.03, 0.0, up)
        side = math.copysign(1.0, self._light_x - x)
        rim = smoothstep(0.45, 1.0, off * side) * 0.55
        part = picture[(slice(None), *window)]
        bark = mix(self._dark, turn(self._green, saturation=0.4, value=0.4), 0.25)
        rough = 0.0
        if depth > 0.3:
            rough = self._bark.at(off * 0.09 + key, y * 0.16) * (0.5 * depth)
        tone, light = self._tone(bark, haze), self._tone(mix(bark, self._glow, 0.6), haze)
        if self._birch:
            tone = self._tone(mix(rgb("#d8d4cc"), self._dark, 0.25), haze)
            marks = smoothstep(0.45, 0.62, self._bark.at(off * 0.035 + key, y * 1.9))
            rough = rough * 0.3 - marks * 0.8
        for c in range(3):
            colour = tone[c] * (1.0 + rough)
            colour = colour + (light[c] - colour) * rim
            part[c] += (colour - part[c]) * amount

    def _undergrowth(self, picture: Array, band: Band, row: int) -> None:
        """Ferns and grass along the lower border, as dark as the nearest trunks."""
        near = row == _ROWS - 1
        level = -band.frame.half_height + (0.2 if near else 0.36)
        window = band.window(
            -band.frame.half_width, band.frame.half_width, -band.frame.half_height, level + 0.2
        )
        if window is None:
            return
        x, y = band.x, band.y[window[0]]
        hills = self._mist.at(x * 0.3 + row * 0.21, np.full_like(x, 0.7)) * 0.1
        fine = self._bark.at(x * 3.1 + y * 0.5 + row * 0.3, y * 0.16 + x * 0.1)
        leaf = self._leaf.at(x * 1.1 + row * 0.4, y * 1.1)
        edge = level + hills - y + (fine * 0.075 + leaf * 0.06) * (0.12 if self._snowy else 1.0)
        tone = self._tone(
            mix(turn(self._green, value=0.5), self._dark, 0.55 if near else 0.3), 0.0 if near else 0.12
        )
        lit = smoothstep(0.12, 0.0, edge) * (0.3 + 0.3 * leaf)
        part = picture[:, window[0]]
        if self._snowy:
            tone, leaf = self._white * (0.55 if near else 0.68), leaf * 0.15
        amount = smoothstep(0.0, 0.02, edge)
        bright = self._white * 1.05 if self._snowy else self._tone(mix(self._green, self._glow, 0.4), 0.1)
        for c in range(3):
            colour = tone[c] * (1.0 + 0.4 * leaf) + (bright[c] - tone[c]) * lit
            part[c] += (np.maximum(colour, 0.0) - part[c]) * amount

    def _canopy(self, picture: Array, band: Band, depth: float, haze: float, row: int) -> None:
        """Leaves that close the picture at the top, denser toward the sides, finer the farther away."""
        frame = band.frame
        lower = frame.half_height * (0.3 + 0.34 * depth)
        within = smoothstep(lower - 0.62, lower - 0.4, band.y)
        if not within.any():
            return
        scale = 0.62 - 0.3 * depth
        u, v = band.x * scale + row * 0.37, band.y * scale + row * 0.19
        clump = self._mist.at(u * 0.55, v * 0.7)
        leaf = self._leaf.at(u, v)
        aside = np.minimum(np.abs(band.x - self._light_x) * (0.8 / frame.half_width), 1.0)
        fill = (
            (band.y - lower) * 1.3 + aside * 0.7 - (0.98 if self._snowy else 0.72) + clump * 0.7 + leaf * 0.5
        )
        amount = smoothstep(0.0, 0.05 + 0.06 * (1.0 - depth), fill) * within * (0.5 + 0.48 * depth)
        if not amount.any():
            return
        light = self._tone(mix(self._green, self._glow, 0.35), haze)
        dark = self._tone(mix(turn(self._green, value=0.35), self._dark, 0.55), haze)
        # Near leaves are dark against the light; pale ones would seem to cut off the trunks.
        light = mix(light, dark, 0.7 * depth)
        if self._snowy:
            light, dark = self._tone(self._white * (1.0 - 0.35 * depth), haze), mix(dark, self._white, 0.3)
        lit = np.clip(smoothstep(0.55, 0.0, fill) * (1.0 - aside * 0.55) + leaf * 0.3, 0.0, 1.0)
        for c in range(3):
            tone = dark[c] + (light[c] - dark[c]) * lit
            picture[c] += (tone - picture[c]) * amount
