"""Light and surfaces of the still life: the window, the table top, the materials of the ware."""

import math

import numpy as np

from ..arrays import Array
from ..canvas import smoothstep
from ..colour import grey, mix, rgb, turn
from ..noise import SeededRandom, fractal_noise
from ..palette import Palette
from ..prompt import ParsedPrompt
from ..raymarching import Vec, cross, dot, unit
from .ware import Ware

_CLAY = "#b98b62"


class Window:
    """A window with panes, far away toward the sun, sometimes with leaves in front of it."""

    def __init__(
        self, palette: Palette, sun: tuple[float, float, float], height: float, rng: SeededRandom
    ) -> None:
        """Place the window so that its light falls on the ware of a ``height``."""
        self._sun = sun
        # In mist, a studio or candle light there is one broad light without panes.
        self._broad = palette.name in {"foggy", "studio", "candle"}
        self.penumbra = 0.07 if self._broad else 0.018
        self._u = unit(cross((0.0, 1.0, 0.0), sun))
        self._v = cross(sun, self._u)
        self._middle = height * 0.45 * self._v[1]
        self._wide = rng.between(0.62, 0.84)
        self._high = rng.between(0.62, 0.9)
        self._bar = rng.between(0.035, 0.06)
        self._slide = rng.between(-0.25, 0.25)
        self._lift = rng.between(-0.3, 0.2)
        self._leaves = fractal_noise(rng.fork("leaves"), cells=5, octaves=4) if rng.chance(0.55) else None
        self._tilt = rng.between(0.5, 0.9) * math.copysign(1.0, sun[0])

    def passes(self, p: Vec, soft: float) -> Array:
        """Sunlight through the window at each point, 0..1; ``soft`` is the width of the penumbra."""
        u = dot(p, self._u) - self._slide
        v = dot(p, self._v) - (self._middle + self._lift)
        if self._broad:
            return 0.62 * smoothstep(3.4, 0.6, np.sqrt(u * u + v * v))
        light = self._panes(u, v, soft)
        if self._leaves is not None:
            leaf = self._leaves.at(u * 0.42, v * 0.42)
            light *= 1.0 - 0.72 * smoothstep(0.16 - soft, 0.5 + soft, leaf)
        return light

    def thrown(self, u: Array, v: Array) -> Array:
        """The window's light on a wall, blurred, around the middle of its own coordinates."""
        if self._broad:
            return 0.7 * np.exp((u * u + v * v) * -0.12)
        light = self._bars(u, self._wide * 1.1, 0.13) * smoothstep(1.3, 0.95, np.abs(u))
        light *= self._bars(v, self._high, 0.13) * smoothstep(1.25, 0.9, np.abs(v))
        if self._leaves is not None:
            light *= 1.0 - 0.6 * smoothstep(0.0, 0.6, self._leaves.at(u * 0.36 + 0.3, v * 0.36))
        return light

    def _panes(self, u: Array, v: Array, soft: float) -> Array:
        light = self._bars(u, self._wide, soft) * smoothstep(2.6 * self._wide, 2.3 * self._wide, np.abs(u))
        light *= self._bars(v, self._high, soft)
        light *= smoothstep(2.1 * self._high, 1.9 * self._high, np.abs(v))
        return light

    def _bars(self, u: Array, pitch: float, soft: float) -> Array:
        away = np.abs(u * (1.0 / pitch) - np.floor(u * (1.0 / pitch)) - 0.5)
        gap = (0.5 - away) * pitch
        return smoothstep(self._bar - soft, self._bar + soft, gap)

    def reflection(self, direction: Vec) -> tuple[Array, Array]:
        """The window's reflection in a glaze, 0..1, and the brightness of the room around it."""
        ahead = dot(direction, self._sun)
        scale = 1.0 / np.maximum(ahead, 0.08)
        u, v = dot(direction, self._u) * scale, dot(direction, self._v) * scale
        box = smoothstep(0.62, 0.52, np.abs(u)) * smoothstep(0.72, 0.62, np.abs(v))
        box *= smoothstep(0.02, 0.05, np.abs(u)) * smoothstep(0.02, 0.045, np.abs(v - 0.1))
        box *= ahead > 0.1
        around = 0.5 + 0.3 * direction[1] + 0.25 * ahead
        return box, np.maximum(around, 0.05)

    def shaft(self, x: Array, y: Array) -> Array:
        """A faint beam across the picture from the window's side."""
        along = y - x * self._tilt * -0.8
        beam = smoothstep(-0.7, 0.2, along) * smoothstep(1.9, 0.5, along)
        fade = smoothstep(-1.4, 1.2, x * (math.copysign(1.0, self._sun[0])))
        return beam * fade


