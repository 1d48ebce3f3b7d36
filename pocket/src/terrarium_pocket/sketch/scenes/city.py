"""A skyline in layers of haze, with lit windows, reflected in a river or a wet street."""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array
from ..canvas import Band, Frame, ReflectionMap, blend, coverage, fill, smoothstep
from ..colour import mix, rgb, turn
from ..noise import SeededRandom, fractal_noise
from ..palette import Palette
from ..prompt import ParsedPrompt
from ..shapes import birds, rain, snowfall
from ..sky import Sky
from ..subjects.figure import Footing
from ..subjects.placement import FIGURES, PlacedSubjects, Spot
from ..subjects.sprite import lighting

_MIRROR_SIDE = 560
_LAYERS = 5


class _Block:
    """One layer of buildings: edges, heights and windows by column."""

    def __init__(self, rng: SeededRandom, depth: float, reach: float, tall: float) -> None:
        """``depth`` runs from 0, the far layer, to 1, the near one."""
        wide = 0.06 + 0.09 * depth
        edges, heights, setback = [-reach], [0.0], [0.0]
        crest = rng.between(-0.4, 0.4) * reach
        while edges[-1] < reach:
            width = wide * rng.between(0.55, 1.5)
            middle = (edges[-1] + width * 0.5 - crest) / reach
            envelope = 0.42 + 0.58 * math.exp(-2.6 * middle * middle)
            spike = 1.65 if rng.chance(0.12) else 1.0
            height = tall * envelope * rng.between(0.4, 1.0) * spike * (1.0 - 0.5 * depth)
            heights.append(min(height, 1.12 * tall))
            setback.append(rng.between(0.0, 0.4) if rng.chance(0.45) else 0.0)
            edges.append(edges[-1] + width)
            if rng.chance(0.18):
                edges.append(edges[-1] + wide * rng.between(0.05, 0.4))
                heights.append(tall * 0.1)
                setback.append(0.0)
        count = len(edges)
        self.edges = np.array(edges, dtype=np.float32)
        self.heights = np.array([*heights, 0.0], dtype=np.float32)
        self.setback = np.array([*setback, 0.0], dtype=np.float32)
        self.key = rng.many(count + 1)
        self.kind = rng.many(count + 1)
        self.antenna = rng.many(count + 1)
        self.depth = depth
        self.pitch = 0.0115 + 0.0075 * depth


