"""An animal that sits for its portrait: a cat, a dog, an owl, a fox or a rabbit, from the front."""

from typing import NamedTuple

import numpy as np

from ..brief import Brief
from ..canvas import Band, Frame, cover, lay, smooth
from ..colour import grey, mix, rgb, turn
from ..noise import Dice, Plane, tile
from ..palette import Palette
from ..plain import clip, fall, larger, root, size, smaller
from .studio import Studio, leaf, oval

BEASTS = frozenset(["cat", "dog", "owl", "fox", "rabbit"])

_INK = "#1b1514"
_SCALE = 1.16


class _Coat(NamedTuple):
    """Colours of fur or feathers: the most of it, the dark and the light places, the eyes."""

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


class Beast:
    """The scene, ready for a frame. The head is about 0.8 wide around (0, 0.1)."""

    def __init__(self, brief: Brief, palette: Palette, dice: Dice, frame: Frame) -> None:
        """Choose the coat."""
        self._kind = brief.prop
        shape = dice.fork("shape")
        self._x = shape.between(-0.05, 0.05) * frame.ax + (shape.sign() * 0.3 * (frame.ax - 1.0))
        self._y = -0.06 - 0.12 * (frame.ay - 1.0)
        self._tilt = shape.between(-0.05, 0.05)
        self._studio = Studio(brief, palette, dice.fork("studio"), self._x, self._y)
        self._fur = tile(dice.fork("fur"), cells=24, octaves=3, gain=0.6)
        coat = dice.fork("coat").pick(_COATS[self._kind])
        self._main, self._dark, self._light = rgb(coat.main), rgb(coat.dark), rgb(coat.light)
        eyes = brief.tint("eyes")
        self._iris = rgb(eyes or coat.eyes)
        if brief.colours:
            self._main = palette.subject
            self._dark = turn(self._main, value=0.5)
            self._light = mix(self._main, rgb("#fff6ea"), 0.72 if grey(self._main) > 0.05 else 0.06)
            if len(brief.colours) > 1:
                self._light = palette.second
        # On a backdrop of its own brightness the animal would be lost.
        self._scarf = turn(palette.accent, saturation=1.1) if shape.chance(0.35) else None
        self._px = frame.px / _SCALE

    def behind(self, band: Band) -> Plane:
        """The painted backdrop alone."""
        return self._studio.ground(band)

    def shade(self, band: Band) -> Plane:
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

    def _lay(
        self,
        picture: Plane,
        colour: Plane,
        x: Plane,
        y: Plane,
        shape: Plane,
        *,
        rough: float = 0.0,
        round_: float = 0.5,
    ) -> None:
        """One form in fur: ``rough`` is how far hairs stand out, ``round_`` its half width in the light."""
        hairs = self._fur.at(x * 0.9 + y * 0.12, y * 0.32)
        lit = clip(self._studio.across(x, y - 0.05, round_) + hairs * 0.09)
        self._studio.paint(picture, colour, lit, cover(shape - hairs * rough, self._px))

    def _plain(self, picture: Plane, colour: Plane, shape: Plane, strength: float = 1.0) -> None:
        lay(picture, colour * self._studio.dim, cover(shape, self._px) * strength)

    def _both(self, x: Plane, y: Plane, points: tuple[float, float, float, float], wide: float) -> Plane:
        """A leaf and its mirror image."""
        x0, y0, x1, y1 = points
        return leaf(size(x), y, x0, y0, x1, y1, wide)

    def _body(self, picture: Plane, x: Plane, y: Plane) -> None:
        owl = self._kind == "owl"
        wide = 0.62 if owl else 0.44
        arch = oval(x, y + 1.1, wide + 0.06, 0.95)
        self._lay(picture, turn(self._main, value=0.86), x, y + 0.6, arch, rough=0.02, round_=0.6)
        chest = oval(x, y + 0.72, wide * 0.56, 0.46)
        inside = larger(chest, arch + 0.03)
        self._lay(picture, self._light, x, y + 0.6, inside, rough=0.03, round_=0.6)
        if owl:
            self._feathers(picture, x, y, arch)
        drop = fall(x * 2.6) * smooth(-0.62, -0.3, y)
        shadow = turn(self._dark, value=0.7) * self._studio.dim
        lay(picture, shadow, cover(arch, self._px) * drop * 0.5)
        if self._scarf is not None and not owl:
            bend = y + 0.42 + 0.35 * x * x - 0.1
            loop = root(larger(size(x) - 0.2, 0.0) ** 2 + bend * bend) - 0.065
            knot = leaf(x, y, 0.0, -0.33, 0.12 * self._studio.side, -0.62, 0.09)
            for form in (knot, loop):
                self._studio.paint(
                    picture, self._scarf, self._studio.across(x, y + 0.4, 0.4), cover(form, self._px)
                )

    def _feathers(self, picture: Plane, x: Plane, y: Plane, arch: Plane) -> None:
        """Rows of chevrons down the chest and two folded wings."""
        row = np.floor(y * 9.0)
        inside_y = y * 9.0 - row
        inside_x = x * 7.0 + 0.5 * (row % 2.0)
        inside_x = inside_x - np.floor(inside_x) - 0.5
        mark = size(inside_y - 0.35 - 0.9 * size(inside_x)) - 0.11
        marks = cover(mark, self._px * 9.0) * cover(arch + 0.06, self._px) * smooth(0.42, 0.2, size(x))
        lay(picture, self._dark * self._studio.dim, marks * 0.75)
        for side in (-1.0, 1.0):
            wing = leaf(x, y, side * 0.36, -0.3, side * 0.4, -1.35, 0.2)
            self._lay(
                picture, turn(self._dark, value=1.25), x, y + 0.6, larger(wing, arch - 0.02), rough=0.01
            )

    def _eyes(
        self,
        picture: Plane,
        x: Plane,
        y: Plane,
        at: tuple[float, float],
        radius: float,
        lids: Plane,
        slit: float,
    ) -> None:
        """Two eyes within ``lids``: iris, pupil of half width ``slit``, glint, dark rim."""
        ex, ey = size(x) - at[0], y - at[1]
        away = root(ex * ex + ey * ey)
        self._plain(picture, rgb(_INK), lids - 0.014)
        inside = cover(lids, self._px)
        tone = self._iris[:, None, None] * (1.05 - 0.5 * smooth(-radius, radius, ey))
        lay(picture, tone * self._studio.dim, inside * cover(away - radius, self._px))
        edge = cover(size(away - radius) - 0.006, self._px)
        lay(picture, self._iris * (0.3 * self._studio.dim), inside * edge)
        pupil = oval(ex, ey, slit, radius * 0.78)
        lay(picture, rgb("#0d0a0a"), inside * cover(pupil, self._px))
        gx = x - np.sign(x) * at[0] - 0.3 * radius * self._studio.side
        glint = root(gx * gx + (ey - 0.36 * radius) ** 2) - 0.2 * radius
        lay(picture, rgb("#ffffff"), inside * cover(glint, self._px))
        small = root((gx + 0.5 * radius * self._studio.side) ** 2 + (ey + 0.4 * radius) ** 2) - 0.09 * radius
        lay(picture, rgb("#ffffff"), inside * cover(small, self._px) * 0.6)

    def _nose(self, picture: Plane, x: Plane, y: Plane, colour: Plane, wide: float, deep: float) -> None:
        """A soft triangle with its tip at (0, 0) and a shine on it."""
        body = larger(size(x) * (deep / wide) - y - 0.0, oval(x, y - deep * 0.62, wide * 1.02, deep * 0.62))
        self._plain(picture, colour, body)
        shine = oval(x + 0.2 * wide * -self._studio.side, y - deep * 0.85, wide * 0.42, deep * 0.14)
        self._plain(picture, mix(colour, rgb("#ffffff"), 0.5), shine, 0.6)

    def _smile(self, picture: Plane, x: Plane, y: Plane, wide: float, drop: float) -> None:
        """A line down from the nose and two arcs."""
        line = larger(size(x) - 0.005, size(y + drop * 0.5) - drop * 0.5)
        ax = size(x) - wide * 0.5
        arc = larger(size(root(ax * ax + (y + drop) ** 2) - wide * 0.5) - 0.0055, y + drop)
        self._plain(picture, rgb(_INK), smaller(line, arc), 0.85)

    def _whiskers(self, picture: Plane, x: Plane, y: Plane) -> None:
        away = size(x)
        for slope, start in ((0.22, -0.02), (0.02, -0.05), (-0.18, -0.08)):
            bend = y - start - slope * (away - 0.12) + 0.5 * (away - 0.12) ** 2
            hair = larger(size(bend) - 0.0032 * smooth(0.56, 0.2, away), size(away - 0.34) - 0.2)
            self._plain(picture, mix(self._light, rgb("#ffffff"), 0.6), hair, 0.8)

    def _cat(self, picture: Plane, x: Plane, y: Plane) -> None:
        for points, wide, tone in (
            ((0.13, 0.24, 0.35, 0.62), 0.12, self._main),
            ((0.2, 0.3, 0.325, 0.54), 0.06, mix(self._light, rgb("#d98a84"), 0.55)),
        ):
            self._lay(picture, tone, x, y, self._both(x, y, points, wide), rough=0.006)
        head = smaller(oval(x, y - 0.12, 0.38, 0.315), oval(x, y + 0.01, 0.41, 0.235))
        self._lay(picture, self._main, x, y, head, rough=0.012, round_=0.42)
        inside = cover(head + 0.01, self._px)
        stripes = self._both(x, y, (0.05, 0.42, 0.03, 0.2), 0.02)
        for points, wide in (
            ((0.13, 0.4, 0.09, 0.22), 0.018),
            ((0.42, 0.1, 0.27, 0.04), 0.02),
            ((0.41, 0.0, 0.27, -0.02), 0.018),
        ):
            stripes = smaller(stripes, self._both(x, y, points, wide))
        lay(picture, self._dark * self._studio.dim, cover(stripes, self._px) * inside * 0.7)
        cheeks = smaller(oval(size(x) - 0.085, y + 0.1, 0.115, 0.092), oval(x, y + 0.17, 0.1, 0.07))
        blaze = self._both(x, y, (0.0, 0.28, 0.0, -0.1), 0.055)
        self._lay(picture, self._light, x, y, smaller(cheeks, blaze), rough=0.008, round_=0.42)
        lids = self._both(x, y, (0.062, 0.06, 0.252, 0.125), 0.062)
        self._eyes(picture, x, y, (0.155, 0.098), 0.075, lids, 0.024)
        self._nose(picture, x, y + 0.085, rgb("#c9706a"), 0.042, 0.045)
        self._smile(picture, x, y + 0.082, 0.1, 0.042)
        self._whiskers(picture, x, y + 0.03)

    def _dog(self, picture: Plane, x: Plane, y: Plane) -> None:
        head = smaller(oval(x, y - 0.16, 0.34, 0.33), oval(x, y + 0.05, 0.27, 0.27))
        self._lay(picture, self._main, x, y, head, rough=0.012, round_=0.38)
        blaze = smaller(leaf(x, y, 0.0, 0.47, 0.0, -0.1, 0.075), oval(x, y + 0.1, 0.19, 0.17))
        self._lay(picture, self._light, x, y, blaze, rough=0.01, round_=0.4)
        brow = self._both(x, y, (0.1, 0.27, 0.2, 0.25), 0.022)
        self._plain(picture, mix(self._main, self._light, 0.5), brow, 0.8)
        ears = self._both(x, y, (0.2, 0.44, 0.42, -0.24), 0.15)
        self._lay(picture, self._dark, x, y, ears, rough=0.015, round_=0.5)
        lids = oval(size(x) - 0.145, y - 0.13, 0.062, 0.058)
        self._eyes(picture, x, y, (0.145, 0.13), 0.056, lids, 0.026)
        self._nose(picture, x, y + 0.1, rgb("#241c1c"), 0.088, 0.1)
        self._smile(picture, x, y + 0.095, 0.15, 0.055)
        tongue = larger(oval(x, y + 0.23, 0.05, 0.085), y + 0.175)
        self._plain(picture, rgb("#d9707a"), tongue)
        self._plain(picture, rgb("#a84a58"), larger(size(x) - 0.004, larger(tongue + 0.012, y + 0.19)), 0.6)

    def _owl(self, picture: Plane, x: Plane, y: Plane) -> None:
        head = smaller(oval(x, y - 0.12, 0.44, 0.38), oval(x, y + 0.06, 0.42, 0.28))
        tufts = self._both(x, y, (0.14, 0.36, 0.4, 0.66), 0.07)
        self._lay(picture, self._dark, x, y, tufts, rough=0.012)
        self._lay(picture, self._main, x, y, head, rough=0.014, round_=0.46)
        crown = self._fur.at(x * 0.55, y * 0.55)
        lay(
            picture,
            self._dark * self._studio.dim,
            smooth(0.25, 0.6, crown) * smooth(0.2, 0.42, y) * cover(head, self._px) * 0.7,
        )
        ex = size(x) - 0.185
        away = root(ex * ex + (y - 0.1) ** 2)
        angle = np.arctan2(y - 0.1, ex)
        rays = 0.008 * np.sin(angle * 34.0)
        self._lay(picture, turn(self._dark, value=1.1), x, y, away - 0.222 - rays, round_=0.5)
        self._lay(picture, self._light, x, y, away - 0.206 - rays, rough=0.01, round_=0.5)
        rings = size(np.sin(away * 62.0)) * smooth(0.1, 0.2, away) * smooth(0.21, 0.19, away)
        lay(
            picture,
            mix(self._main, self._light, 0.2) * self._studio.dim,
            clip(rings * (0.4 + 0.3 * np.sin(angle * 34.0))),
        )
        brow = self._both(x, y, (0.03, 0.16, 0.34, 0.4), 0.05)
        self._lay(picture, mix(self._light, rgb("#ffffff"), 0.25), x, y, brow, rough=0.012, round_=0.5)
        self._eyes(picture, x, y, (0.185, 0.1), 0.104, away - 0.108, 0.056)
        beak = leaf(x, y, 0.0, 0.1, 0.0, -0.17, 0.056)
        self._lay(picture, rgb("#e0a83c"), x, y, beak, round_=0.06)
        self._plain(picture, rgb("#8a5a1c"), larger(beak, size(y + 0.03 - 2.0 * x * x) - 0.004), 0.5)

    def _fox(self, picture: Plane, x: Plane, y: Plane) -> None:
        for points, wide, tone in (
            ((0.1, 0.26, 0.36, 0.7), 0.13, self._main),
            ((0.16, 0.3, 0.34, 0.63), 0.085, self._dark),
            ((0.17, 0.28, 0.29, 0.5), 0.06, self._light),
        ):
            self._lay(picture, tone, x, y, self._both(x, y, points, wide), rough=0.006)
        skull = oval(x, y - 0.16, 0.33, 0.24)
        ruff = self._both(x, y, (0.0, 0.0, 0.5, 0.02), 0.15)
        chin = leaf(x, y, 0.0, 0.42, 0.0, -0.32, 0.2)
        head = smaller(smaller(skull, ruff), chin)
        self._lay(picture, self._main, x, y, head, rough=0.014, round_=0.42)
        white = larger(
            smaller(self._both(x, y, (0.045, -0.2, 0.49, 0.03), 0.1), oval(x, y + 0.2, 0.075, 0.13)),
            head + 0.004,
        )
        self._lay(picture, self._light, x, y, white, rough=0.012, round_=0.45)
        snout = leaf(x, y, 0.0, 0.24, 0.0, -0.27, 0.085)
        self._lay(picture, turn(self._main, value=1.08), x, y, snout, rough=0.004, round_=0.14)
        lids = self._both(x, y, (0.08, 0.06, 0.225, 0.135), 0.042)
        self._eyes(picture, x, y, (0.152, 0.1), 0.052, lids, 0.02)
        line = self._both(x, y, (0.07, 0.05, 0.05, -0.14), 0.012)
        self._plain(picture, self._dark, line, 0.6)
        self._nose(picture, x, y + 0.275, rgb(_INK), 0.052, 0.062)

    def _rabbit(self, picture: Plane, x: Plane, y: Plane) -> None:
        y = y + 0.12
        for points, wide, tone in (
            ((0.07, 0.22, 0.19, 0.95), 0.095, self._main),
            ((0.1, 0.32, 0.185, 0.88), 0.05, mix(self._light, rgb("#e0968f"), 0.6)),
        ):
            self._lay(picture, tone, x, y, self._both(x, y, points, wide), rough=0.008, round_=0.35)
        head = smaller(oval(x, y - 0.1, 0.29, 0.3), oval(x, y + 0.05, 0.31, 0.22))
        self._lay(picture, self._main, x, y, head, rough=0.014, round_=0.34)
        cheeks = smaller(oval(size(x) - 0.075, y + 0.09, 0.11, 0.09), oval(x, y + 0.15, 0.1, 0.09))
        blaze = leaf(x, y, 0.0, 0.34, 0.0, -0.1, 0.06)
        self._lay(picture, self._light, x, y, smaller(cheeks, blaze), rough=0.01, round_=0.34)
        ring = oval(size(x) - 0.165, y - 0.1, 0.085, 0.088)
        self._lay(picture, mix(self._main, self._light, 0.6), x, y, ring, rough=0.006, round_=0.34)
        self._eyes(picture, x, y, (0.165, 0.1), 0.06, oval(size(x) - 0.165, y - 0.1, 0.058, 0.064), 0.042)
        self._nose(picture, x, y + 0.055, rgb("#c9827c"), 0.036, 0.036)
        teeth = larger(size(size(x) - 0.018) - 0.016, size(y + 0.155) - 0.03)
        self._plain(picture, rgb("#fbf8f0"), teeth)
        self._smile(picture, x, y + 0.052, 0.1, 0.045)
        self._whiskers(picture, x, y + 0.03)