class Table:
    """The table top: planks, stone, marble or linen."""

    def __init__(self, prompt: ParsedPrompt, palette: Palette, rng: SeededRandom) -> None:
        """Choose the material: the prompt's, else mostly wood."""
        named = [kind for kind in ("marble", "stone", "linen", "wood") if kind in prompt.extras]
        self.kind = named[0] if named else rng.pick(("wood", "wood", "wood", "stone", "linen"))
        base = palette.table
        if self.kind == "wood" and not prompt.backdrop:
            dark = palette.light.dark or palette.name == "moody"
            timber = rgb(
                rng.pick(("#b98650", "#c2925a", "#a9713f", "#8a5832") if not dark else ("#6a4428", "#54351f"))
            )
            base = mix(timber, palette.table, 0.25)
        elif self.kind == "marble":
            base = mix(rgb("#ece8e2"), palette.table, 0.12)
        elif self.kind in {"stone", "linen"}:
            base = mix(rgb("#d3c8b8"), palette.table, 0.45)
        self.mean = base
        self._grain = fractal_noise(rng.fork("grain"), cells=2, octaves=5, aspect=16, gain=0.6)
        self._cloud = fractal_noise(rng.fork("cloud"), cells=4, octaves=6)
        self._tones = rng.fork("planks").many(64, -1.0, 1.0)
        angle = rng.between(-0.22, 0.22)
        self._cos, self._sin = math.cos(angle), math.sin(angle)
        self._plank = rng.between(0.5, 0.72)
        self._offset = rng.between(0.0, 1.0)

    def colour(self, x: Array, z: Array) -> tuple[Array, Array]:
        """Albedo, shape (3, n), and gloss at points of the table plane."""
        u = x * self._cos - z * self._sin
        v = x * self._sin + z * self._cos
        fade = smoothstep(3.4, -1.0, z)
        if self.kind == "wood":
            return self._wood(u, v, fade)
        cloud = self._cloud.at(u * 0.24, v * 0.24)
        if self.kind == "marble":
            warp = self._cloud.at(u * 0.11 + 0.3, v * 0.11)
            vein = self._cloud.at(u * 0.2 + warp * 0.12, v * 0.13)
            line = np.exp(np.abs(vein) * -16.0) * (0.5 + cloud)
            tone = 1.0 - 0.42 * np.clip(line, 0.0, 1.0) + 0.05 * cloud
            return self.mean[:, None] * tone, np.full_like(u, 1.2)
        fine = self._cloud.at(u * 1.3, v * 1.3) * fade
        tone = 1.0 + 0.09 * cloud + 0.09 * fine
        if self.kind == "linen":
            weave = np.sin(u * 190.0) * np.sin(v * 190.0) * fade * fade
            tone = tone + 0.05 * weave
        return self.mean[:, None] * tone, np.full_like(u, 0.12 if self.kind == "linen" else 0.45)

    def _wood(self, u: Array, v: Array, fade: Array) -> tuple[Array, Array]:
        row = v * (1.0 / self._plank) + self._offset
        board = np.floor(row)
        inside = row - board
        tone = self._tones.take(board.astype(np.intp) & 63)
        slide = tone * 7.3
        wave = self._cloud.at(u * 0.08 + slide, v * 0.1)
        grain = self._grain.at(u * 0.2 + slide, v * 0.26 + wave * 0.07 + slide)
        fine = self._grain.at(u * 0.7 - slide, v * 1.4 + slide) * fade
        shade = 1.0 + 0.14 * tone + 0.3 * grain + 0.16 * fine
        gap = np.minimum(inside, 1.0 - inside) * self._plank
        shade = np.maximum(shade, 0.2) * (0.25 + 0.75 * smoothstep(0.002, 0.013, gap))
        deep = turn(self.mean, hue=-0.015, saturation=1.15)
        dark = np.clip(0.5 - grain * 0.8, 0.0, 1.0)
        colour = np.stack([(self.mean[c] + (deep[c] * 0.8 - self.mean[c]) * dark) * shade for c in range(3)])
        return colour, 0.75 + 0.3 * grain


