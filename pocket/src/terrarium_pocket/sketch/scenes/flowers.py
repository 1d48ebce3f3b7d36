"""A bouquet in watercolour: every petal is a transparent wash."""

import math

import numpy as np

from ..arrays import Array
from ..canvas import Band, Frame, smoothstep
from ..colour import grey, mix, rgb, turn
from ..noise import SeededRandom, fractal_noise
from ..palette import Palette
from ..prompt import ParsedPrompt
from .vase import Vase

_GROUNDS = ("#6f8a80", "#7d8fa3", "#a9755a", "#8a8f6a")

_SETS: tuple[tuple[str, ...], ...] = (
    ("#d9778a", "#e8b04f", "#b98ac8", "#f0c6b8"),
    ("#c84f4a", "#e89a5c", "#f0cfa0", "#a83a5c"),
    ("#6f7fc0", "#a88ad0", "#d8b8e0", "#f0d890"),
    ("#e8a23c", "#d8743a", "#f2d27a", "#b85a3a"),
    ("#e08aa4", "#f4c9cf", "#c85a80", "#f6e2c0"),
)


class _Petal:
    """One wash: a leaf-shaped spot from (x, y) along an angle."""

    __slots__ = ("angle", "blunt", "colour", "key", "length", "strength", "wide", "x", "y")

    def __init__(
        self,
        x: float,
        y: float,
        angle: float,
        length: float,
        wide: float,
        blunt: float,
        colour: Array,
        strength: float,
        key: float,
    ) -> None:
        self.x, self.y, self.angle, self.length, self.wide = x, y, angle, length, wide
        self.blunt, self.colour, self.strength, self.key = blunt, colour, strength, key


