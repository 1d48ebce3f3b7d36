"""The portrait of an animal: a cat, a dog, an owl, a fox or a rabbit, from the front."""

from typing import NamedTuple

import numpy as np

from ..arrays import Array, clip, fabs, gaussian, maximum, minimum, sqrt
from ..canvas import Band, Frame, blend, coverage, smoothstep
from ..colour import grey, mix, rgb, turn
from ..noise import SeededRandom, fractal_noise
from ..palette import Palette
from ..prompt import ParsedPrompt
from .studio import Studio, leaf, oval

ANIMALS = frozenset(["cat", "dog", "owl", "fox", "rabbit"])

_INK = "#1b1514"
_SCALE = 1.16


class _Coat(NamedTuple):
    """Colours of fur or feathers (main, dark and light areas) and of the eyes."""

    main: str
    dark: str
    light: str
    eyes: str


_COATS: dict[str, tuple[_Coat, ...]] = {
    "cat": (
        _Coat("#c8762f", "#8a4417", "#f3dfc4", "#8fae3c"),
        _Coat("#8b8f96", "#4e5157", "#e6e4e0", "#d9a42c"),
        _Coat("#2b2a2e", "#161518", "#45434a", "#c9c23c"),
        _Coat("#a98a68", "#5c4530", "#efe3d0", "#5fa3b8"),
    ),
    "dog": (
        _Coat("#c08a4e", "#7a4a24", "#f1e2c8", "#4a2c16"),
        _Coat("#5a3a26", "#33201a", "#d9b48a", "#3a2414"),
        _Coat("#d8d2c6", "#4a423e", "#f6f2ea", "#3a2a1c"),
    ),
    "owl": (
        _Coat("#8a6a48", "#4a3624", "#e6d4b4", "#e8a21c"),
        _Coat("#7d7a78", "#3d3b3c", "#dcd8d0", "#ecb42a"),
        _Coat("#a8743c", "#5e3a1c", "#f0e0c0", "#d98a1a"),
    ),
    "fox": (
        _Coat("#c9602a", "#3a1e16", "#f5ebdd", "#b8801f"),
        _Coat("#d2722e", "#2e1a16", "#f8f0e4", "#9a6a1c"),
    ),
    "rabbit": (
        _Coat("#b59a7c", "#7a5f46", "#f2e8da", "#3a2416"),
        _Coat("#9a979a", "#5f5c62", "#edebe8", "#2c2020"),
        _Coat("#e9e2d8", "#b5a898", "#fbf8f2", "#6a3a34"),
    ),
}


