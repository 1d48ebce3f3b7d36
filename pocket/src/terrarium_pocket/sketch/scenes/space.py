"""A planet in front of a nebula: banded or cratered, sometimes with rings, lit from one side."""

import math

import numpy as np

from ..arrays import Array
from ..canvas import Band, Frame, smoothstep
from ..colour import mix, rgb, turn
from ..noise import SeededRandom, fractal_noise
from ..palette import Palette
from ..prompt import ParsedPrompt
from ..sky import draw_stars

_PLANETS: tuple[tuple[str, str, str, str], ...] = (
    ("#f3c98b", "#c9722c", "#6e2a12", "#ff9a4a"),
    ("#e8dcc4", "#a8825a", "#5b4030", "#ffcf94"),
    ("#bfe3ea", "#4f93b8", "#1d3a66", "#8fd0ff"),
    ("#e8c4d8", "#9a5ca8", "#3a1f5c", "#ff9ad8"),
    ("#d8e4b8", "#5f9a7a", "#1f4a4c", "#a8ffd0"),
    ("#e6a48a", "#b8482f", "#4c1612", "#ff8a6a"),
)


class Space:
    """The scene, ready for a frame."""

    def __init__(self, prompt: ParsedPrompt, palette: Palette, rng: SeededRandom, frame: Frame) -> None:
        """Place the planet and the stars."""
        place = rng.fork("place")
        self._lettered = bool(prompt.quotes)
        moon = prompt.subject_word in {"moon", "lunar"}
        self._radius = place.between(0.46, 0.64)
        self._x = place.between(-0.3, 0.34) * frame.half_width
        self._y = place.between(-0.2, 0.12) * frame.half_height - (0.12 if self._lettered else 0.0)
        angle = (
            math.radians(place.between(115, 175))
            if place.chance(0.5)
            else math.radians(place.between(20, 65))
        )
        front = place.between(0.3, 0.65)
        flat = math.sqrt(1.0 - front * front)
        self._sun = (math.cos(angle) * flat, math.sin(angle) * flat, front)
        self._tilt = place.between(-0.55, 0.55)
        self._ringed = "ring" in prompt.extras or (not moon and place.chance(0.45))
        self._rocky = moon or prompt.subject_word in {"mars", "earth"} or place.chance(0.25)
        colours = place.pick(_PLANETS)
        light, middle, dark, air = (rgb(part) for part in colours)
        if moon:
            light, middle, dark, air = rgb("#dad6ce"), rgb("#9a968e"), rgb("#4a4844"), rgb("#c8d0dc")
        elif prompt.subject_word == "mars":
            light, middle, dark, air = rgb("#e8a078"), rgb("#b8552f"), rgb("#5c2114"), rgb("#ffb08a")
        elif prompt.subject_word == "earth":
            light, middle, dark, air = rgb("#e8eef0"), rgb("#4f7a4a"), rgb("#123a6e"), rgb("#7ab8ff")
        if palette.named:
            first, second = palette.named[0], palette.named[-1]
            light, middle, dark = mix(second, rgb("#fff4e4"), 0.6), first, turn(first, value=0.3)
            air = mix(first, rgb("#ffffff"), 0.35)
        self._ramp = np.stack([dark, mix(dark, middle, 0.6), middle, mix(middle, light, 0.6), light])
        self._air = air
        self._white = mix(palette.sun, rgb("#fff6e6"), 0.7)
        self._bands = fractal_noise(rng.fork("bands"), cells=2, octaves=6, aspect=8)
        self._cloud = fractal_noise(rng.fork("cloud"), cells=3, octaves=7)
        self._ring = rng.fork("ring").many(48, 0.15, 1.0)
        self._noise_offset = place.between(0.0, 1.0)
        self._stars = rng.fork("stars").many(4 * 520).reshape(4, 520)
        self._stars[0] = self._stars[0] * 5.0 - 2.5
        self._stars[1] = self._stars[1] * 5.0 - 2.5
        self._gas = (
            turn(middle, hue=place.between(-0.1, 0.1), value=0.7),
            turn(air, hue=place.between(-0.1, 0.14), value=0.55),
        )
        self._companion = (
            self._x + place.sign() * place.between(0.75, 0.95),
            self._y + place.between(0.3, 0.6),
            place.between(0.04, 0.09),
        )

    def shade(self, band: Band) -> Array:
        """Gas and stars, then the far half of the ring, the planet and the near half."""
        picture = self.background(band)
        if self._ringed:
            self._rings(picture, band, front=False)
        self._ball(picture, band, self._x, self._y, self._radius, plain=False)
        if self._ringed:
            self._rings(picture, band, front=True)
        return picture

    def background(self, band: Band) -> Array:
        """Gas, stars and the far companion."""
        x, y = band.x, band.y
        picture = band.empty()
        u, v = x * 0.17 + self._noise_offset, y * 0.17
        warp = self._cloud.at(u, v)
        gas = self._cloud.at(u + warp * 0.1 + 0.4, v + warp * 0.06)
        thin = self._cloud.at(u * 2.0 - gas * 0.1, v * 2.0 + 0.3)
        dense = smoothstep(-0.25, 1.1, gas) * (0.75 + 0.4 * thin)
        other = smoothstep(0.0, 1.0, warp - gas * 0.4) * 0.7
        dx, dy = x - self._x, y - self._y
        far = np.sqrt(dx * dx + dy * dy)
        toward = (dx * self._sun[0] + dy * self._sun[1]) / np.maximum(far, 1e-4)
        first, second = self._gas
        for c in range(3):
            picture[c] = 0.006 + 0.003 * c
            picture[c] += first[c] * np.maximum(dense, 0.0) * 0.3 + second[c] * other * 0.14
        draw_stars(picture, x, y, band.px, self._stars, -5.0, -4.0)
        self._ball(picture, band, *self._companion, plain=True)
        halo = np.exp(np.maximum(far - self._radius, 0.0) * -9.0)
        halo *= np.clip(toward * 0.6 + 0.4, 0.0, 1.0) * 0.42
        for c in range(3):
            picture[c] += self._air[c] * halo
        return picture

    def _ball(self, picture: Array, band: Band, x: float, y: float, radius: float, *, plain: bool) -> None:
        window = band.window(x - radius * 1.02, x + radius * 1.02, y - radius * 1.02, y + radius * 1.02)
        if window is None:
            return
        nx = (band.x[:, window[1]] - x) * (1.0 / radius)
        ny = (band.y[window[0]] - y) * (1.0 / radius)
        square = nx * nx + ny * ny
        edge = np.clip((1.0 - np.sqrt(square)) * (radius / band.px) + 0.5, 0.0, 1.0)
        nz = np.sqrt(np.maximum(1.0 - square, 0.0))
        sx, sy, sz = self._sun
        facing = nx * sx + ny * sy + nz * sz
        cos, sin = math.cos(self._tilt), math.sin(self._tilt)
        px, py = nx * cos + ny * sin, ny * cos - nx * sin
        turn_by = np.arctan2(px, np.maximum(nz, 1e-3)) * 0.16 + self._noise_offset
        height = np.arcsin(np.clip(py, -1.0, 1.0)) * 0.3
        if plain:
            tone = 0.55 + 0.3 * self._cloud.at(turn_by, height)
        elif self._rocky:
            rough = self._cloud.at(turn_by * 1.3, height * 1.3)
            lifted = self._cloud.at(turn_by * 1.3 + (0.006 * sx), height * 1.3 + (0.006 * sy))
            facing = facing + (rough - lifted) * 0.8
            tone = 0.5 + 0.55 * rough
        else:
            warp = self._cloud.at(turn_by, height) * 0.035
            swirl = self._cloud.at(turn_by * 2.0 + warp, height * 3.0) * 0.02
            tone = 0.5 + 0.6 * self._bands.at(turn_by * 0.25, height * 0.9 + warp + swirl)
        lit = smoothstep(-0.12, 0.95, facing)
        limb = (1.0 - nz) ** 3.0
        if self._ringed and not plain:
            lit = lit * (1.0 - 0.6 * np.exp(-(((py - 0.12) * 9.0) ** 2)))
        air = limb * np.clip(facing + 0.25, 0.0, 1.0)
        place = np.clip(tone, 0.0, 1.0) * 3.999
        part = picture[(slice(None), *window)]
        for c in range(3):
            albedo = np.interp(place, np.arange(5), self._ramp[:, c]).astype(np.float32)
            colour = albedo * (lit * self._white[c] * 1.7 + 0.006) + self._air[c] * air * 0.85
            part[c] += (colour - part[c]) * edge

    def _rings(self, picture: Array, band: Band, *, front: bool) -> None:
        reach = self._radius * 2.15
        window = band.window(self._x - reach, self._x + reach, self._y - reach, self._y + reach)
        if window is None:
            return
        dx, dy = band.x[:, window[1]] - self._x, band.y[window[0]] - self._y
        cos, sin = math.cos(self._tilt), math.sin(self._tilt)
        px, py = dx * cos + dy * sin, dy * cos - dx * sin
        away = np.sqrt(px * px + (py * 3.6) ** 2) * (1.0 / self._radius)
        inside = smoothstep(1.32, 1.36, away) * smoothstep(2.12, 2.04, away)
        half = py < 0 if front else py >= 0
        amount = inside * half
        if not amount.any():
            return
        groove = np.interp((away - 1.3) * 55.0, np.arange(48), self._ring).astype(np.float32)
        groove *= 1.0 - 0.85 * smoothstep(0.03, 0.015, np.abs(away - 1.72))
        sx, sy, _ = self._sun
        behind = -(dx * sx + dy * sy) * (1.0 / self._radius)
        aside = np.abs(dx * sy - dy * sx) * (1.0 / self._radius)
        dark = smoothstep(1.02, 0.92, aside) * smoothstep(0.2, 0.5, behind) * (not front)
        light = 1.0 - 0.93 * dark
        part = picture[(slice(None), *window)]
        amount = amount * groove * 0.82
        for c in range(3):
            tone = (self._ramp[3, c] * groove + self._ramp[4, c] * 0.25) * light * 0.85
            part[c] += (tone - part[c]) * amount