class Flowers:
    """The scene, ready for a frame."""

    def __init__(self, prompt: ParsedPrompt, palette: Palette, rng: SeededRandom, frame: Frame) -> None:
        """Arrange the stems, then the heads from the back to the front."""
        dark = palette.light.dark or palette.name == "moody"
        self._paper = rgb("#f6f1e6") if not dark else mix(palette.top, rgb("#15161c"), 0.4)
        if prompt.backdrop:
            self._paper = rgb(prompt.backdrop[0].code)
        self._half_height = frame.half_height
        self._body = 1.0  # opacity of a wash relative to watercolour
        if palette.named and prompt.colours and grey(palette.named[0]) > 0.55 and not prompt.backdrop:
            # Pale flowers need a darker background.
            self._paper = mix(self._paper, rgb(rng.fork("ground").pick(_GROUNDS)), 0.8)
            self._body = 2.0
        self._dark = grey(self._paper) < 0.3 or self._body > 1.0
        self._wash = mix(palette.low, palette.wall, 0.4) if not dark else palette.middle
        self._noise = fractal_noise(rng.fork("noise"), cells=4, octaves=7, gain=0.6)
        self._fibre = fractal_noise(rng.fork("fibre"), cells=64, octaves=3, gain=0.7)
        colours = [rgb(part) for part in rng.fork("colours").pick(_SETS)]
        if palette.named:
            colours = [
                *palette.named,
                mix(palette.named[0], rgb("#fff2e4"), 0.5),
                turn(palette.named[0], hue=0.05, value=0.8),
            ]
        if "sunflower" in prompt.extras:
            colours = [rgb("#e8a81f"), rgb("#f0bf3a"), rgb("#d98a1a")]
        self._colours = colours
        self._greens = [rgb("#5f7f4a"), rgb("#7d9460"), rgb("#48684a"), rgb("#8a9a5c")]
        self._middle_x = rng.between(-0.1, 0.1)
        self._vase = (
            Vase(prompt, palette, rng.fork("vase"), self._middle_x, -0.93 * frame.half_height, self._noise)
            if "vessel" in prompt.extras
            else None
        )
        self._stems: list[tuple[float, float, float, float, float, Array]] = []
        self._back: list[_Petal] = []
        self._front: list[_Petal] = []
        self._splashes: list[tuple[float, float, float, Array]] = []
        self._arrange(prompt, rng.fork("arrange"), frame)

    def _arrange(self, prompt: ParsedPrompt, rng: SeededRandom, frame: Frame) -> None:
        knot_x, knot_y = (
            self._middle_x,
            -0.66 * frame.half_height if self._vase is None else self._vase.mouth - 0.03,
        )
        plain = "leaves" in prompt.extras and prompt.subject_word in {
            "plant",
            "leaf",
            "fern",
            "herb",
            "garden",
        }
        heads: list[tuple[float, float, float]] = []
        tries = 0
        wanted = 6 if plain else rng.integer(11, 17)
        while len(heads) < wanted and tries < 400:
            tries += 1
            angle = rng.between(-1.0, 1.0) * 0.95
            reach = rng.between(0.45, 1.42) * (0.62 + 0.38 * frame.half_height)
            if self._vase is not None:
                reach = rng.between(0.22, 1.16) * (0.62 + 0.38 * frame.half_height)
            x = knot_x + math.sin(angle) * reach * (0.8 + 0.25 * (frame.half_width - 1.0))
            y = knot_y + 0.16 + math.cos(angle) * reach
            size = rng.between(0.11, 0.27) * (1.25 if reach < 0.9 else 0.9)
            if y > frame.half_height - 0.14 or abs(x) > frame.half_width - 0.1:
                continue
            if all(math.hypot(x - hx, y - hy) > 0.66 * (size + hs) for hx, hy, hs in heads):
                heads.append((x, y, size))
        for x, y, size in sorted(heads, key=lambda head: head[2]):
            self._stem(rng, knot_x, knot_y, x, y, plain=plain)
            if not plain:
                self._head(rng, x, y, size, prompt)
        for _ in range(rng.integer(14, 20)):
            angle = rng.between(-1.25, 1.25)
            reach = rng.between(0.5, 1.25)
            x, y = knot_x + math.sin(angle) * reach * 0.8, knot_y + 0.12 + math.cos(angle) * reach
            self._stem(rng, knot_x, knot_y, x, y, plain=True, thin=True)
            if rng.chance(0.5):
                for n in range(5):
                    self._front.append(
                        _Petal(
                            x + rng.between(-0.03, 0.03),
                            y + 0.02 * n,
                            rng.between(0, 6.28),
                            0.03,
                            0.02,
                            0.9,
                            rng.pick(self._colours),
                            0.7,
                            rng.between(0, 1),
                        )
                    )
        for _ in range(26):
            self._splashes.append(
                (
                    rng.between(-1, 1) * frame.half_width,
                    rng.between(-1, 1) * frame.half_height,
                    0.003 + 0.016 * rng.between(0, 1) ** 3,
                    rng.pick(self._colours),
                )
            )

    def _stem(
        self,
        rng: SeededRandom,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        *,
        plain: bool,
        thin: bool = False,
    ) -> None:
        bend = rng.between(-0.12, 0.12)
        green = rng.pick(self._greens)
        # Stems cross at the knot and spread a little below it.
        colour = turn(green, value=0.85)
        if self._vase is None:
            foot = x0 - (x1 - x0) * rng.between(0.12, 0.26)
            self._stems.append((foot, -0.95 * self._half_height, x1, y1, bend, colour))
        else:
            # Through the mouth of the vase, then across to its other side.
            mouth = x0 + max(-1.0, min(1.0, (x1 - x0) * 1.4)) * self._vase.throat
            if self._vase.glass:
                self._stems.append((x0 - (mouth - x0) * 1.6, self._vase.foot + 0.07, mouth, y0, 0.0, colour))
            self._stems.append((mouth, y0, x1, y1, bend, colour))
        count = rng.integer(4, 8) if plain and not thin else rng.integer(1, 4)
        for n in range(count):
            t = rng.between(0.3, 0.96) if plain else rng.between(0.28, 0.7)
            x = x0 + (x1 - x0) * t + bend * math.sin(math.pi * t)
            y = y0 + (y1 - y0) * t
            along = math.atan2(y1 - y0, x1 - x0)
            side = 1.0 if n % 2 else -1.0
            length = rng.between(0.13, 0.3) * (0.7 if thin else 1.0)
            self._back.append(
                _Petal(
                    x,
                    y,
                    along + side * rng.between(0.35, 1.0),
                    length,
                    length * rng.between(0.18, 0.3),
                    0.42,
                    mix(green, rng.pick(self._greens), 0.4),
                    rng.between(0.62, 0.85),
                    rng.between(0, 1),
                )
            )

    def _head(self, rng: SeededRandom, x: float, y: float, size: float, prompt: ParsedPrompt) -> None:
        colour = mix(rng.pick(self._colours), rng.pick(self._colours), rng.between(0.0, 0.3))
        lean = rng.between(0, 6.28)
        kind = (
            "sun"
            if "sunflower" in prompt.extras
            else "tulip"
            if "tulip" in prompt.extras
            else rng.pick(("open", "open", "daisy", "rose"))
        )
        if prompt.subject_word in {"rose", "peony"}:
            kind = "rose"
        elif prompt.subject_word == "daisy":
            kind = "daisy"
        petals = {"open": 6, "daisy": 13, "rose": 7, "sun": 17, "tulip": 3}[kind]
        layers = {"open": 2, "daisy": 2, "rose": 4, "sun": 2, "tulip": 2}[kind]
        for layer in range(layers):
            reach = size * (1.0 - (0.22 if kind == "rose" else 0.12) * layer)
            wide = {"open": 0.46, "daisy": 0.17, "rose": 0.6, "sun": 0.17, "tulip": 0.42}[kind]
            fade = (0.1 if kind == "rose" else 0.04) * layer
            tone = turn(colour, hue=rng.between(-0.012, 0.012), value=1.0 - fade)
            if self._body > 1.0:
                # White is shaded with a warm tone, not with grey.
                tone = mix(colour, rgb("#e3bd94"), 1.8 * fade)
            for n in range(petals):
                if kind == "tulip":
                    angle = math.pi / 2 + (n - 1) * 0.36 + rng.between(-0.06, 0.06)
                    start_x, start_y = x, y - size * 0.6
                    length = reach * 1.55
                else:
                    angle = lean + 2 * math.pi * (n + 0.5 * layer) / petals + rng.between(-0.1, 0.1)
                    start = size * (0.05 if kind == "rose" else 0.1)
                    start_x, start_y = x + math.cos(angle) * start, y + math.sin(angle) * start
                    length = reach * rng.between(0.86, 1.04)
                self._front.append(
                    _Petal(
                        start_x,
                        start_y,
                        angle,
                        length,
                        length * wide,
                        0.72 if kind != "daisy" else 0.6,
                        mix(tone, turn(tone, value=0.85), rng.between(0, 0.7)),
                        rng.between(0.58, 0.8),
                        rng.between(0, 1),
                    )
                )
        if kind in {"open", "daisy", "sun"}:
            heart = rgb("#5a3316") if kind == "sun" or rng.chance(0.4) else rgb("#c8892a")
            core = size * (0.42 if kind == "sun" else 0.2)
            for n in range(9):
                angle = 2 * math.pi * n / 9
                self._front.append(
                    _Petal(
                        x - math.cos(angle) * core * 0.3,
                        y - math.sin(angle) * core * 0.3,
                        angle,
                        core * 1.2,
                        core * 0.5,
                        0.8,
                        heart,
                        0.6,
                        rng.between(0, 1),
                    )
                )

    def background(self, band: Band) -> Array:
        """Paper, a loose wash and splashes."""
        frame = band.frame
        noise = self._noise.at(band.x * 0.2, band.y * 0.2)
        fine = self._noise.at(band.x * 0.7 + 0.3, band.y * 0.7)
        spread = np.sqrt((band.x / frame.half_width) ** 2 + ((band.y - 0.1) / frame.half_height) ** 2)
        loose = smoothstep(1.05, 0.15, spread + noise * 0.42) * (0.34 + 0.12 * fine)
        picture = band.empty()
        fibre = 1.0 + 0.016 * self._fibre.at(band.x * 0.5, band.y * 0.5)
        for c in range(3):
            picture[c] = (self._paper[c] + (self._wash[c] - self._paper[c]) * loose * 0.7) * fibre
        for x, y, size, colour in self._splashes:
            self._dab(picture, band, x, y, size, colour)
        if self._vase is not None:
            self._vase.table(picture, band)
        return picture

    def shade(self, band: Band) -> Array:
        """Stems, leaves and petals one over the other on the paper."""
        picture = self.background(band)
        if self._vase is not None:
            self._vase.back(picture, band)
        for stem in self._stems:
            self._line(picture, band, *stem)
        for petal in self._back:
            self._petal(picture, band, petal)
        if self._vase is not None:
            self._vase.front(picture, band)
        for petal in self._front:
            self._petal(picture, band, petal)
        return picture

    def _stain(self, part: Array, colour: Array, amount: Array) -> None:
        """Apply pigment: it darkens light paper and covers dark paper."""
        for c in range(3):
            layer = part[c]
            target = layer * colour[c] if not self._dark else 0.9 * colour[c]
            cover_with = layer * 0.3 + colour[c] * 0.7
            target = target * 0.3 + cover_with * 0.7
            layer += (target - layer) * amount

    def _petal(self, picture: Array, band: Band, petal: _Petal) -> None:
        tip_x, tip_y = (
            petal.x + math.cos(petal.angle) * petal.length,
            petal.y + math.sin(petal.angle) * petal.length,
        )
        pad = petal.wide * 1.05 + 0.01
        window = band.window(
            min(petal.x, tip_x) - pad,
            max(petal.x, tip_x) + pad,
            min(petal.y, tip_y) - pad,
            max(petal.y, tip_y) + pad,
        )
        if window is None:
            return
        dx, dy = band.x[:, window[1]] - petal.x, band.y[window[0]] - petal.y
        cos, sin = (math.cos(petal.angle)), (math.sin(petal.angle))
        a = (dx * cos + dy * sin) * (1.0 / petal.length)
        b = (dy * cos - dx * sin) * (1.0 / petal.wide)
        pool = self._noise.at(dx * 0.8 + petal.key, dy * 0.8 + (petal.key * 3.0))
        t = np.clip(a, 0.0, 1.0)
        curve = np.sin(math.pi * t ** (0.72 / petal.blunt))
        half = np.maximum(curve, 0.0) ** 0.8
        inside = half - np.abs(b + pool * 0.1)
        edge = inside * petal.wide * (1.0 / max(band.px, 0.0022)) + 0.5
        shape = np.clip(edge, 0.0, 1.0) * (a > 0) * (a < 1)
        # Pigment is denser where a wash dries last: along its rim and at its root.
        rim = np.exp(np.maximum(inside, 0.0) * -9.0) * 0.3
        root = np.exp(t * -4.5) * 0.34
        vein = np.exp(-np.abs(b) * 26.0) * 0.14
        depth = petal.strength * (0.72 + 0.3 * pool + rim + root + vein)
        self._stain(
            picture[(slice(None), *window)], petal.colour, np.clip(depth * self._body, 0.0, 1.0) * shape
        )

    def _line(
        self,
        picture: Array,
        band: Band,
        x0: float,
        y0: float,
        x1: float,
        y1: float,
        bend: float,
        colour: Array,
    ) -> None:
        window = band.window(min(x0, x1) - abs(bend) - 0.02, max(x0, x1) + abs(bend) + 0.02, y0, y1)
        if window is None:
            return
        t = (band.y[window[0]] - y0) * (1.0 / (y1 - y0))
        middle = x0 + (x1 - x0) * t + bend * np.sin(math.pi * t)
        steep = math.hypot(1.0, (x1 - x0) / (y1 - y0))
        half = (0.0058 - 0.0028 * t) * steep
        away = half - np.abs(band.x[:, window[1]] - middle)
        amount = np.clip(away * (1.0 / (band.px * steep)) + 0.5, 0.0, 1.0) * (t > 0) * (t < 1)
        self._stain(picture[(slice(None), *window)], colour, amount * 0.8)

    def _dab(self, picture: Array, band: Band, x: float, y: float, size: float, colour: Array) -> None:
        window = band.window(x - size, x + size, y - size, y + size)
        if window is None:
            return
        dx, dy = band.x[:, window[1]] - x, band.y[window[0]] - y
        away = np.sqrt(dx * dx + dy * dy)
        amount = np.clip((size - away) * (1.0 / band.px), 0.0, 1.0)
        rim = smoothstep(size * 0.6, size, away) * 0.3
        self._stain(picture[(slice(None), *window)], colour, amount * (0.3 + rim))
