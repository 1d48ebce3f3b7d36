"""A portrait as a flat illustration: one head, lit from the side, before a disc of colour."""

import numpy as np

from ..brief import Brief
from ..canvas import Band, Frame, cover, lay, smooth
from ..colour import grey, mix, rgb, turn
from ..noise import Dice, Plane, tile
from ..palette import Palette

_SKINS = ("#f3cfb4", "#e8b894", "#d49a72", "#b87a52", "#8f5a3a", "#653c28")
_HAIR = ("#1f1714", "#3a2318", "#5e3319", "#7e4423", "#a8642e", "#c8a05a", "#2a2430")


class Portrait:
    """The scene, ready for a frame. In face units the head is 0.6 wide and 0.85 tall around (0, 0.12)."""

    def __init__(self, brief: Brief, palette: Palette, dice: Dice, frame: Frame) -> None:
        """Cast the sitter."""
        self._palette = palette
        cast = dice.fork("cast")
        skin = cast.whole(0, len(_SKINS) - 1)
        self._skin = rgb(_SKINS[skin])
        self._hair = rgb(cast.pick(_HAIR if skin < 4 else _HAIR[:3]))
        if "grandmother" in brief.subject_word or "grandfather" in brief.subject_word:
            self._hair = rgb("#cfcac4")
        self._short = "short" in brief.extras
        self._beard = "beard" in brief.extras and cast.chance(0.75)
        self._cut = (
            cast.pick(("crop", "quiff", "curls"))
            if self._short
            else cast.pick(("long", "bob", "bun", "curls", "long"))
        )
        self._side = cast.sign()
        self._eyes_open = cast.chance(0.4)
        self._glasses = cast.chance(0.16)
        self._rings = not self._short and cast.chance(0.7)
        self._tilt = cast.between(-0.07, 0.07)
        self._fringe = cast.between(-0.04, 0.05)
        self._part = cast.between(-0.16, 0.16)
        self._jaw = cast.between(0.9, 1.0) * (1.05 if self._short else 0.96)
        scene = dice.fork("scene")
        self._x = scene.between(-0.08, 0.08) * frame.ax + (scene.sign() * 0.3 * (frame.ax - 1.0))
        self._y = 0.1 - 0.12 * (frame.ay - 1.0)
        self._scale = 0.92
        self._disc = scene.between(-0.14, 0.14), scene.between(0.1, 0.26), scene.between(0.66, 0.8)
        self._motif = scene.pick(("disc", "disc", "arch", "leaves"))
        self._stripes = scene.chance(0.35)
        self._collar = scene.pick(("crew", "vee", "roll"))
        self._wash = tile(dice.fork("wash"), cells=4, octaves=6)
        self._strand = tile(dice.fork("strand"), cells=4, octaves=5, aspect=8)
        pal = palette
        self._cloth = (
            palette.subject
            if palette.named
            else rgb(scene.pick(("#1f5a5e", "#b8502f", "#2f3f6e", "#d9a441", "#5c6f4a", "#8a3a4c")))
        )
        dark = pal.light.dark or pal.name == "moody"
        back = mix(pal.low, pal.wall, 0.55) if not dark else mix(pal.top, pal.shade, 0.4)
        glow = scene.pick((rgb("#e08a5c"), rgb("#e0b04f"), rgb("#c9705c"), rgb("#8fae9c"), rgb("#d98f8a")))
        self._back = back
        self._glow = mix(palette.second if palette.named else glow, pal.sun, 0.15) * (0.5 if dark else 1.0)
        lamp = pal.sun if pal.name not in {"day", "studio", "foggy"} else rgb("#fff4e4")
        self._lamp = mix(rgb("#ffffff"), lamp, 0.5)
        # The second light of a night picture comes from a sign or a screen on the other side.
        self._rim = rgb("#35c8ff") if pal.name == "neon" else mix(pal.shade, pal.sun, 0.4)
        self._dim = 0.62 if dark else 1.0
        self._shade = mix(turn(pal.shade, saturation=0.8), rgb("#7a4a3c"), 0.45)

    def behind(self, band: Band) -> Plane:
        """The painted backdrop alone."""
        return self._ground(band)

    def shade(self, band: Band) -> Plane:
        """From the back to the front."""
        picture = self._ground(band)
        x = (band.x - self._x) * (1.0 / self._scale)
        y = (band.y - self._y) * (1.0 / self._scale)
        px = band.px / self._scale
        # The head leans a little over the neck.
        hx = x + (y - -0.25) * self._tilt
        self._hair_behind(picture, hx, y, px)
        self._body(picture, x, y, px)
        self._head(picture, hx, y, px)
        self._face(picture, band, hx, y, px)
        self._hair_before(picture, hx, y, px)
        return picture

    def _lit(self, x: Plane, y: Plane, width: float) -> Plane:
        """Light across a form of half width ``width``: bright on the lit side, turning into shade."""
        return smooth(-0.75, 0.55, x * (self._side / width) + y * 0.25)

    def _paint(self, picture: Plane, colour: Plane, lit: Plane, amount: Plane) -> None:
        for c in range(3):
            bright = colour[c] * self._lamp[c] * (1.06 * self._dim)
            dark = colour[c] * (self._shade[c] * 0.75 + 0.2) * self._dim
            tone = dark + (bright - dark) * lit
            picture[c] += (tone - picture[c]) * amount

    def _ground(self, band: Band) -> Plane:
        frame = band.frame
        wash = self._wash.at(band.x * 0.2, band.y * 0.2)
        fall = 1.0 - 0.1 * band.y / frame.ay + 0.04 * wash
        picture = self._back[:, None, None] * fall
        dx, dy, radius = self._disc
        x, y = band.x - (self._x + dx), band.y - (self._y + dy)
        if self._motif == "arch":
            shape = np.maximum(np.abs(x) - radius, np.where(y > 0, np.sqrt(x * x + y * y) - radius, -1.0))
        else:
            shape = np.sqrt(x * x + y * y) - radius
        fade = 0.88 + 0.18 * smooth(-radius, radius, y + x * (0.4 * self._side))
        tone = self._glow[:, None, None] * (fade + 0.05 * wash)
        amount = cover(shape, band.px)
        for c in range(3):
            picture[c] += (tone[c] - picture[c]) * amount
        if self._motif == "leaves":
            leaf = self._wash.at((band.x + band.y * 0.5) * 0.42, band.y * 0.3)
            lay(picture, self._back * 0.6, smooth(0.1, 0.34, leaf) * 0.35)
        return picture

    def _hair_behind(self, picture: Plane, x: Plane, y: Plane, px: float) -> None:
        if self._cut == "crop" or self._cut == "quiff":
            return
        wave = 0.018 * np.sin(y * 9.0 + x * 2.0)
        if self._cut == "curls":
            curl = self._wash.at(x * 0.9, y * 0.9) * 0.055
            wide = 0.36 if self._short else 0.47
            shape = _oval(x, y - 0.26, wide, wide * (0.82 if self._short else 0.98)) - curl
        elif self._cut == "bun":
            shape = np.minimum(_oval(x, y - 0.2, 0.345, 0.4), _oval(x, y - 0.66, 0.16, 0.145))
        else:
            low = -0.62 if self._cut == "long" else -0.24
            half = (0.385 if self._cut == "long" else 0.4) + wave - 0.05 * smooth(-0.1, low, y)
            box = np.maximum(np.abs(x) - half, low + 0.1 * x * x - y)
            shape = np.minimum(_oval(x, y - 0.2, 0.385, 0.41), np.maximum(box, y - 0.2))
        strand = self._strand.at(y * 0.12, x * 0.3 + wave)
        colour = turn(self._hair, value=0.8)
        lit = self._lit(x, y, 0.42) * 0.75 + 0.25 * strand
        self._paint(picture, colour, lit, cover(shape, px))

    def _body(self, picture: Plane, x: Plane, y: Plane, px: float) -> None:
        neck = np.abs(x) - (0.125 + 0.2 * smooth(-0.3, -0.62, y) ** 2.0)
        neck = np.maximum(neck, np.maximum(y - 0.0, -1.1 - y))
        jaw = smooth(-0.42, -0.22, y + np.abs(x) * 0.2 + x * (0.3 * self._side))
        self._paint(picture, self._skin, self._lit(x, y, 0.2) * (1.0 - jaw), cover(neck, px))
        # Shoulders: a broad arch that leaves the picture at the bottom.
        arch = -0.5 - 0.36 * np.abs(x) ** 2.4 / 0.6 - y
        collar = {"crew": _oval(x, y + 0.47, 0.23, 0.13),
                  "vee": np.maximum(np.abs(x) - (y + 0.8) * 0.55, -0.9 - y),
                  "roll": np.full_like(x * y, 1.0)}[self._collar]  # fmt: skip
        cloth = np.maximum(-arch, -collar)
        if self._collar == "roll":
            roll = _rounded(np.abs(x) - 0.13 - 0.05 * smooth(-0.4, -0.56, y), np.abs(y + 0.45) - 0.08) - 0.035
            cloth = np.minimum(cloth, roll)
        lit = self._lit(x, y + 0.6, 0.7)
        fold = self._wash.at(x * 0.3, y * 0.12 + x * 0.2)
        lit = np.clip(lit + fold * 0.14, 0.0, 1.0)
        drop = smooth(0.16, 0.0, np.abs(x) - 0.2) * smooth(-0.72, -0.5, y) * 0.35
        amount = cover(cloth, px)
        self._paint(picture, self._cloth, lit - drop, amount)
        if self._stripes:
            stripe = np.clip((np.abs(np.sin((y + x * x * 0.3) * 26.0)) - 0.78) * (0.05 / px), 0.0, 1.0)
            self._paint(picture, mix(self._cloth, rgb("#f4ead8"), 0.8), lit, amount * stripe)
        elif self._collar == "crew":
            trim = np.abs(_oval(x, y + 0.47, 0.242, 0.142)) - 0.012
            self._paint(
                picture, mix(self._cloth, rgb("#f4ead8"), 0.85), lit, cover(np.maximum(trim, -arch), px)
            )

    def _head_shape(self, x: Plane, y: Plane) -> Plane:
        """An egg with a jaw."""
        lower = np.maximum(0.08 - y, 0.0)
        half = 0.29 - (0.46 / self._jaw) * lower * lower - 0.05 * lower
        up = (y - 0.14) * (1.0 / 0.43)
        square = np.abs(up) ** 2.35
        return (np.sqrt((x / np.maximum(half, 0.05)) ** 2 + square) - 1.0) * 0.28

    def _head(self, picture: Plane, x: Plane, y: Plane, px: float) -> None:
        for side in (-1.0, 1.0):
            ear = _oval(x - (side * 0.287), y - 0.08, 0.045, 0.085)
            self._paint(
                picture, turn(self._skin, saturation=1.15, value=0.94), self._lit(x, y, 0.4), cover(ear, px)
            )
            if self._rings:
                bead = _oval(x - (side * 0.298), y + 0.045, 0.024, 0.034)
                self._paint(picture, rgb("#d9a441"), np.ones_like(bead), cover(bead, px))
        shape = self._head_shape(x, y)
        # The terminator runs down the brow, the nose and the chin.
        line = 0.045 * np.exp(-(((y - 0.02) * 9.0) ** 2)) - 0.02
        across = x * self._side + line
        lit = smooth(-0.085, 0.045, across) * 0.62 + 0.38 * smooth(-0.34, 0.1, across)
        amount = cover(shape, px)
        self._paint(picture, self._skin, lit, amount)
        warm = turn(mix(self._skin, rgb("#d8543c"), 0.5), saturation=1.1)
        for side in (-1.0, 1.0):
            cheek = np.exp(-(((x - (side * 0.165)) * 13.0) ** 2) - ((y + 0.005) * 16.0) ** 2)
            lay(picture, warm * self._dim, cheek * amount * 0.3)
        rim = smooth(-0.05, -0.004, shape) * smooth(0.1, 0.3, -x * self._side)
        lay(picture, self._rim, rim * amount * 0.45)

    def _face(self, picture: Plane, band: Band, x: Plane, y: Plane, px: float) -> None:
        reach = 0.36 * self._scale
        window = band.window(self._x - reach, self._x + reach, self._y - 0.34, self._y + 0.34)
        if window is None:
            return
        x = np.broadcast_to(x, (picture.shape[1], picture.shape[2]))[window]
        y = y[window[0]]
        part = picture[(slice(None), *window)]
        ink = mix(turn(self._skin, value=0.28), rgb("#2a1612"), 0.55) * self._dim
        brow = mix(self._hair, ink, 0.35) * self._dim
        for side in (-1.0, 1.0):
            ex = (x - (side * 0.122)) * side
            ey = y - 0.085
            arc = y - 0.175 + (ex - 0.01) ** 2 * 3.2 - ex * 0.06
            thick = 0.012 * (1.0 - smooth(0.02, 0.09, ex) * 0.6)
            lay(part, brow, cover(np.maximum(np.abs(arc) - thick, np.abs(ex) - 0.075), px))
            socket = np.exp(-((ex * 11.0) ** 2) - ((ey - 0.03) * 20.0) ** 2)
            lay(part, turn(self._skin, saturation=1.1, value=0.72) * self._dim, socket * 0.3)
            if self._eyes_open:
                lids = np.abs(ey) - 0.031 * np.maximum(1.0 - (ex * (1.0 / 0.068)) ** 2, -0.2)
                eye = cover(lids, px)
                lay(part, rgb("#f4eee6") * (0.86 * self._dim), eye)
                round_ = np.sqrt((ex - (0.004 * side)) ** 2 + ey * ey)
                lay(part, mix(self._hair, rgb("#5a3a20"), 0.5), eye * cover(round_ - 0.028, px))
                lay(part, rgb("#120c0a"), eye * cover(round_ - 0.013, px))
                glint = np.sqrt((ex * side - (0.01 * self._side)) ** 2 + (ey - 0.011) ** 2)
                lay(part, rgb("#ffffff"), eye * cover(glint - 0.006, px))
                lash = np.abs(ey - 0.031 * (1.0 - (ex * (1.0 / 0.072)) ** 2)) - 0.007
            else:
                lash = np.abs(ey - (ex * ex * 4.6 - 0.018)) - 0.0075
            lay(part, ink, cover(np.maximum(lash, np.abs(ex) - 0.075), px))
            if self._glasses:
                frame = np.abs(_oval(ex, ey, 0.102, 0.088)) - 0.008
                lay(part, rgb("#221a18"), cover(frame, px))
        # Nose: the shaded side and a small line under it.
        side = x * -self._side
        bridge = smooth(0.0, 0.012, side) * smooth(0.046, 0.02, side - (0.1 - y) * 0.12)
        bridge *= smooth(-0.055, -0.035, y) * smooth(0.15, 0.04, y)
        lay(part, turn(self._skin, saturation=1.1, value=0.66) * self._dim, bridge * 0.55)
        under = np.abs(y + 0.052 - x * x * 3.0) - 0.0055
        lay(
            part,
            turn(self._skin, saturation=1.1, value=0.5) * self._dim,
            cover(np.maximum(under, np.abs(x) - 0.038), px) * 0.8,
        )
        lip = mix(turn(self._skin, value=0.68), rgb("#a8323a"), 0.15 if self._short else 0.55) * self._dim
        bow = 0.02 * (1 - (x * (1.0 / 0.082)) ** 2) - 0.008 * np.exp(-((x * 60.0) ** 2))
        mouth = y + 0.142
        upper = np.maximum(mouth - bow, -mouth)
        lower = np.maximum(mouth, -mouth - 0.03 * np.maximum(1 - (x * (1.0 / 0.068)) ** 2, 0.0))
        inside = np.abs(x) - 0.082
        lay(part, turn(lip, value=0.8), cover(np.maximum(upper, inside), px))
        lay(part, lip, cover(np.maximum(lower, inside), px))
        if self._beard:
            head = self._head_shape(x, y)
            edge = -0.088 + 1.9 * x * x - y
            hole = _oval(x, mouth, 0.078, 0.027)
            shape = np.maximum(np.maximum(head - 0.02, -edge), -hole)
            lay(part, self._hair * (0.55 * self._dim), cover(shape, px) * 0.94)

    def _hair_before(self, picture: Plane, x: Plane, y: Plane, px: float) -> None:
        strand = self._strand.at(y * 0.16, x * 0.42)
        head = self._head_shape(x, y)
        grow = {"crop": 0.035, "quiff": 0.05, "curls": 0.08}.get(self._cut, 0.055)
        cap = head - grow
        if self._cut == "curls":
            cap -= self._wash.at(x * 1.1, y * 1.1) * 0.04
        from_part = np.abs(x - self._part)
        line = (0.335 + self._fringe) - (1.5 if self._short else 2.2) * from_part * from_part
        if self._short:
            line = np.maximum(0.3 + self._fringe - 0.9 * x * x, 0.42 - 1.25 * np.abs(x))
        line = line + 0.012 * strand
        if self._cut in {"bob", "long"} and self._fringe > 0.0:
            line = 0.22 + 0.5 * x * x + 0.012 * strand
        shape = np.maximum(cap, line - y)
        if self._short:
            shape = np.maximum(shape, 0.08 - y)
        if self._cut == "quiff":
            shape = np.minimum(shape, _oval(x + (0.05 * self._side), y - 0.56, 0.24, 0.09))
        amount = cover(shape, px)
        band_of_light = np.exp(-(((y - 0.44 + x * x * 1.1) * 9.0) ** 2))
        lit = self._lit(x, y, 0.4) * 0.75 + strand * 0.12 + band_of_light * 0.16
        self._paint(picture, self._hair, np.clip(lit, 0.0, 1.2), amount)
        sheen = mix(self._hair, self._lamp, 0.45) * self._dim
        lay(
            picture,
            sheen,
            amount
            * band_of_light
            * np.clip(lit, 0.0, 1.0)
            * (0.16 + 0.1 * strand)
            * (0.6 + 0.4 * grey(self._hair)),
        )


def _oval(x: Plane, y: Plane, a: float, b: float) -> Plane:
    """A near enough signed distance to an ellipse of half axes a and b."""
    return (np.sqrt((x * (1.0 / a)) ** 2 + (y * (1.0 / b)) ** 2) - 1.0) * (min(a, b))


def _rounded(x: Plane, y: Plane) -> Plane:
    """The corner of a box whose sides are at zero in x and y."""
    return np.sqrt(np.maximum(x, 0.0) ** 2 + np.maximum(y, 0.0) ** 2) + np.minimum(np.maximum(x, y), 0.0)