class Materials:
    """Albedo, gloss and the light that comes through, for each point of the ware."""

    def __init__(self, prompt: ParsedPrompt, palette: Palette, ware: Ware, rng: SeededRandom) -> None:
        """Choose the colours of glazes, labels, liquids and lids."""
        self._ware = ware
        self._glaze = palette.subject
        self._clay = mix(palette.second if grey(palette.second) < 0.45 else rgb(_CLAY), rgb(_CLAY), 0.55)
        self._paper = mix(rgb("#f4eee2"), palette.second, 0.08)
        self._ink = mix(turn(palette.subject, value=0.25), rgb("#1c1a1a"), 0.6)
        self._iron = mix(rgb("#4a3222"), palette.subject, 0.15)
        self._clouds = fractal_noise(rng.fork("clouds"), cells=4, octaves=6)
        self._specks = fractal_noise(rng.fork("specks"), cells=72, octaves=2, gain=0.5)
        self._speckled = "speckled" in prompt.extras or rng.chance(0.75)
        self._drinks = {
            "coffee": rgb("#2a150b"),
            "tea": rgb("#8a3f12"),
            "soup": rgb("#c0672a"),
            "wax": rgb("#f3e6cf"),
        }
        self._lids = {
            "metal": rgb("#b9bcc0"),
            "gold": rgb("#c99b4e"),
            "dark": rgb("#1d1a1b"),
            "timber": rgb("#9a6a3e"),
        }
        self._letters = rng.fork("letters").many(16)

    def colour(self, p: Vec, normal: Vec, sun: tuple[float, float, float]) -> tuple[Array, Array, Array]:
        """Albedo (3, n), gloss (n,) and transmitted light (3, n) of a translucent body."""
        ware = self._ware
        if ware.material is not None:
            albedo, gloss = ware.material(p)
            return albedo, gloss, np.zeros_like(albedo)
        angle = np.arctan2(p[0], -p[2])
        u, v = angle * 0.16, p[1] * 0.32
        cloud = self._clouds.at(u, v)
        albedo = np.broadcast_to(self._glaze[:, None], (3, angle.size)) * (0.96 + 0.05 * cloud)
        gloss = np.full(angle.shape, ware.gloss, dtype=np.float32)
        through = np.zeros_like(albedo)
        if ware.body == "ceramic":
            self._ceramic(albedo, gloss, p, cloud, u, v)
        elif ware.body == "glass":
            back = np.clip(0.35 - dot(normal, sun) * 0.9, 0.0, 1.0)
            deep = np.clip(-dot(normal, (0.0, 0.0, 1.0)), 0.0, 1.0)
            through = albedo * (back * back * (0.25 + 0.75 * deep))
            albedo = albedo * (0.35 + 0.3 * deep)
        if ware.label is not None:
            self._label(albedo, gloss, through, p, angle)
        if ware.liquid_level > 0:
            radius = np.sqrt(p[0] * p[0] + p[2] * p[2])
            wet = smoothstep(0.012, 0.004, np.abs(p[1] - ware.liquid_level))
            wet *= smoothstep(ware.liquid_radius + 0.004, ware.liquid_radius - 0.01, radius)
            rim = smoothstep(ware.liquid_radius - 0.12, ware.liquid_radius, radius)
            drink = self._drinks[ware.liquid][:, None] * (1.0 + rim * 1.3)
            albedo += (drink - albedo) * wet
            gloss += ((0.3 if ware.liquid == "wax" else 1.3) - gloss) * wet
        top = smoothstep(ware.lid_from - 0.002, ware.lid_from + 0.002, p[1])
        if top.any():
            albedo += (self._lids[ware.lid][:, None] - albedo) * top
            gloss += ((4.0 if ware.lid in {"metal", "gold"} else 0.9) - gloss) * top
            through *= 1.0 - top
        return albedo, gloss, through

    def _ceramic(self, albedo: Array, gloss: Array, p: Vec, cloud: Array, u: Array, v: Array) -> None:
        if self._speckled:
            speck = smoothstep(0.74, 0.92, self._specks.at(u * 1.6, v * 1.6) + cloud * 0.2)
            albedo += (self._iron[:, None] - albedo) * (speck * 0.72)
        if self._ware.dip > 0:
            line = p[1] - self._ware.dip - cloud * 0.05
            bare = smoothstep(0.006, -0.006, line)
            raw = self._clay[:, None] * (1.0 + 0.16 * self._specks.at(u, v))
            albedo += (raw - albedo) * bare
            # Glaze ends in a thick, slightly darker bead.
            bead = np.exp(-((line - 0.02) ** 2) * 5000.0) * (1.0 - bare)
            albedo *= 1.0 - 0.14 * bead
            gloss *= 1.0 - 0.88 * bare

    def _label(self, albedo: Array, gloss: Array, through: Array, p: Vec, angle: Array) -> None:
        low, high = self._ware.label or (0.0, 0.0)
        radius = np.sqrt(p[0] * p[0] + p[2] * p[2])
        across = angle * radius
        half = min(0.3, self._ware.bound.radius * 0.72)
        paper = smoothstep(half + 0.004, half - 0.004, np.abs(across))
        paper *= smoothstep(low - 0.004, low + 0.004, p[1]) * smoothstep(high + 0.004, high - 0.004, p[1])
        ink = np.zeros_like(across)
        for line, (at, wide, thick) in enumerate(
            ((0.66, 0.62, 0.02), (0.48, 0.4, 0.008), (0.38, 0.46, 0.008))
        ):
            level = low + (high - low) * at
            length = half * wide * (0.85 + 0.3 * float(self._letters[line]))
            row = smoothstep(thick + 0.003, thick - 0.003, np.abs(p[1] - level))
            ink = np.maximum(ink, row * smoothstep(length + 0.003, length - 0.003, np.abs(across)))
        for c in range(3):
            albedo[c] += (self._paper[c] - albedo[c]) * paper
            albedo[c] += (self._ink[c] - albedo[c]) * paper * ink
            through[c] *= 1.0 - paper
        gloss *= 1.0 - 0.8 * paper
