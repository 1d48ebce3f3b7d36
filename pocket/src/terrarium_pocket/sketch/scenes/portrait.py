"""A portrait as a flat illustration: one head, lit from the side, in front of a disc of colour."""

import numpy as np

from ..arrays import Array, clip, fabs, gaussian, maximum, minimum, sqrt
from ..canvas import Band, Frame, blend, coverage, smoothstep
from ..colour import grey, mix, rgb, turn
from ..noise import SeededRandom, fractal_noise
from ..palette import Palette
from ..prompt import ParsedPrompt
from .animal import ANIMALS, Animal
from .face import Face, head_shape
from .sitter import choose_sitter
from .studio import Studio, oval, rounded

_WITH_BACK_HAIR = frozenset(["curls", "bun", "long", "waves", "bob", "braids"])
_HAIR_THICKNESS = {"crop": 0.035, "quiff": 0.05, "curls": 0.08, "bald": 0.0}


def portrait(prompt: ParsedPrompt, palette: Palette, rng: SeededRandom, frame: Frame) -> "Portrait | Animal":
    """The portrait that the prompt names: a person's or an animal's."""
    return (Animal if prompt.variant in ANIMALS else Portrait)(prompt, palette, rng, frame)


class Portrait:
    """The scene, ready for a frame. In face units the head is 0.6 wide and 0.85 tall around (0, 0.12)."""

    def __init__(self, prompt: ParsedPrompt, palette: Palette, rng: SeededRandom, frame: Frame) -> None:
        """Choose the person, the backdrop and the proportions."""
        shape = rng.fork("shape")
        self._tilt = shape.between(-0.07, 0.07)
        self._fringe = shape.between(-0.04, 0.05)
        self._part = shape.between(-0.16, 0.16)
        self._x = shape.between(-0.08, 0.08) * frame.half_width + (
            shape.sign() * 0.3 * (frame.half_width - 1.0)
        )
        self._y = 0.1 - 0.12 * (frame.half_height - 1.0)
        self._scale = 0.92
        self._studio = Studio(prompt, palette, rng.fork("studio"), self._x, self._y)
        self._sitter = choose_sitter(prompt, palette, rng.fork("cast"))
        self._face = Face(self._sitter, self._studio, jaw=shape.between(0.9, 1.0))
        self._strand = fractal_noise(rng.fork("strand"), cells=4, octaves=5, aspect=8)
        self._wash = self._studio.wash

    def background(self, band: Band) -> Array:
        """The painted backdrop alone."""
        return self._studio.ground(band)

    def shade(self, band: Band) -> Array:
        """From the back to the front."""
        picture = self._studio.ground(band)
        x = (band.x - self._x) * (1.0 / self._scale)
        y = (band.y - self._y) * (1.0 / self._scale)
        px = band.px / self._scale
        # The head is tilted a little over the neck.
        hx = x + (y + 0.25) * self._tilt
        self._back_hair(picture, hx, y, px)
        self._body(picture, x, y, px)
        self._head(picture, hx, y, px)
        reach = 0.42 * self._scale
        window = band.window(self._x - reach, self._x + reach, self._y - 0.75, self._y + 0.4)
        if window is not None:
            wide = np.broadcast_to(hx, picture.shape[1:])
            self._face.paint(picture[(slice(None), *window)], wide[window], y[window[0]], px)
        if self._sitter.cut != "bald":
            self._front_hair(picture, hx, y, px)
        if self._sitter.hat:
            self._hat(picture, hx, y, px)
        return picture

    def _back_hair(self, picture: Array, x: Array, y: Array, px: float) -> None:
        cut = self._sitter.cut
        if cut not in _WITH_BACK_HAIR:
            return
        wave = 0.018 * np.sin(y * 9.0 + x * 2.0)
        if cut == "curls":
            curl = self._wash.at(x * 0.9, y * 0.9) * 0.055
            wide = 0.36 if self._sitter.short else 0.47
            shape = oval(x, y - 0.26, wide, wide * (0.82 if self._sitter.short else 0.98)) - curl
        elif cut == "bun":
            shape = minimum(oval(x, y - 0.2, 0.345, 0.4), oval(x, y - 0.66, 0.16, 0.145))
        elif cut == "braids":
            shape = oval(x, y - 0.2, 0.355, 0.4)
            for side in (-1.0, 1.0):
                beads = 0.012 * np.sin(y * 44.0)
                plait = maximum(fabs(x - side * (0.33 - 0.06 * y)) - 0.06 - beads, fabs(y + 0.3) - 0.44)
                shape = minimum(shape, plait)
        else:
            low = -0.24 if cut == "bob" else -0.72
            if cut == "waves":
                wave = 0.03 * np.sin(y * 13.0 + fabs(x) * 6.0) + 0.05 * smoothstep(0.2, -0.5, y)
            wave = wave * smoothstep(0.2, 0.0, y)
            taper = 0.0 if cut == "waves" else 0.05 * smoothstep(-0.1, low, y)
            half = (0.395 if cut == "bob" else 0.385) + wave - taper
            box = maximum(fabs(x) - half, low + 0.1 * x * x - y)
            shape = minimum(oval(x, y - 0.2, 0.385, 0.41), maximum(box, y - 0.2))
        strand = self._strand.at(y * 0.12, x * 0.3 + wave)
        lit = self._studio.across(x, y, 0.42) * 0.75 + 0.28 * strand
        self._studio.paint(picture, turn(self._sitter.hair, value=0.8), lit, coverage(shape, px))

    def _body(self, picture: Array, x: Array, y: Array, px: float) -> None:
        studio, sitter = self._studio, self._sitter
        slope = smoothstep(-0.3, -0.62, y)
        neck = fabs(x) - (0.125 + 0.2 * slope * slope)
        neck = maximum(neck, maximum(y, -1.1 - y))
        jaw = smoothstep(-0.46, -0.2, y + fabs(x) * 0.2 + x * (0.3 * studio.side))
        lit = studio.across(x, y, 0.2)
        studio.paint(picture, sitter.skin, lit * (1.0 - 0.85 * jaw), coverage(neck, px))
        # Shoulders: a broad arch that leaves the picture at the bottom.
        arch = -0.5 - 0.6 * fabs(x) ** 2.4 - y
        hole = {
            "crew": oval(x, y + 0.47, 0.23, 0.13),
            "vee": maximum(fabs(x) - (y + 0.8) * 0.55, -0.9 - y),
            "lapel": maximum(fabs(x) - (y + 0.98) * 0.42, -1.1 - y),
        }.get(sitter.collar, np.ones_like(arch))
        cloth = maximum(-arch, -hole)
        if sitter.collar == "roll":
            sides = fabs(x) - 0.13 - 0.05 * smoothstep(-0.4, -0.56, y)
            cloth = minimum(cloth, rounded(sides, fabs(y + 0.45) - 0.08) - 0.035)
        fold = self._wash.at(x * 0.3, y * 0.12 + x * 0.2)
        lit = clip(studio.across(x, y + 0.6, 0.7) + fold * 0.14)
        drop = smoothstep(0.16, 0.0, fabs(x) - 0.2) * smoothstep(-0.72, -0.5, y) * 0.35
        amount = coverage(cloth, px)
        pale = mix(sitter.cloth, rgb("#f4ead8"), 0.8)
        if sitter.collar == "lapel":
            inner = maximum(-arch, -maximum(fabs(x) - (y + 0.8) * 0.4, -0.95 - y))
            studio.paint(picture, rgb("#efe7da"), lit - drop, coverage(inner, px))
        studio.paint(picture, sitter.cloth, lit - drop, amount)
        if sitter.stripes:
            bow = fabs(np.sin((y + x * x * 0.3) * 26.0))
            studio.paint(picture, pale, lit, amount * clip((bow - 0.78) * (0.05 / px)))
        elif sitter.collar == "crew":
            trim = maximum(fabs(oval(x, y + 0.47, 0.242, 0.142)) - 0.012, -arch)
            studio.paint(picture, pale, lit, coverage(trim, px))
        elif sitter.collar == "lapel":
            self._lapels(picture, x, y, px, lit, arch)
        if sitter.scarf is not None:
            self._scarf(picture, sitter.scarf, x, y, px, lit)

    def _lapels(self, picture: Array, x: Array, y: Array, px: float, lit: Array, arch: Array) -> None:
        colour = self._sitter.cloth
        edge = (y + 0.98) * 0.42
        notch = 0.1 + 0.06 * smoothstep(-0.74, -0.7, y)
        flap = maximum(maximum(fabs(x) - edge - notch, edge - fabs(x)), maximum(-arch + 0.01, -1.1 - y))
        self._studio.paint(picture, turn(colour, value=0.86), lit, coverage(flap, px))
        line = fabs(fabs(x) - edge - notch) - 0.004
        line = maximum(line, maximum(-arch + 0.01, -1.1 - y))
        self._studio.paint(picture, turn(colour, value=0.55), lit, coverage(line, px) * 0.7)

    def _scarf(self, picture: Array, colour: Array, x: Array, y: Array, px: float, lit: Array) -> None:
        bend = y + 0.44 + 0.25 * x * x
        loop = rounded(fabs(x) - 0.22, fabs(bend) - 0.045) - 0.05
        tail = maximum(fabs(x - 0.1 * self._studio.side + 0.1 * (y + 0.6)) - 0.085, fabs(y + 0.75) - 0.32)
        rib = 0.1 * np.sin(bend * 90.0 + x * 12.0)
        self._studio.paint(picture, turn(colour, value=0.88), lit + rib, coverage(tail, px))
        self._studio.paint(picture, colour, lit + rib, coverage(loop, px))

    def _head(self, picture: Array, x: Array, y: Array, px: float) -> None:
        studio, skin = self._studio, self._sitter.skin
        ear_tone = turn(skin, saturation=1.15, value=0.94)
        for side in (-1.0, 1.0):
            ear = oval(x - (side * 0.287), y - 0.08, 0.045, 0.085)
            studio.paint(picture, ear_tone, studio.across(x, y, 0.4), coverage(ear, px))
            if self._sitter.rings:
                bead = oval(x - (side * 0.298), y + 0.045, 0.024, 0.034)
                studio.paint(picture, rgb("#d9a441"), np.ones_like(bead), coverage(bead, px))
        shape = self._face.outline(x, y)
        # The terminator runs down the brow, the nose and the chin.
        line = 0.045 * gaussian((y - 0.02) * 9.0) - 0.02
        across = x * studio.side + line
        lit = smoothstep(-0.085, 0.045, across) * 0.62 + 0.38 * smoothstep(-0.34, 0.1, across)
        amount = coverage(shape, px)
        studio.paint(picture, skin, lit, amount)
        warm = turn(mix(skin, rgb("#d8543c"), 0.5), saturation=1.1)
        for side in (-1.0, 1.0):
            cheek = gaussian((x - (side * 0.165)) * 13.0) * gaussian((y + 0.005) * 16.0)
            blend(picture, warm * studio.dim, cheek * amount * 0.3)
        rim = smoothstep(-0.05, -0.004, shape) * smoothstep(0.1, 0.3, -x * studio.side)
        blend(picture, studio.rim, rim * amount * 0.45)

    def _front_hair(self, picture: Array, x: Array, y: Array, px: float) -> None:
        sitter, studio = self._sitter, self._studio
        cut, short = sitter.cut, sitter.short
        strand = self._strand.at(y * 0.16, x * 0.42)
        cap = head_shape(x, y, 1.0) - _HAIR_THICKNESS.get(cut, 0.055)
        if cut == "curls":
            cap = cap - self._wash.at(x * 1.1, y * 1.1) * 0.04
        from_part = fabs(x - self._part)
        line = (0.335 + self._fringe) - 1.75 * from_part * from_part
        if short:
            line = maximum(0.3 + self._fringe - 0.9 * x * x, 0.4 - 1.1 * fabs(x))
        elif cut in {"bob", "long"} and self._fringe > 0.0:
            line = 0.22 + 0.5 * x * x
        line = line + 0.012 * strand
        shape = maximum(cap, line - y)
        if short:
            shape = maximum(shape, 0.08 - y)
        if cut == "quiff":
            shape = minimum(shape, oval(x + (0.06 * studio.side), y - 0.53, 0.2, 0.1))
        if cut in {"waves", "long"} and not short:
            shape = minimum(shape, self._locks(x, y))
        arc = (y - 0.44 + x * x * 1.1) * 9.0
        shine = gaussian(arc)
        lit = studio.across(x, y, 0.4) * 0.72 + strand * 0.2 + shine * 0.16
        amount = coverage(shape, px)
        studio.paint(picture, sitter.hair, clip(lit, 0.0, 1.2), amount)
        sheen = mix(sitter.hair, studio.lamp, 0.45) * studio.dim
        gleam = clip(lit) * (0.16 + 0.1 * strand) * (0.6 + 0.4 * grey(sitter.hair))
        blend(picture, sheen, amount * shine * gleam)

    def _locks(self, x: Array, y: Array) -> Array:
        """Two locks that fall from the temples over the shoulders."""
        waves = self._sitter.cut == "waves"
        sway = (0.028 if waves else 0.006) * np.sin(y * 12.0 + 0.8) + 0.04 * smoothstep(0.1, -0.6, y)
        middle = fabs(x) - 0.315 - sway
        tip = -0.72 if waves else -0.6
        narrow = 0.064 * smoothstep(0.42, 0.2, y) * sqrt(clip((y - tip) * 7.0, 0.05))
        return maximum(fabs(middle) - narrow, maximum(tip - y, y - 0.42))

    def _hat(self, picture: Array, x: Array, y: Array, px: float) -> None:
        studio, colour = self._studio, self._sitter.hat_colour
        lit = studio.across(x, y - 0.3, 0.45)
        felt = clip(lit + 0.06 * self._wash.at(x * 0.6, y * 0.6))
        if self._sitter.hat == "beanie":
            dome = maximum(oval(x, y - 0.33, 0.345, 0.36), 0.36 - 0.12 * x * x - y)
            ribs = 0.12 * np.sin(x * 75.0 / sqrt(1.05 - clip(x * x * 7.0, 0.0, 1.0)))
            studio.paint(picture, colour, clip(felt + ribs * 0.7), coverage(dome, px))
            cuff = rounded(fabs(x) - 0.3, fabs(y - 0.35 + 0.14 * x * x) - 0.045) - 0.05
            studio.paint(picture, turn(colour, value=1.12), clip(felt + ribs), coverage(cuff, px))
            return
        if self._sitter.hat == "beret":
            lean = x - 0.07 * studio.side
            cap = oval(lean, y - 0.5 - 0.22 * lean * studio.side, 0.42, 0.17)
            studio.paint(picture, colour, felt, coverage(cap, px))
            band_ = rounded(fabs(x) - 0.26, fabs(y - 0.4 + 0.2 * x * x) - 0.012) - 0.02
            studio.paint(picture, turn(colour, value=0.75), felt, coverage(band_, px))
            return
        pinch = 0.05 * gaussian((x - 0.02) * 9.0)
        sides = fabs(x) - 0.25 - 0.1 * (0.75 - y)
        crown = rounded(sides + 0.05, fabs(y - 0.53 + pinch * 0.5) - 0.15 + pinch * 0.5) - 0.05
        studio.paint(picture, colour, felt, coverage(crown, px))
        ribbon = maximum(crown, fabs(y - 0.43 + 0.1 * x * x) - 0.035)
        studio.paint(picture, turn(colour, value=0.45), felt, coverage(ribbon, px))
        curve = y - 0.385 + 0.22 * x * x
        brim = maximum(sqrt(x * x * 1.9 + curve * curve * 90.0) - 0.75, fabs(x) - 0.56) * 0.25
        shadow = smoothstep(0.05, -0.02, brim + 0.02) * (curve < 0) * coverage(head_shape(x, y, 1.0), px)
        blend(picture, self._sitter.skin * 0.25, shadow * 0.4)
        studio.paint(picture, turn(colour, value=1.06), clip(felt + curve * 3.0), coverage(brim, px))