class City:
    """The scene, ready for a frame."""

    def __init__(self, prompt: ParsedPrompt, palette: Palette, rng: SeededRandom, frame: Frame) -> None:
        """Make the layers of buildings and the signs."""
        self._palette = palette
        place = rng.fork("place")
        self._water = place.between(-0.5, -0.36) - 0.22 * (frame.half_height - 1.0)
        self._sky = Sky(
            prompt, palette, rng.fork("sky"), self._water + 0.1, frame.half_height, frame.half_width
        )
        self._neon = palette.name == "neon" or prompt.subject_word in {"cyberpunk", "megacity"}
        self._night = palette.light.dark or self._neon
        tall = 0.74 * (min(frame.half_height, 1.5) - self._water)
        self._blocks = [
            _Block(rng.fork(f"block {n}"), n / (_LAYERS - 1), frame.half_width * 1.05, tall)
            for n in range(_LAYERS)
        ]
        self._wet = fractal_noise(rng.fork("wet"), cells=6, octaves=5)
        self._rng = rng
        self._extras = prompt.extras
        glows = [rgb("#ff3fa4"), rgb("#37d6ff"), rgb("#b45cff"), rgb("#ffd257")]
        if palette.named:
            glows = [*palette.named, *glows[:1]]
        self._glows = glows
        self._lamp = (
            [rgb("#ffd9a0"), rgb("#ffc477"), rgb("#fff0d0")]
            if not self._neon
            else [rgb("#8fe3ff"), rgb("#ff8fd0"), rgb("#ffd9a0")]
        )
        signs = rng.fork("signs")
        self._signs = [
            (
                signs.between(-1.0, 1.0) * frame.half_width,
                self._water + signs.between(0.1, 0.5),
                signs.between(0.008, 0.018),
                signs.between(0.05, 0.17),
                signs.pick(range(len(glows))),
            )
            for _ in range(int(16 * frame.half_width) if self._neon else 0)
        ]
        self._place_figures(prompt, frame)
        small = frame.shrunk(_MIRROR_SIDE)
        self._mirror = ReflectionMap(self._above(small.whole()), small)

    def _place_figures(self, prompt: ParsedPrompt, frame: Frame) -> None:
        """Place the figures: on the wet street or, by daylight, on a quay in front of the river."""
        rng = self._rng.fork("subjects")
        ashore = any(FIGURES[group.kind](rng).stands == "land" for group in prompt.figure_groups)
        self._street = self._neon or self.rains
        self._quay = -frame.half_height + 0.17 if ashore and not self._street else None
        self._kerb = -frame.half_height + 0.3 * (frame.half_height + self._water)
        stone = mix(rgb("#6a6660"), self._palette.shade, 0.5)
        self._stone = stone * (1.1 if self._night else 0.8)
        lights = lighting(self._palette, self._sky.sun_x, stone, snow="snow" in prompt.extras)
        if self._night:
            # Windows and signs light the figures in front of them.
            near = 0.3 if self._neon else 0.1
            lights = replace(lights, sky=lights.sky * 1.4 + self._lamp[0] * near, sun=lights.sun * 1.4)
        side = -math.copysign(1.0, self._sky.sun_x)
        self._subjects = PlacedSubjects(
            prompt.figure_groups, self._palette, rng, frame, lights, self._spot, side=side
        )

    def _spot(self, footing: Footing, x: float, far: float) -> Spot | None:
        if footing == "air":
            return Spot(self._water + 0.45, 1.0, 0.12)
        if footing == "water":
            return Spot(self._water - 0.06 - 0.14 * (1.0 - far), 0.4 + 0.35 * (1.0 - far), 0.1 + 0.2 * far)
        if self._quay is not None:
            return Spot(self._quay - 0.04 + 0.03 * far, 1.25 - 0.2 * far, 0.03)
        return Spot(
            self._kerb + (self._water - 0.06 - self._kerb) * far, 1.5 - 1.1 * far, 0.25 * far, wet=True
        )

    def flying_coverage(self, band: Band) -> Array:
        """Coverage of the flying figures."""
        return self._subjects.coverage(band, flying=True)

    def background(self, band: Band) -> Array:
        """The sky alone."""
        return self._sky.paint(band.x, np.maximum(band.y, self._water), band.px)

    def water_coverage(self, band: Band) -> Array:
        """The river or the wet street, except where figures stand."""
        level: Array = np.clip((self._water - band.y) * (1.0 / band.px), 0.0, 1.0)
        wet: Array = level * np.ones_like(band.x)
        if self._quay is not None:
            wet = wet * (band.y > self._quay)
        return wet * (1.0 - self._subjects.coverage(band))

    @property
    def rains(self) -> bool:
        """Whether rain falls; in neon cities it often does."""
        return "rain" in self._extras or (self._neon and self._rng.fork("rain?").chance(0.6))

    def shade(self, band: Band) -> Array:
        """Buildings above the water line, their streaked reflection below."""
        picture = self._above(band)
        below = np.nonzero(band.y[:, 0] < self._water)[0]
        if below.size:
            first = int(below[0])
            picture[:, first:] = self._below(band, first)
        near: Array = (band.y - self._water) * 140.0
        line: Array = np.exp(-near * near) * np.ones_like(band.x)
        if self._neon:
            blend(picture, self._glows[0] * 0.6, line * 0.5)
        else:
            blend(picture, self._palette.shade * 0.3, line * 0.6)
        if self._quay is not None:
            self._edge(picture, band, self._quay)
        self._subjects.draw(picture, band)
        if "birds" in self._extras:
            birds(picture, band, self._rng.fork("birds"), 0.3, 0.6, self._palette.shade)
        if self.rains and "dry" not in self._extras:
            rain(picture, band, self._rng.fork("rain"), mix(self._palette.low, rgb("#c8d4ff"), 0.4))
        if "snow" in self._extras and "dry" not in self._extras:
            snowfall(picture, band, self._rng.fork("snow"), mix(self._palette.low, rgb("#f4f6ff"), 0.5))
        return picture

    def _edge(self, picture: Array, band: Band, top: float) -> None:
        """A paved quay along the lower border."""
        down = top - band.y
        joint: Array = np.abs((band.x * 9.0) % 1.0 - 0.5)
        joints: Array = np.clip(joint * 40.0, 0.55, 1.0)
        rough: Array = 1.0 + 0.16 * self._wet.at(band.x * 0.8, band.y * 0.8)
        rim: Array = np.maximum(down, 0.0)
        rim = np.exp(rim * -60.0)
        tone: Array = (0.75 + 0.9 * rim) * rough * joints
        sky: Array = self._stone * (self._palette.middle * 0.6 + self._palette.low * 0.4) * 2.2
        blend(picture, fill(sky, tone), coverage(-down, band.px))

    def _above(self, band: Band) -> Array:
        picture = self._sky.paint(band.x, np.maximum(band.y, self._water), band.px)
        pal = self._palette
        haze = mix(pal.low, pal.middle, 0.35)
        near = mix(turn(pal.shade, value=0.3), rgb("#06070c"), 0.35 if self._night else 0.0)
        far = mix(haze, pal.middle, 0.35)
        for block in self._blocks:
            tone = mix(far, near, block.depth**0.8)
            self._row(picture, band, block, tone, haze)
            above: Array = np.maximum(band.y - self._water, 0.0)
            mist: Array = np.exp(above * -4.5) * np.ones_like(band.x)
            blend(picture, haze, mist * (0.34 * (1.0 - block.depth)))
        for x, y, wide, high, pick in self._signs:
            window = band.window(x - wide, x + wide, y, y + high)
            if window is not None:
                dx: Array = np.abs(band.x[:, window[1]] - x) - (wide * 0.8)
                dy: Array = np.abs(band.y[window[0]] - (y + high / 2)) - (high / 2)
                inside = coverage(np.maximum(dx, dy), band.px)
                wave: Array = np.sin(band.y[window[0]] * (2.2 / wide) + (x * 9.0))
                strokes = smoothstep(-0.5, 0.1, wave)
                blend(picture[(slice(None), *window)], self._glows[pick] * 1.9, inside * strokes)
        return picture

    def _row(self, picture: Array, band: Band, block: _Block, tone: Array, haze: Array) -> None:
        """One layer of buildings over the picture."""
        x: Array = band.x[0]
        index: NDArray[np.intp] = np.clip(block.edges.searchsorted(x), 1, len(block.edges) - 1)
        left, right = block.edges[index - 1], block.edges[index]
        inside: Array = np.minimum(x - left, right - x)
        wide: Array = right - left
        height: Array = block.heights[index]
        # Some buildings have a set-back top, a few a mast.
        crown: Array = (inside < wide * 0.22) * block.setback[index]
        height = height * (1.0 - crown * 0.5)
        middle: Array = np.abs(x - (left + right) * 0.5)
        mast: Array = (block.antenna[index] > 0.82) * coverage(middle - 0.0035, band.px)
        top: Array = self._water + height
        y = band.y
        amount: Array = coverage(y - top[None, :], band.px) * coverage(-inside, band.px)[None, :]
        spire: Array = (top + height * 0.28)[None, :] - y
        spire = np.clip(spire * (1.0 / band.px), 0.0, 1.0) * mast[None, :]
        amount = np.maximum(amount, spire)
        rows = np.nonzero(amount.max(axis=1) > 0)[0]
        if rows.size == 0:
            return
        part = slice(int(rows[0]), int(rows[-1]) + 1)
        amount, y = amount[part], y[part]
        key = block.key[index]
        side = math.copysign(1.0, self._sky.sun_x)
        lean: Array = ((x - left) / wide - 0.5) * side
        face: Array = 0.9 + 0.22 * lean + (key - 0.5) * 0.3
        drop: Array = np.clip((top[None, :] - y) * 2.0, 0.0, 1.0)
        shown, warm = self._windows(band, block, x, y, top, left, index)
        pal = self._palette
        view = picture[:, part]
        lamp: Array = np.stack(self._lamp)
        thirds: NDArray[np.intp] = (block.kind[index] * 3).astype(np.intp)
        pick: NDArray[np.intp] = np.minimum(thirds, 2)
        strength = (1.25 if self._night else 0.12) * (0.35 + 0.65 * block.depth)
        sunlit: Array = np.maximum(lean, 0.0)[None, :] * (0.0 if self._night else 0.55)
        shaded: Array = face[None, :] * (1.12 - 0.3 * drop)
        for c in range(3):
            body: Array = (shaded + pal.sun[c] * sunlit) * tone[c]
            if not self._night:
                body = body + (haze[c] * 0.7 - body) * shown * 0.18
            body = body + lamp[pick, c][None, :] * warm * strength
            view[c] += (body - view[c]) * amount

    def _windows(
        self, band: Band, block: _Block, x: Array, y: Array, top: Array, left: Array, index: NDArray[np.intp]
    ) -> tuple[Array, Array]:
        """Window panes of each building: their coverage, and the same times their brightness."""
        pitch = block.pitch
        tall: Array = pitch * (1.15 + 0.7 * block.kind[index])
        column: Array = (x - left) / pitch
        row: Array = (top[None, :] - y) / tall[None, :]
        i: Array = np.floor(column)
        j: Array = np.floor(row)
        soft = max(0.08, band.px / block.pitch)
        aside: Array = np.abs(column - i - 0.5)
        above: Array = np.abs(row - j - 0.5)
        pane: Array = coverage(aside - 0.3, soft)[None, :] * coverage(above - 0.3, soft) * (row > 0.6)
        across: NDArray[np.int64] = i.astype(np.int64) * 73 + index.astype(np.int64) * 331
        down: NDArray[np.int64] = j.astype(np.int64)
        threshold = _hash(across[None, :] + down * 1009)
        share: Array = (0.14 + 0.08 * block.depth) + 0.22 * block.key[index]
        bright = _hash(across[None, :] * 3 + down)
        lit: Array = smoothstep(0.0, 0.2, share[None, :] - threshold) * (0.35 + 0.65 * bright)
        return pane, pane * lit

    def _below(self, band: Band, first: int) -> Array:
        y = band.y[first:]
        depth = self._water - y
        v = 0.1 / (depth + 0.03)
        wave = self._wet.at(band.x * 0.25, v * 1.6)
        fine = self._wet.at(band.x * 1.1 + 0.4, v * 6.0)
        shift = wave * (0.01 + depth * 0.16) + fine * (0.006 + depth * 0.07)
        up = (2.0 * self._water) - y + shift + depth * 0.12
        across = band.x + fine * (0.004 + depth * 0.03)
        mirrored = self._mirror.at(across, np.maximum(up, (self._water + 0.006)))
        fade = 0.78 - 0.45 * smoothstep(0.0, 0.75, depth)
        deep = mix(self._palette.shade, rgb("#04060c"), 0.5) * 0.5
        for c in range(3):
            mirrored[c] *= fade
            mirrored[c] += deep[c] * (1.0 - fade)
        return mirrored


def _hash(number: NDArray[np.int64]) -> Array:
    """A number in [0, 1) for each whole number."""
    mixed = number.astype(np.uint32)
    mixed = (mixed ^ (mixed >> np.uint32(15))) * np.uint32(0x2C1B3C6D)
    mixed = (mixed ^ (mixed >> np.uint32(12))) * np.uint32(0x297A2D39)
    mixed ^= mixed >> np.uint32(15)
    return (mixed >> np.uint32(8)).astype(np.float32) * (1.0 / (1 << 24))