class Animal:
    """The scene, ready for a frame. The head is about 0.8 wide around (0, 0.1)."""

    def __init__(self, prompt: ParsedPrompt, palette: Palette, rng: SeededRandom, frame: Frame) -> None:
        """Choose the coat."""
        self._kind = prompt.variant
        shape = rng.fork("shape")
        self._x = shape.between(-0.05, 0.05) * frame.half_width + (
            shape.sign() * 0.3 * (frame.half_width - 1.0)
        )
        self._y = -0.06 - 0.12 * (frame.half_height - 1.0)
        self._tilt = shape.between(-0.05, 0.05)
        self._studio = Studio(prompt, palette, rng.fork("studio"), self._x, self._y)
        self._fur = fractal_noise(rng.fork("fur"), cells=24, octaves=3, gain=0.6)
        coat = rng.fork("coat").pick(_COATS[self._kind])
        self._main, self._dark, self._light = rgb(coat.main), rgb(coat.dark), rgb(coat.light)
        eyes = prompt.tint("eyes")
        self._iris = rgb(eyes or coat.eyes)
        if prompt.colours:
            self._main = palette.subject
            self._dark = turn(self._main, value=0.5)
            self._light = mix(self._main, rgb("#fff6ea"), 0.72 if grey(self._main) > 0.05 else 0.06)
            if len(prompt.colours) > 1:
                self._light = palette.second
        self._scarf = turn(palette.accent, saturation=1.1) if shape.chance(0.35) else None
        self._px = frame.px / _SCALE

    def background(self, band: Band) -> Array:
        """The painted backdrop alone."""
        return self._studio.ground(band)

    def shade(self, band: Band) -> Array:
        """From the back to the front."""
        picture = self._studio.ground(band)
        shape = (band.rows, band.frame.width)
        x = np.broadcast_to((band.x - self._x) * (1.0 / _SCALE), shape)
        y = np.broadcast_to((band.y - self._y) * (1.0 / _SCALE), shape)
        hx = x + (y + 0.3) * self._tilt
        self._body(picture, x, y)
        match self._kind:
            case "cat":
                self._cat(picture, hx, y)
            case "dog":
                self._dog(picture, hx, y)
            case "owl":
                self._owl(picture, hx, y)
            case "fox":
                self._fox(picture, hx, y)
            case _:
                self._rabbit(picture, hx, y)
        return picture

    def _draw_fur(
        self,
        picture: Array,
        colour: Array,
        x: Array,
        y: Array,
        shape: Array,
        *,
        rough: float = 0.0,
        round_: float = 0.5,
    ) -> None:
        """Draw a form in fur: ``rough`` is how far hairs stand out, ``round_`` its half width for light."""
        hairs = self._fur.at(x * 0.9 + y * 0.12, y * 0.32)
        lit = clip(self._studio.across(x, y - 0.05, round_) + hairs * 0.09)
        self._studio.paint(picture, colour, lit, coverage(shape - hairs * rough, self._px))

    def _draw_flat(self, picture: Array, colour: Array, shape: Array, strength: float = 1.0) -> None:
        blend(picture, colour * self._studio.dim, coverage(shape, self._px) * strength)

    def _leaf_pair(self, x: Array, y: Array, points: tuple[float, float, float, float], wide: float) -> Array:
        """A leaf and its mirror image."""
        x0, y0, x1, y1 = points
        return leaf(fabs(x), y, x0, y0, x1, y1, wide)

    def _body(self, picture: Array, x: Array, y: Array) -> None:
        owl = self._kind == "owl"
        wide = 0.62 if owl else 0.44
        arch = oval(x, y + 1.1, wide + 0.06, 0.95)
        self._draw_fur(picture, turn(self._main, value=0.86), x, y + 0.6, arch, rough=0.02, round_=0.6)
        chest = oval(x, y + 0.72, wide * 0.56, 0.46)
        inside = maximum(chest, arch + 0.03)
        self._draw_fur(picture, self._light, x, y + 0.6, inside, rough=0.03, round_=0.6)
        if owl:
            self._feathers(picture, x, y, arch)
        drop = gaussian(x * 2.6) * smoothstep(-0.62, -0.3, y)
        shadow = turn(self._dark, value=0.7) * self._studio.dim
        blend(picture, shadow, coverage(arch, self._px) * drop * 0.5)
        if self._scarf is not None and not owl:
            bend = y + 0.42 + 0.35 * x * x - 0.1
            loop = sqrt(maximum(fabs(x) - 0.2, 0.0) ** 2 + bend * bend) - 0.065
            knot = leaf(x, y, 0.0, -0.33, 0.12 * self._studio.side, -0.62, 0.09)
            for form in (knot, loop):
                self._studio.paint(
                    picture, self._scarf, self._studio.across(x, y + 0.4, 0.4), coverage(form, self._px)
                )

    def _feathers(self, picture: Array, x: Array, y: Array, arch: Array) -> None:
        """Rows of chevrons down the chest and two folded wings."""
        row = np.floor(y * 9.0)
        inside_y = y * 9.0 - row
        inside_x = x * 7.0 + 0.5 * (row % 2.0)
        inside_x = inside_x - np.floor(inside_x) - 0.5
        mark = fabs(inside_y - 0.35 - 0.9 * fabs(inside_x)) - 0.11
        marks = (
            coverage(mark, self._px * 9.0) * coverage(arch + 0.06, self._px) * smoothstep(0.42, 0.2, fabs(x))
        )
        blend(picture, self._dark * self._studio.dim, marks * 0.75)
        for side in (-1.0, 1.0):
            wing = leaf(x, y, side * 0.36, -0.3, side * 0.4, -1.35, 0.2)
            self._draw_fur(
                picture, turn(self._dark, value=1.25), x, y + 0.6, maximum(wing, arch - 0.02), rough=0.01
            )

    def _eyes(
        self,
        picture: Array,
        x: Array,
        y: Array,
        at: tuple[float, float],
        radius: float,
        lids: Array,
        slit: float,
    ) -> None:
        """Two eyes within ``lids``: iris, pupil of half width ``slit``, glint, dark rim."""
        ex, ey = fabs(x) - at[0], y - at[1]
        away = sqrt(ex * ex + ey * ey)
        self._draw_flat(picture, rgb(_INK), lids - 0.014)
        inside = coverage(lids, self._px)
        tone = self._iris[:, None, None] * (1.05 - 0.5 * smoothstep(-radius, radius, ey))
        blend(picture, tone * self._studio.dim, inside * coverage(away - radius, self._px))
        edge = coverage(fabs(away - radius) - 0.006, self._px)
        blend(picture, self._iris * (0.3 * self._studio.dim), inside * edge)
        pupil = oval(ex, ey, slit, radius * 0.78)
        blend(picture, rgb("#0d0a0a"), inside * coverage(pupil, self._px))
        gx = x - np.sign(x) * at[0] - 0.3 * radius * self._studio.side
        glint = sqrt(gx * gx + (ey - 0.36 * radius) ** 2) - 0.2 * radius
        blend(picture, rgb("#ffffff"), inside * coverage(glint, self._px))
        small = sqrt((gx + 0.5 * radius * self._studio.side) ** 2 + (ey + 0.4 * radius) ** 2) - 0.09 * radius
        blend(picture, rgb("#ffffff"), inside * coverage(small, self._px) * 0.6)

    def _nose(self, picture: Array, x: Array, y: Array, colour: Array, wide: float, deep: float) -> None:
        """A soft triangle with its tip at (0, 0) and a shine on it."""
        body = maximum(fabs(x) * (deep / wide) - y - 0.0, oval(x, y - deep * 0.62, wide * 1.02, deep * 0.62))
        self._draw_flat(picture, colour, body)
        shine = oval(x + 0.2 * wide * -self._studio.side, y - deep * 0.85, wide * 0.42, deep * 0.14)
        self._draw_flat(picture, mix(colour, rgb("#ffffff"), 0.5), shine, 0.6)

    def _smile(self, picture: Array, x: Array, y: Array, wide: float, drop: float) -> None:
        """A line down from the nose and two arcs."""
        line = maximum(fabs(x) - 0.005, fabs(y + drop * 0.5) - drop * 0.5)
        ax = fabs(x) - wide * 0.5
        arc = maximum(fabs(sqrt(ax * ax + (y + drop) ** 2) - wide * 0.5) - 0.0055, y + drop)
        self._draw_flat(picture, rgb(_INK), minimum(line, arc), 0.85)

    def _whiskers(self, picture: Array, x: Array, y: Array) -> None:
        away = fabs(x)
        for slope, start in ((0.22, -0.02), (0.02, -0.05), (-0.18, -0.08)):
            bend = y - start - slope * (away - 0.12) + 0.5 * (away - 0.12) ** 2
            hair = maximum(fabs(bend) - 0.0032 * smoothstep(0.56, 0.2, away), fabs(away - 0.34) - 0.2)
            self._draw_flat(picture, mix(self._light, rgb("#ffffff"), 0.6), hair, 0.8)

    def _cat(self, picture: Array, x: Array, y: Array) -> None:
        for points, wide, tone in (
            ((0.13, 0.24, 0.35, 0.62), 0.12, self._main),
            ((0.2, 0.3, 0.325, 0.54), 0.06, mix(self._light, rgb("#d98a84"), 0.55)),
        ):
            self._draw_fur(picture, tone, x, y, self._leaf_pair(x, y, points, wide), rough=0.006)
        head = minimum(oval(x, y - 0.12, 0.38, 0.315), oval(x, y + 0.01, 0.41, 0.235))
        self._draw_fur(picture, self._main, x, y, head, rough=0.012, round_=0.42)
        inside = coverage(head + 0.01, self._px)
        stripes = self._leaf_pair(x, y, (0.05, 0.42, 0.03, 0.2), 0.02)
        for points, wide in (
            ((0.13, 0.4, 0.09, 0.22), 0.018),
            ((0.42, 0.1, 0.27, 0.04), 0.02),
            ((0.41, 0.0, 0.27, -0.02), 0.018),
        ):
            stripes = minimum(stripes, self._leaf_pair(x, y, points, wide))
        blend(picture, self._dark * self._studio.dim, coverage(stripes, self._px) * inside * 0.7)
        cheeks = minimum(oval(fabs(x) - 0.085, y + 0.1, 0.115, 0.092), oval(x, y + 0.17, 0.1, 0.07))
        blaze = self._leaf_pair(x, y, (0.0, 0.28, 0.0, -0.1), 0.055)
        self._draw_fur(picture, self._light, x, y, minimum(cheeks, blaze), rough=0.008, round_=0.42)
        lids = self._leaf_pair(x, y, (0.062, 0.06, 0.252, 0.125), 0.062)
        self._eyes(picture, x, y, (0.155, 0.098), 0.075, lids, 0.024)
        self._nose(picture, x, y + 0.085, rgb("#c9706a"), 0.042, 0.045)
        self._smile(picture, x, y + 0.082, 0.1, 0.042)
        self._whiskers(picture, x, y + 0.03)

    def _dog(self, picture: Array, x: Array, y: Array) -> None:
        head = minimum(oval(x, y - 0.16, 0.34, 0.33), oval(x, y + 0.05, 0.27, 0.27))
        self._draw_fur(picture, self._main, x, y, head, rough=0.012, round_=0.38)
        blaze = minimum(leaf(x, y, 0.0, 0.47, 0.0, -0.1, 0.075), oval(x, y + 0.1, 0.19, 0.17))
        self._draw_fur(picture, self._light, x, y, blaze, rough=0.01, round_=0.4)
        brow = self._leaf_pair(x, y, (0.1, 0.27, 0.2, 0.25), 0.022)
        self._draw_flat(picture, mix(self._main, self._light, 0.5), brow, 0.8)
        ears = self._leaf_pair(x, y, (0.2, 0.44, 0.42, -0.24), 0.15)
        self._draw_fur(picture, self._dark, x, y, ears, rough=0.015, round_=0.5)
        lids = oval(fabs(x) - 0.145, y - 0.13, 0.062, 0.058)
        self._eyes(picture, x, y, (0.145, 0.13), 0.056, lids, 0.026)
        self._nose(picture, x, y + 0.1, rgb("#241c1c"), 0.088, 0.1)
        self._smile(picture, x, y + 0.095, 0.15, 0.055)
        tongue = maximum(oval(x, y + 0.23, 0.05, 0.085), y + 0.175)
        self._draw_flat(picture, rgb("#d9707a"), tongue)
        self._draw_flat(
            picture, rgb("#a84a58"), maximum(fabs(x) - 0.004, maximum(tongue + 0.012, y + 0.19)), 0.6
        )

    def _owl(self, picture: Array, x: Array, y: Array) -> None:
        head = minimum(oval(x, y - 0.12, 0.44, 0.38), oval(x, y + 0.06, 0.42, 0.28))
        tufts = self._leaf_pair(x, y, (0.14, 0.36, 0.4, 0.66), 0.07)
        self._draw_fur(picture, self._dark, x, y, tufts, rough=0.012)
        self._draw_fur(picture, self._main, x, y, head, rough=0.014, round_=0.46)
        crown = self._fur.at(x * 0.55, y * 0.55)
        blend(
            picture,
            self._dark * self._studio.dim,
            smoothstep(0.25, 0.6, crown) * smoothstep(0.2, 0.42, y) * coverage(head, self._px) * 0.7,
        )
        ex = fabs(x) - 0.185
        away = sqrt(ex * ex + (y - 0.1) ** 2)
        angle = np.arctan2(y - 0.1, ex)
        rays = 0.008 * np.sin(angle * 34.0)
        self._draw_fur(picture, turn(self._dark, value=1.1), x, y, away - 0.222 - rays, round_=0.5)
        self._draw_fur(picture, self._light, x, y, away - 0.206 - rays, rough=0.01, round_=0.5)
        rings = fabs(np.sin(away * 62.0)) * smoothstep(0.1, 0.2, away) * smoothstep(0.21, 0.19, away)
        blend(
            picture,
            mix(self._main, self._light, 0.2) * self._studio.dim,
            clip(rings * (0.4 + 0.3 * np.sin(angle * 34.0))),
        )
        brow = self._leaf_pair(x, y, (0.03, 0.16, 0.34, 0.4), 0.05)
        self._draw_fur(picture, mix(self._light, rgb("#ffffff"), 0.25), x, y, brow, rough=0.012, round_=0.5)
        self._eyes(picture, x, y, (0.185, 0.1), 0.104, away - 0.108, 0.056)
        beak = leaf(x, y, 0.0, 0.1, 0.0, -0.17, 0.056)
        self._draw_fur(picture, rgb("#e0a83c"), x, y, beak, round_=0.06)
        self._draw_flat(picture, rgb("#8a5a1c"), maximum(beak, fabs(y + 0.03 - 2.0 * x * x) - 0.004), 0.5)

    def _fox(self, picture: Array, x: Array, y: Array) -> None:
        for points, wide, tone in (
            ((0.1, 0.26, 0.36, 0.7), 0.13, self._main),
            ((0.16, 0.3, 0.34, 0.63), 0.085, self._dark),
            ((0.17, 0.28, 0.29, 0.5), 0.06, self._light),
        ):
            self._draw_fur(picture, tone, x, y, self._leaf_pair(x, y, points, wide), rough=0.006)
        skull = oval(x, y - 0.16, 0.33, 0.24)
        ruff = self._leaf_pair(x, y, (0.0, 0.0, 0.5, 0.02), 0.15)
        chin = leaf(x, y, 0.0, 0.42, 0.0, -0.32, 0.2)
        head = minimum(minimum(skull, ruff), chin)
        self._draw_fur(picture, self._main, x, y, head, rough=0.014, round_=0.42)
        white = maximum(
            minimum(self._leaf_pair(x, y, (0.045, -0.2, 0.49, 0.03), 0.1), oval(x, y + 0.2, 0.075, 0.13)),
            head + 0.004,
        )
        self._draw_fur(picture, self._light, x, y, white, rough=0.012, round_=0.45)
        snout = leaf(x, y, 0.0, 0.24, 0.0, -0.27, 0.085)
        self._draw_fur(picture, turn(self._main, value=1.08), x, y, snout, rough=0.004, round_=0.14)
        lids = self._leaf_pair(x, y, (0.08, 0.06, 0.225, 0.135), 0.042)
        self._eyes(picture, x, y, (0.152, 0.1), 0.052, lids, 0.02)
        line = self._leaf_pair(x, y, (0.07, 0.05, 0.05, -0.14), 0.012)
        self._draw_flat(picture, self._dark, line, 0.6)
        self._nose(picture, x, y + 0.275, rgb(_INK), 0.052, 0.062)

    def _rabbit(self, picture: Array, x: Array, y: Array) -> None:
        y = y + 0.12
        for points, wide, tone in (
            ((0.07, 0.22, 0.19, 0.95), 0.095, self._main),
            ((0.1, 0.32, 0.185, 0.88), 0.05, mix(self._light, rgb("#e0968f"), 0.6)),
        ):
            self._draw_fur(picture, tone, x, y, self._leaf_pair(x, y, points, wide), rough=0.008, round_=0.35)
        head = minimum(oval(x, y - 0.1, 0.29, 0.3), oval(x, y + 0.05, 0.31, 0.22))
        self._draw_fur(picture, self._main, x, y, head, rough=0.014, round_=0.34)
        cheeks = minimum(oval(fabs(x) - 0.075, y + 0.09, 0.11, 0.09), oval(x, y + 0.15, 0.1, 0.09))
        blaze = leaf(x, y, 0.0, 0.34, 0.0, -0.1, 0.06)
        self._draw_fur(picture, self._light, x, y, minimum(cheeks, blaze), rough=0.01, round_=0.34)
        ring = oval(fabs(x) - 0.165, y - 0.1, 0.085, 0.088)
        self._draw_fur(picture, mix(self._main, self._light, 0.6), x, y, ring, rough=0.006, round_=0.34)
        self._eyes(picture, x, y, (0.165, 0.1), 0.06, oval(fabs(x) - 0.165, y - 0.1, 0.058, 0.064), 0.042)
        self._nose(picture, x, y + 0.055, rgb("#c9827c"), 0.036, 0.036)
        teeth = maximum(fabs(fabs(x) - 0.018) - 0.016, fabs(y + 0.155) - 0.03)
        self._draw_flat(picture, rgb("#fbf8f0"), teeth)
        self._smile(picture, x, y + 0.052, 0.1, 0.045)
        self._whiskers(picture, x, y + 0.03)
