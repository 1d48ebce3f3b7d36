"""A portrait as a flat illustration: one head, lit from the side, before a disc of colour."""

import numpy as np

from ..brief import Brief
from ..canvas import Band, Frame, cover, lay, smooth
from ..colour import grey, mix, rgb, turn
from ..noise import Dice, Plane, tile
from ..palette import Palette
from ..plain import clip, fall, larger, root, size, smaller
from .beast import BEASTS, Beast
from .face import Face, head_shape
from .sitter import cast
from .studio import Studio, oval, rounded

_BEHIND = frozenset(["curls", "bun", "long", "waves", "bob", "braids"])
_GROW = {"crop": 0.035, "quiff": 0.05, "curls": 0.08, "bald": 0.0}


def portrait(brief: Brief, palette: Palette, dice: Dice, frame: Frame) -> "Portrait | Beast":
    """The sitter the brief names: a person, or an animal."""
    return (Beast if brief.prop in BEASTS else Portrait)(brief, palette, dice, frame)


class Portrait:
    """The scene, ready for a frame. In face units the head is 0.6 wide and 0.85 tall around (0, 0.12)."""

    def __init__(self, brief: Brief, palette: Palette, dice: Dice, frame: Frame) -> None:
        """Seat the sitter."""
        shape = dice.fork("shape")
        self._tilt = shape.between(-0.07, 0.07)
        self._fringe = shape.between(-0.04, 0.05)
        self._part = shape.between(-0.16, 0.16)
        self._x = shape.between(-0.08, 0.08) * frame.ax + (shape.sign() * 0.3 * (frame.ax - 1.0))
        self._y = 0.1 - 0.12 * (frame.ay - 1.0)
        self._scale = 0.92
        self._studio = Studio(brief, palette, dice.fork("studio"), self._x, self._y)
        self._sitter = cast(brief, palette, dice.fork("cast"))
        self._face = Face(self._sitter, self._studio, jaw=shape.between(0.9, 1.0))
        self._strand = tile(dice.fork("strand"), cells=4, octaves=5, aspect=8)
        self._wash = self._studio.wash

    def behind(self, band: Band) -> Plane:
        """The painted backdrop alone."""
        return self._studio.ground(band)

    def shade(self, band: Band) -> Plane:
        """From the back to the front."""
        picture = self._studio.ground(band)
        x = (band.x - self._x) * (1.0 / self._scale)
        y = (band.y - self._y) * (1.0 / self._scale)
        px = band.px / self._scale
        # The head leans a little over the neck.
        hx = x + (y + 0.25) * self._tilt
        self._hair_behind(picture, hx, y, px)
        self._body(picture, x, y, px)
        self._head(picture, hx, y, px)
        reach = 0.42 * self._scale
        window = band.window(self._x - reach, self._x + reach, self._y - 0.75, self._y + 0.4)
        if window is not None:
            wide = np.broadcast_to(hx, picture.shape[1:])
            self._face.paint(picture[(slice(None), *window)], wide[window], y[window[0]], px)
        if self._sitter.cut != "bald":
            self._hair_before(picture, hx, y, px)
        if self._sitter.hat:
            self._hat(picture, hx, y, px)
        return picture

    def _hair_behind(self, picture: Plane, x: Plane, y: Plane, px: float) -> None:
        cut = self._sitter.cut
        if cut not in _BEHIND:
            return
        wave = 0.018 * np.sin(y * 9.0 + x * 2.0)
        if cut == "curls":
            curl = self._wash.at(x * 0.9, y * 0.9) * 0.055
            wide = 0.36 if self._sitter.short else 0.47
            shape = oval(x, y - 0.26, wide, wide * (0.82 if self._sitter.short else 0.98)) - curl
        elif cut == "bun":
            shape = smaller(oval(x, y - 0.2, 0.345, 0.4), oval(x, y - 0.66, 0.16, 0.145))
        elif cut == "braids":
            shape = oval(x, y - 0.2, 0.355, 0.4)
            for side in (-1.0, 1.0):
                beads = 0.012 * np.sin(y * 44.0)
                plait = larger(size(x - side * (0.33 - 0.06 * y)) - 0.06 - beads, size(y + 0.3) - 0.44)
                shape = smaller(shape, plait)
        else:
            low = -0.24 if cut == "bob" else -0.72
            if cut == "waves":
                wave = 0.03 * np.sin(y * 13.0 + size(x) * 6.0) + 0.05 * smooth(0.2, -0.5, y)
            wave = wave * smooth(0.2, 0.0, y)
            taper = 0.0 if cut == "waves" else 0.05 * smooth(-0.1, low, y)
            half = (0.395 if cut == "bob" else 0.385) + wave - taper
            box = larger(size(x) - half, low + 0.1 * x * x - y)
            shape = smaller(oval(x, y - 0.2, 0.385, 0.41), larger(box, y - 0.2))
        strand = self._strand.at(y * 0.12, x * 0.3 + wave)
        lit = self._studio.across(x, y, 0.42) * 0.75 + 0.28 * strand
        self._studio.paint(picture, turn(self._sitter.hair, value=0.8), lit, cover(shape, px))

    def _body(self, picture: Plane, x: Plane, y: Plane, px: float) -> None:
        studio, sitter = self._studio, self._sitter
        slope = smooth(-0.3, -0.62, y)
        neck = size(x) - (0.125 + 0.2 * slope * slope)
        neck = larger(neck, larger(y, -1.1 - y))
        jaw = smooth(-0.46, -0.2, y + size(x) * 0.2 + x * (0.3 * studio.side))
        lit = studio.across(x, y, 0.2)
        studio.paint(picture, sitter.skin, lit * (1.0 - 0.85 * jaw), cover(neck, px))
        # Shoulders: a broad arch that leaves the picture at the bottom.
        arch = -0.5 - 0.6 * size(x) ** 2.4 - y
        hole = {
            "crew": oval(x, y + 0.47, 0.23, 0.13),
            "vee": larger(size(x) - (y + 0.8) * 0.55, -0.9 - y),
            "lapel": larger(size(x) - (y + 0.98) * 0.42, -1.1 - y),
        }.get(sitter.collar, np.ones_like(arch))
        cloth = larger(-arch, -hole)
        if sitter.collar == "roll":
            sides = size(x) - 0.13 - 0.05 * smooth(-0.4, -0.56, y)
            cloth = smaller(cloth, rounded(sides, size(y + 0.45) - 0.08) - 0.035)
        fold = self._wash.at(x * 0.3, y * 0.12 + x * 0.2)
        lit = clip(studio.across(x, y + 0.6, 0.7) + fold * 0.14)
        drop = smooth(0.16, 0.0, size(x) - 0.2) * smooth(-0.72, -0.5, y) * 0.35
        amount = cover(cloth, px)
        pale = mix(sitter.cloth, rgb("#f4ead8"), 0.8)
        if sitter.collar == "lapel":
            inner = larger(-arch, -larger(size(x) - (y + 0.8) * 0.4, -0.95 - y))
            studio.paint(picture, rgb("#efe7da"), lit - drop, cover(inner, px))
        studio.paint(picture, sitter.cloth, lit - drop, amount)
        if sitter.stripes:
            bow = size(np.sin((y + x * x * 0.3) * 26.0))
            studio.paint(picture, pale, lit, amount * clip((bow - 0.78) * (0.05 / px)))
        elif sitter.collar == "crew":
            trim = larger(size(oval(x, y + 0.47, 0.242, 0.142)) - 0.012, -arch)
            studio.paint(picture, pale, lit, cover(trim, px))
        elif sitter.collar == "lapel":
            self._lapels(picture, x, y, px, lit, arch)
        if sitter.scarf is not None:
            self._scarf(picture, sitter.scarf, x, y, px, lit)

    def _lapels(self, picture: Plane, x: Plane, y: Plane, px: float, lit: Plane, arch: Plane) -> None:
        colour = self._sitter.cloth
        edge = (y + 0.98) * 0.42
        notch = 0.1 + 0.06 * smooth(-0.74, -0.7, y)
        flap = larger(larger(size(x) - edge - notch, edge - size(x)), larger(-arch + 0.01, -1.1 - y))
        self._studio.paint(picture, turn(colour, value=0.86), lit, cover(flap, px))
        line = size(size(x) - edge - notch) - 0.004
        line = larger(line, larger(-arch + 0.01, -1.1 - y))
        self._studio.paint(picture, turn(colour, value=0.55), lit, cover(line, px) * 0.7)

    def _scarf(self, picture: Plane, colour: Plane, x: Plane, y: Plane, px: float, lit: Plane) -> None:
        bend = y + 0.44 + 0.25 * x * x
        loop = rounded(size(x) - 0.22, size(bend) - 0.045) - 0.05
        tail = larger(size(x - 0.1 * self._studio.side + 0.1 * (y + 0.6)) - 0.085, size(y + 0.75) - 0.32)
        rib = 0.1 * np.sin(bend * 90.0 + x * 12.0)
        self._studio.paint(picture, turn(colour, value=0.88), lit + rib, cover(tail, px))
        self._studio.paint(picture, colour, lit + rib, cover(loop, px))

    def _head(self, picture: Plane, x: Plane, y: Plane, px: float) -> None:
        studio, skin = self._studio, self._sitter.skin
        ear_tone = turn(skin, saturation=1.15, value=0.94)
        for side in (-1.0, 1.0):
            ear = oval(x - (side * 0.287), y - 0.08, 0.045, 0.085)
            studio.paint(picture, ear_tone, studio.across(x, y, 0.4), cover(ear, px))
            if self._sitter.rings:
                bead = oval(x - (side * 0.298), y + 0.045, 0.024, 0.034)
                studio.paint(picture, rgb("#d9a441"), np.ones_like(bead), cover(bead, px))
        shape = self._face.outline(x, y)
        # The terminator runs down the brow, the nose and the chin.
        line = 0.045 * fall((y - 0.02) * 9.0) - 0.02
        across = x * studio.side + line
        lit = smooth(-0.085, 0.045, across) * 0.62 + 0.38 * smooth(-0.34, 0.1, across)
        amount = cover(shape, px)
        studio.paint(picture, skin, lit, amount)
        warm = turn(mix(skin, rgb("#d8543c"), 0.5), saturation=1.1)
        for side in (-1.0, 1.0):
            cheek = fall((x - (side * 0.165)) * 13.0) * fall((y + 0.005) * 16.0)
            lay(picture, warm * studio.dim, cheek * amount * 0.3)
        rim = smooth(-0.05, -0.004, shape) * smooth(0.1, 0.3, -x * studio.side)
        lay(picture, studio.rim, rim * amount * 0.45)

    def _hair_before(self, picture: Plane, x: Plane, y: Plane, px: float) -> None:
        sitter, studio = self._sitter, self._studio
        cut, short = sitter.cut, sitter.short
        strand = self._strand.at(y * 0.16, x * 0.42)
        cap = head_shape(x, y, 1.0) - _GROW.get(cut, 0.055)
        if cut == "curls":
            cap = cap - self._wash.at(x * 1.1, y * 1.1) * 0.04
        from_part = size(x - self._part)
        line = (0.335 + self._fringe) - 1.75 * from_part * from_part
        if short:
            line = larger(0.3 + self._fringe - 0.9 * x * x, 0.4 - 1.1 * size(x))
        elif cut in {"bob", "long"} and self._fringe > 0.0:
            line = 0.22 + 0.5 * x * x
        line = line + 0.012 * strand
        shape = larger(cap, line - y)
        if short:
            shape = larger(shape, 0.08 - y)
        if cut == "quiff":
            shape = smaller(shape, oval(x + (0.06 * studio.side), y - 0.53, 0.2, 0.1))
        if cut in {"waves", "long"} and not short:
            shape = smaller(shape, self._locks(x, y))
        arc = (y - 0.44 + x * x * 1.1) * 9.0
        shine = fall(arc)
        lit = studio.across(x, y, 0.4) * 0.72 + strand * 0.2 + shine * 0.16
        amount = cover(shape, px)
        studio.paint(picture, sitter.hair, clip(lit, 0.0, 1.2), amount)
        sheen = mix(sitter.hair, studio.lamp, 0.45) * studio.dim
        gleam = clip(lit) * (0.16 + 0.1 * strand) * (0.6 + 0.4 * grey(sitter.hair))
        lay(picture, sheen, amount * shine * gleam)

    def _locks(self, x: Plane, y: Plane) -> Plane:
        """Two locks that fall from the temples over the shoulders."""
        waves = self._sitter.cut == "waves"
        sway = (0.028 if waves else 0.006) * np.sin(y * 12.0 + 0.8) + 0.04 * smooth(0.1, -0.6, y)
        middle = size(x) - 0.315 - sway
        tip = -0.72 if waves else -0.6
        narrow = 0.064 * smooth(0.42, 0.2, y) * root(clip((y - tip) * 7.0, 0.05))
        return larger(size(middle) - narrow, larger(tip - y, y - 0.42))

    def _hat(self, picture: Plane, x: Plane, y: Plane, px: float) -> None:
        studio, colour = self._studio, self._sitter.hat_colour
        lit = studio.across(x, y - 0.3, 0.45)
        felt = clip(lit + 0.06 * self._wash.at(x * 0.6, y * 0.6))
        if self._sitter.hat == "beanie":
            dome = larger(oval(x, y - 0.33, 0.345, 0.36), 0.36 - 0.12 * x * x - y)
            ribs = 0.12 * np.sin(x * 75.0 / root(1.05 - clip(x * x * 7.0, 0.0, 1.0)))
            studio.paint(picture, colour, clip(felt + ribs * 0.7), cover(dome, px))
            cuff = rounded(size(x) - 0.3, size(y - 0.35 + 0.14 * x * x) - 0.045) - 0.05
            studio.paint(picture, turn(colour, value=1.12), clip(felt + ribs), cover(cuff, px))
            return
        if self._sitter.hat == "beret":
            lean = x - 0.07 * studio.side
            cap = oval(lean, y - 0.5 - 0.22 * lean * studio.side, 0.42, 0.17)
            studio.paint(picture, colour, felt, cover(cap, px))
            band_ = rounded(size(x) - 0.26, size(y - 0.4 + 0.2 * x * x) - 0.012) - 0.02
            studio.paint(picture, turn(colour, value=0.75), felt, cover(band_, px))
            return
        pinch = 0.05 * fall((x - 0.02) * 9.0)
        sides = size(x) - 0.25 - 0.1 * (0.75 - y)
        crown = rounded(sides + 0.05, size(y - 0.53 + pinch * 0.5) - 0.15 + pinch * 0.5) - 0.05
        studio.paint(picture, colour, felt, cover(crown, px))
        ribbon = larger(crown, size(y - 0.43 + 0.1 * x * x) - 0.035)
        studio.paint(picture, turn(colour, value=0.45), felt, cover(ribbon, px))
        curve = y - 0.385 + 0.22 * x * x
        brim = larger(root(x * x * 1.9 + curve * curve * 90.0) - 0.75, size(x) - 0.56) * 0.25
        shadow = smooth(0.05, -0.02, brim + 0.02) * (curve < 0) * cover(head_shape(x, y, 1.0), px)
        lay(picture, self._sitter.skin * 0.25, shadow * 0.4)
        studio.paint(picture, turn(colour, value=1.06), clip(felt + curve * 3.0), cover(brim, px))
