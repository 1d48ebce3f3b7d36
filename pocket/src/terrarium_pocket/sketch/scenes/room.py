"""A corner of a room: a wall with the window's light on it, a seat, a lamp, a plant."""

import math

import numpy as np

from ..arrays import Array
from ..canvas import Band, Frame, blend, coverage, smoothstep
from ..colour import mix, rgb, turn
from ..noise import SeededRandom, fractal_noise
from ..palette import Palette
from ..prompt import ParsedPrompt
from .furniture import DrawForm, FloorLamp, Shelves, rug


class Room:
    """The scene, ready for a frame."""

    def __init__(self, prompt: ParsedPrompt, palette: Palette, rng: SeededRandom, frame: Frame) -> None:
        """Choose furniture, colours and light."""
        self._palette = palette
        place = rng.fork("place")
        self._floor = -0.46 * frame.half_height + place.between(-0.05, 0.05)
        self._side = place.sign()
        self._dim = 0.42 if palette.light.dark else 0.75 if palette.name == "moody" else 1.0
        wall = rgb(place.pick(("#d9c6ae", "#c9b8a4", "#b9c0b0", "#cf9f86", "#a8b4b8", "#d8c8bc")))
        self._wall = (
            palette.wall if prompt.tint("wall") else mix(wall, palette.wall, 0.6 if palette.named else 0.25)
        )
        self._boards = mix(rgb(place.pick(("#a9774a", "#8f6238", "#b98a5c"))), palette.table, 0.2)
        self._cloth = (
            palette.subject
            if prompt.colours
            else rgb(place.pick(("#a4502f", "#4f6a5c", "#c08a3a", "#3f5a78", "#8a4a52")))
        )
        self._lamp_on = palette.light.dark or palette.name in {"moody", "candle", "bluehour"}
        self._seat_x = place.between(-0.12, 0.2) * frame.half_width * self._side
        self._sofa = "sofa" in prompt.extras or (frame.half_width > 1.2 and place.chance(0.6))
        self._plant_x = self._seat_x + self._side * (0.98 if self._sofa else 0.7)
        self._lamp_x = self._seat_x - self._side * place.between(0.18, 0.4)
        self._picture_x = self._seat_x + self._side * place.between(-0.05, 0.25)
        self._shift = place.between(-0.2, 0.2)
        self._slant = place.between(0.3, 0.55) * self._side
        cushion, carpet, shade = prompt.tint("cushion"), prompt.tint("rug"), prompt.tint("lamp")
        self._pillow = rgb(cushion) if cushion else mix(palette.second, rgb("#efe2cc"), 0.5)
        self._rug = (
            rgb(carpet)
            if carpet
            else mix(palette.second, rgb("#c9a27a"), 0.4)
            if "rug" in prompt.extras
            else None
        )
        self._floor_lamp: FloorLamp | None = None
        if "floorlamp" in prompt.extras:
            tone = rgb(shade) if shade else rgb("#ecd9b4")
            away = 0.98 if self._sofa else 0.62
            at = self._seat_x - self._side * away
            at = max(0.3 - frame.half_width, min(frame.half_width - 0.3, at))
            self._floor_lamp = FloorLamp(at, self._floor - 0.06, tone, on=self._lamp_on)
        self._shelves: Shelves | None = None
        if "shelf" in prompt.extras:
            self._shelves = Shelves(self._seat_x + self._side * 0.12, self._floor + 0.79, place.fork("books"))
        self._plaster = fractal_noise(rng.fork("plaster"), cells=4, octaves=6)
        self._grain = fractal_noise(rng.fork("grain"), cells=2, octaves=5, aspect=16)
        self._leafy = fractal_noise(rng.fork("leafy"), cells=5, octaves=4)
        self._leaves = [
            (
                place.between(0.5, 2.64),
                place.between(0.28, 0.62),
                place.between(0.05, 0.085),
                place.between(-0.5, 0.5),
                place.between(0.0, 1.0),
            )
            for _ in range(17)
        ]
        self._art = [
            (place.between(-0.12, 0.12), place.between(-0.14, 0.14), place.between(0.05, 0.13))
            for _ in range(3)
        ]

    def background(self, band: Band) -> Array:
        """Wall, floor, and the picture or shelves on the wall."""
        picture = self._shell(band)
        self._on_the_wall(picture, band)
        self._light(picture, band)
        return picture

    def _on_the_wall(self, picture: Array, band: Band) -> None:
        if self._shelves is None:
            self._frame(picture, band)
        else:
            self._shelves.paint(
                picture, band, self._palette.shade, self._sunbeam, self._draw_form_on(picture, band)
            )

    def _light(self, picture: Array, band: Band) -> None:
        if self._floor_lamp is not None:
            self._floor_lamp.light(picture, band)
        elif self._lamp_on:
            self._lamplight(picture, band)

    def _draw_form_on(self, picture: Array, band: Band) -> DrawForm:
        return lambda colour, shape, lit, window: self._draw_form(picture, band, colour, shape, lit, window)

    def shade(self, band: Band) -> Array:
        """Wall and floor in the window's light, then the furniture with its shadows."""
        picture = self._shell(band)
        self._on_the_wall(picture, band)
        stamp = self._draw_form_on(picture, band)
        if self._rug is not None:
            rug(picture, band, self._seat_x, self._floor - 0.26, 0.85, self._rug, stamp)
        if self._floor_lamp is None:
            self._pendant(picture, band)
        self._plant(picture, band)
        if self._floor_lamp is not None:
            self._floor_lamp.paint(picture, band, stamp)
        self._seat(picture, band)
        self._light(picture, band)
        return picture

    def _sunbeam(self, x: Array, y: Array) -> Array:
        """Slanted panes of sunlight with shadows of leaves."""
        u = x + y * self._slant - (self._seat_x + self._shift)
        v = y - 0.34
        light = np.ones(np.broadcast_shapes(u.shape, v.shape), dtype=np.float32)
        for axis, pitch, half in ((u, 0.36, 0.72), (v, 0.46, 0.69)):
            away = np.abs(axis / pitch - np.floor(axis / pitch) - 0.5)
            light *= smoothstep(0.485, 0.45, away) * smoothstep(half + 0.012, half - 0.012, np.abs(axis))
        leaf = self._leafy.at(u * 0.42, v * 0.42)
        return light * (1.0 - 0.62 * smoothstep(0.1, 0.4, leaf))

    def _shell(self, band: Band) -> Array:
        x, y = band.x, band.y
        pal = self._palette
        picture = band.empty()
        plaster = 1.0 + 0.035 * self._plaster.at(x * 0.3, y * 0.3)
        fall = 0.64 - 0.16 * x * (self._side / band.frame.half_width) + 0.08 * y
        beam = self._sunbeam(x, y)
        strength = {True: 0.22, False: 0.85}[pal.light.dark]
        ambient = mix(mix(pal.middle, pal.shade, 0.35), rgb("#fff4e8"), 0.4) * self._dim
        for c in range(3):
            picture[c] = self._wall[c] * plaster * (ambient[c] * fall * 1.1 + pal.sun[c] * beam * strength)
        ground = np.clip((self._floor - y) * (1.0 / band.px) + 0.5, 0.0, 1.0)
        if ground.any():
            depth = np.maximum(self._floor - y, 0.0) + 0.12
            z = 0.2 / depth
            u = x * z * 2.2
            board = np.floor(z * 7.0)
            grain = self._grain.at(u * 0.25 + board * 0.37, z * 1.3)
            seam = np.abs(z * 7.0 - board - 0.5)
            tone = 0.92 + 0.2 * grain + 0.07 * np.sin(board * 12.9)
            tone = tone * (1.0 - 0.4 * smoothstep(0.47, 0.5, seam))
            shine = self._sunbeam(x + depth * (0.6 * self._side), -depth * 1.4 + 0.5)
            for c in range(3):
                floor = self._boards[c] * tone * (ambient[c] * 0.62 + pal.sun[c] * shine * strength * 0.8)
                picture[c] += (floor - picture[c]) * ground
        skirt = np.abs(y - (self._floor + 0.035)) - 0.035
        for c in range(3):
            board_tone = mix(self._wall, rgb("#ffffff"), 0.4)[c] * (
                ambient[c] * 0.6 + pal.sun[c] * beam * strength * 0.8
            )
            picture[c] += (board_tone - picture[c]) * coverage(skirt, band.px)
        return picture

    def _draw_form(
        self, picture: Array, band: Band, colour: Array, shape: Array, lit: Array, window: tuple[slice, slice]
    ) -> None:
        pal = self._palette
        part = picture[(slice(None), *window)]
        amount = coverage(shape, band.px)
        ambient = mix(mix(pal.middle, pal.shade, 0.35), rgb("#fff4e8"), 0.35) * self._dim
        sun = 0.2 if pal.light.dark else 0.72
        for c in range(3):
            tone = colour[c] * (ambient[c] * (0.45 + 0.25 * lit) + pal.sun[c] * lit * sun)
            part[c] += (tone - part[c]) * amount

    def _seat(self, picture: Array, band: Band) -> None:
        half = 0.72 if self._sofa else 0.4
        foot = self._floor - 0.16
        window = band.window(self._seat_x - half - 0.5, self._seat_x + half + 0.5, foot - 0.2, foot + 0.95)
        if window is None:
            return
        x, y = band.x[:, window[1]] - self._seat_x, band.y[window[0]] - foot
        part = picture[(slice(None), *window)]
        under = np.exp(-(((y + 0.01) * 15.0) ** 2)) * smoothstep(
            half + 0.3, half - 0.15, np.abs(x + (0.08 * self._side))
        )
        blend(part, rgb("#140d0a"), under * 0.62)
        wall_shadow = _box(x + (0.1 * self._side), y - 0.46, half, 0.38, 0.12)
        blend(part, self._palette.shade * 0.25, smoothstep(0.14, -0.1, wall_shadow) * 0.42 * (y > 0.16))
        side = self._side
        lean = smoothstep(-half, half, x * -side) * 0.55
        legs = rgb("#5a3a22")
        for leg in (-1.0, 1.0):
            self._draw_form(
                picture,
                band,
                legs,
                _box(x - (leg * (half - 0.1)) - y * (-0.12 * leg), y - 0.06, 0.016, 0.075, 0.01),
                lean,
                window,
            )
        fold = self._plaster.at(x * 0.5, y * 0.8) * 0.1
        back = _box(x, y - 0.5, half - 0.04, 0.33, 0.13)
        self._draw_form(
            picture, band, self._cloth, back, smoothstep(0.2, 0.85, y) * 0.5 + lean * 0.6 + fold, window
        )
        count = 2 if self._sofa else 1
        for n in range(count):
            middle = (n - (count - 1) / 2) * (2 * half - 0.2) / count
            cushion = _box(x - middle, y - 0.28, (half - 0.1) / count - 0.004, 0.085, 0.05)
            lit = smoothstep(0.2, 0.36, y) * 0.55 + lean * 0.5 + fold
            self._draw_form(picture, band, turn(self._cloth, value=1.06), cushion, lit, window)
        self._draw_form(
            picture,
            band,
            turn(self._cloth, value=0.86),
            _box(x, y - 0.165, half - 0.03, 0.06, 0.03),
            lean * 0.4,
            window,
        )
        for arm in (-1.0, 1.0):
            shape = _box(x - (arm * (half - 0.055)), y - 0.3, 0.075, 0.19, 0.07)
            lit = smoothstep(0.3, 0.5, y) * 0.5 + (0.35 if arm * self._side < 0 else 0.05)
            self._draw_form(picture, band, turn(self._cloth, value=0.95), shape, lit, window)
        cx, cy = x - (half * 0.42) * side, y - 0.46
        rotated = _box(cx * 0.94 + cy * 0.34, cy * 0.94 - cx * 0.34, 0.115, 0.115, 0.06)
        self._draw_form(picture, band, self._pillow, rotated, smoothstep(-0.15, 0.15, cy) * 0.6 + 0.2, window)

    def _frame(self, picture: Array, band: Band) -> None:
        middle = self._floor + 1.02
        window = band.window(self._picture_x - 0.4, self._picture_x + 0.4, middle - 0.45, middle + 0.45)
        if window is None:
            return
        x, y = band.x[:, window[1]] - self._picture_x, band.y[window[0]] - middle
        part = picture[(slice(None), *window)]
        drop = _box(x + (0.03 * self._side), y + 0.035, 0.25, 0.32, 0.01)
        blend(part, self._palette.shade * 0.25, smoothstep(0.05, -0.03, drop) * 0.4)
        lit = self._sunbeam(band.x[:, window[1]], band.y[window[0]]) * 0.7 + 0.15
        self._draw_form(picture, band, rgb("#4a3222"), _box(x, y, 0.25, 0.32, 0.006), lit, window)
        self._draw_form(picture, band, rgb("#f2eadc"), _box(x, y, 0.232, 0.302, 0.002), lit, window)
        for n, (ax, ay, size) in enumerate(self._art):
            colour = (self._cloth, self._palette.second, self._palette.accent)[n]
            spot = np.sqrt((x - ax) ** 2 + (y - ay) ** 2) - size
            if n == 1:
                spot = np.maximum(np.sqrt(x * x + (y + 0.12) ** 2) - 0.15, -0.12 - y)
            self._draw_form(picture, band, colour, spot, lit, window)

    def _pendant(self, picture: Array, band: Band) -> None:
        low = max(self._floor + 1.12, 0.42)
        window = band.window(self._lamp_x - 0.25, self._lamp_x + 0.25, low - 0.05, band.frame.half_height)
        if window is None:
            return
        x, y = band.x[:, window[1]] - self._lamp_x, band.y[window[0]] - low
        cord = np.maximum(np.abs(x) - 0.003, 0.15 - y)
        lit = smoothstep(-0.2, 0.2, x * -self._side) * 0.7
        self._draw_form(picture, band, rgb("#2a221e"), cord, lit, window)
        dome = np.maximum(np.sqrt(x * x + (y * 1.25) ** 2) - 0.21, -y)
        self._draw_form(picture, band, mix(self._palette.accent, rgb("#d8b070"), 0.4), dome, lit, window)
        part = picture[(slice(None), *window)]
        bulb = np.maximum(np.sqrt(x * x + y * y) - 0.06, y)
        blend(part, rgb("#fff0cc") * (3.0 if self._lamp_on else 0.8), coverage(bulb, band.px))

    def _lamplight(self, picture: Array, band: Band) -> None:
        low = max(self._floor + 1.12, 0.42)
        dx, dy = band.x - self._lamp_x, band.y - low
        far = np.sqrt(dx * dx + dy * dy)
        cone = smoothstep(0.25, -0.35, dy + np.abs(dx) * 0.55) * np.exp(far * -1.1)
        pool = cone * 1.9 + np.exp(far * -7.0) * 0.25
        warm = rgb("#ffb868")
        for c in range(3):
            picture[c] *= 1.0 + warm[c] * pool * 2.2
            picture[c] += warm[c] * np.exp(far * -6.0) * 0.12

    def _plant(self, picture: Array, band: Band) -> None:
        foot = self._floor - 0.1
        window = band.window(self._plant_x - 0.75, self._plant_x + 0.75, foot - 0.12, foot + 1.35)
        if window is None:
            return
        x, y = band.x[:, window[1]] - self._plant_x, band.y[window[0]] - foot
        part = picture[(slice(None), *window)]
        under = np.exp(-(((y + 0.01) * 17.0) ** 2) - ((x + (0.06 * self._side)) * 4.2) ** 2)
        blend(part, rgb("#140d0a"), under * 0.55)
        green = rgb("#3f6a45")
        for angle, length, wide, bend, key in self._leaves:
            cos, sin = math.cos(angle), math.sin(angle)
            a = x * cos + (y - 0.32) * sin
            b = (y - 0.32) * cos - x * sin + bend * a * a
            t = np.clip(a * (1.0 / length), 0.0, 1.0)
            half = wide * np.sin(math.pi * t**1.6) + 0.004
            shape = np.maximum(np.abs(b) - half, np.maximum(-a, a - length))
            lit = (0.15 + 0.45 * key) + 0.35 * (b * self._side < 0) * t
            self._draw_form(
                picture, band, turn(green, hue=0.03 * (key - 0.5), value=0.75 + 0.6 * key), shape, lit, window
            )
        pot = np.maximum(np.abs(x) - 0.15 - y * 0.12, np.abs(y - 0.16) - 0.16)
        self._draw_form(
            picture,
            band,
            mix(rgb("#c98a62"), self._palette.second, 0.25),
            pot,
            smoothstep(0.2, -0.2, x * self._side) * 0.7,
            window,
        )


def _box(x: Array, y: Array, half_x: float, half_y: float, corner: float) -> Array:
    """Signed distance to a rectangle with round corners."""
    qx, qy = np.abs(x) - (half_x - corner), np.abs(y) - (half_y - corner)
    outside = np.sqrt(np.maximum(qx, 0.0) ** 2 + np.maximum(qy, 0.0) ** 2)
    return outside + np.minimum(np.maximum(qx, qy), 0.0) - corner
