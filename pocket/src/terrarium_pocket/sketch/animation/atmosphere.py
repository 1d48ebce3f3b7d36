"""Particles drawn as small soft sprites, drifting mist, steam."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from ..arrays import Array
from ..noise import SeededRandom, fractal_noise
from .planes import Box, Planes, Uint8, Uint16, blend, colour, image

# Rows of mist computed at once.
_STRIP = 32
# Number of opacity steps of a particle.
_STRENGTHS = 32


@dataclass(frozen=True)
class ParticleKind:
    """One kind of particle. Lengths are fractions of the picture's short side, speeds are per second.

    ``fall`` is the downward speed, ``side`` the sideways speed; ``sway`` is the amplitude of its wandering;
    ``streak`` is its drawn length; ``blink`` is how often it fades in and out per second.
    """

    count: int
    size: tuple[float, float]
    fall: tuple[float, float]
    side: float
    sway: float
    tint: tuple[int, int, int]
    bright: tuple[float, float]
    streak: float = 0.0
    blink: float = 0.0
    coloured: bool = False


PARTICLE_KINDS: Mapping[str, ParticleKind] = {
    "dust": ParticleKind(
        60, (0.0012, 0.0045), (-0.012, 0.01), 0.012, 0.02, (255, 240, 214), (0.12, 0.5), blink=0.16
    ),
    "snow": ParticleKind(230, (0.0018, 0.0075), (0.07, 0.26), 0.03, 0.03, (250, 252, 255), (0.45, 0.95)),
    "rain": ParticleKind(
        170, (0.0009, 0.0016), (1.5, 2.5), -0.16, 0.0, (214, 224, 240), (0.16, 0.42), streak=0.05
    ),
    "embers": ParticleKind(
        46, (0.0012, 0.0036), (-0.24, -0.07), 0.02, 0.05, (255, 150, 50), (0.5, 1.0), blink=0.5, coloured=True
    ),
    "petals": ParticleKind(
        34, (0.005, 0.0105), (0.05, 0.13), 0.07, 0.06, (250, 196, 208), (0.6, 0.9), coloured=True
    ),
    "leaves": ParticleKind(
        28, (0.005, 0.011), (0.06, 0.15), 0.06, 0.08, (190, 104, 36), (0.65, 0.95), coloured=True
    ),
    "fireflies": ParticleKind(
        26, (0.003, 0.006), (-0.02, 0.02), 0.0, 0.06, (232, 255, 140), (0.6, 1.0), blink=0.4, coloured=True
    ),
    "stars": ParticleKind(
        40, (0.0012, 0.0022), (0.0, 0.0), 0.0, 0.0, (240, 244, 255), (0.3, 0.9), blink=0.35
    ),
    "sand": ParticleKind(
        90, (0.0012, 0.003), (0.0, 0.02), 0.5, 0.015, (255, 226, 180), (0.1, 0.32), streak=0.012, blink=0.4
    ),
}


class Particles:
    """All particles of one kind in a clip."""

    def __init__(self, kind: str, rng: SeededRandom, width: int, height: int, *, share: float = 1.0) -> None:
        """``share`` scales the number of particles, which also grows with the picture's aspect ratio."""
        self.kind = kind
        self._kind = PARTICLE_KINDS[kind]
        short = min(width, height)
        count = int(self._kind.count * share * (width * height) / (short * short) ** 1.0 * 0.62)
        values = rng.fork(kind).many(max(1, count) * 8).reshape(8, -1)
        self._start = values
        self._short, self._width, self._height = short, width, height
        self._y, self._u, self._v = colour(*self._kind.tint)
        # Far particles are drawn first.
        self._order = np.argsort(values[2], kind="stable")

    def draw(self, into: Planes, seconds: float, dx: float, dy: float) -> None:
        """Draw them over a frame; ``dx`` and ``dy`` are the camera's offset in pixels."""
        kind, short = self._kind, self._short
        a = self._start
        near = a[2]
        fall = kind.fall[0] + (kind.fall[1] - kind.fall[0]) * (near if kind.fall[0] >= 0 else a[3])
        turn = 2 * math.pi
        wander = np.sin(turn * (a[4] + seconds * (0.08 + 0.22 * a[5]))) * kind.sway
        wander = wander + np.sin(turn * (a[5] + seconds * (0.3 + 0.3 * a[4]))) * (kind.sway * 0.3)
        margin = 0.06 * short
        wide, high = self._width + 2 * margin, self._height + 2 * margin
        x = a[0] * wide + (kind.side * (0.4 + 0.6 * near) * seconds + wander) * short - dx * (0.6 + near)
        y = a[1] * high + (fall * seconds + wander * 0.35) * short - dy * (0.6 + near)
        x, y = x % wide - margin, y % high - margin
        size = (kind.size[0] + (kind.size[1] - kind.size[0]) * near * near) * short
        bright = kind.bright[0] + (kind.bright[1] - kind.bright[0]) * a[6]
        if kind.blink:
            bright = bright * (0.5 + 0.5 * np.sin(turn * (a[7] + seconds * kind.blink * (0.6 + 0.8 * a[3]))))
        strength = (bright * _STRENGTHS).astype(int)[self._order]
        visible = self._order[strength > 0]
        self._stamp_all(into, x[visible], y[visible], size[visible], strength[strength > 0])

    def _stamp_all(self, into: Planes, x: Array, y: Array, size: Array, strength: NDArray[np.intp]) -> None:
        kind = self._kind
        radius = np.maximum(0.5, np.round(size * 4) / 4)
        if kind.streak:
            slope = round(kind.side / kind.fall[1] * 20) / 20 if kind.fall[1] > 0.3 else 0.0
            sideways = kind.fall[1] <= 0.3
            longest = kind.streak * self._short
            length = np.maximum(4, np.round(longest * (0.6 + 1.28 * strength / _STRENGTHS))).astype(int)
            shapes = [_Streak(thick, long, slope, sideways) for thick, long in _rows(radius, length)]
            _stamp(into.y, self._y, shapes, strength, np.round(x).astype(int), np.round(y).astype(int))
            return
        _stamp_spots(into.y, self._y, x, y, radius, strength)
        if kind.coloured:
            small = np.maximum(0.5, radius / 2)
            _stamp_spots(into.u, self._u, x / 2, y / 2, small, strength)
            _stamp_spots(into.v, self._v, x / 2, y / 2, small, strength)


def _stamp_spots(
    plane: Uint8, value: int, x: Array, y: Array, radius: Array, strength: NDArray[np.intp]
) -> None:
    across, down = np.floor(x * 4).astype(int), np.floor(y * 4).astype(int)
    shapes = [_Spot(size, right, low) for size, right, low in _rows(radius, across % 4, down % 4)]
    _stamp(plane, value, shapes, strength, across // 4, down // 4)


def _stamp(
    plane: Uint8,
    value: int,
    shapes: Sequence["_Spot | _Streak"],
    strength: NDArray[np.intp],
    x: NDArray[np.intp],
    y: NDArray[np.intp],
) -> None:
    """Draw shapes of one value over a plane, one after the other, centred at (x, y)."""
    canvas = image(plane)
    for shape, (strong, across, down) in zip(shapes, _rows(strength, x, y), strict=True):
        sprite = _sprite(shape, strong)
        canvas.paste(value, (across - sprite.width // 2, down - sprite.height // 2), sprite)
    plane[:] = np.asarray(canvas)


def _rows(*columns: NDArray[Any]) -> Iterator[tuple[Any, ...]]:
    return zip(*(column.tolist() for column in columns), strict=True)


class _Spot(NamedTuple):
    """A soft round spot; its centre is offset by quarters of a pixel."""

    radius: float
    across: int
    down: int

    def body(self) -> Array:
        """Opacity, 0..1."""
        reach = math.ceil(self.radius * 2.2) + 1
        line = np.arange(-reach, reach + 1, dtype=np.float32)
        x, y = line[None, :] - self.across / 4, line[:, None] - self.down / 4
        away = np.sqrt(x * x + y * y) / self.radius
        return 1.0 / (1.0 + np.exp((away - 1.0) * 4.2))


class _Streak(NamedTuple):
    """A soft streak."""

    radius: float
    length: int
    slope: float
    sideways: bool

    def body(self) -> Array:
        """Opacity, 0..1."""
        along = np.arange(self.length, dtype=np.float32)
        fade = np.sin((along + 0.5) / self.length * math.pi)
        reach = math.ceil(self.radius * 2.5) + math.ceil(abs(self.slope) * self.length / 2) + 1
        line = np.arange(-reach, reach + 1, dtype=np.float32)
        off = line[None, :] - (along[:, None] - self.length / 2) * self.slope
        made = np.exp(-((off / self.radius) ** 2)) * fade[:, None]
        return made.T if self.sideways else made


# Many particles and many frames share a sprite.
@lru_cache(maxsize=8192)
def _sprite(shape: _Spot | _Streak, strength: int) -> Image.Image:
    """Opacity of a shape, 0..255; ``strength`` is a number of `_STRENGTHS` steps."""
    return Image.fromarray((_body(shape) * (strength / _STRENGTHS) + 0.5).astype(np.uint8))


@lru_cache(maxsize=2048)
def _body(shape: _Spot | _Streak) -> Array:
    return shape.body() * 255.0


class Mist:
    """Two layers of soft fog that drift in opposite directions."""

    def __init__(
        self, rng: SeededRandom, width: int, height: int, tint: tuple[int, int, int], thick: float, top: float
    ) -> None:
        """Fog below height ``top`` (0 upper border, 1 lower border), of opacity ``thick`` at most, 0..1."""
        self._tint = tint
        noise = fractal_noise(rng.fork("mist"), cells=3, octaves=4, gain=0.45)
        v = np.linspace(0.0, 0.5, 72, dtype=np.float32)[:, None]
        rise = np.linspace(0.0, 1.0, 72, dtype=np.float32)[:, None]
        body = np.clip((rise - top) / max(0.15, (0.85 - top)), 0.0, 1.0)
        self._top = int(top * height) // 2 * 2
        self._layers: list[_FogLayer] = []
        for start, speed in ((0.0, 0.012), (0.43, -0.008)):
            u = np.linspace(0.0, 2.0, 257, dtype=np.float32)[None, :-1]
            density = np.clip(0.5 + noise.at(u * 0.5, v + start), 0.0, 1.0) * body
            small = Image.fromarray(density * (thick * 0.6))
            self._layers.append(
                _FogLayer(
                    _transparency(small, 2 * width, height), _transparency(small, width, height // 2), speed
                )
            )

    def draw(self, frame: Planes, seconds: float) -> None:
        """Draw it over the three planes of a frame."""
        for plane, tint in zip(frame.each(), self._tint, strict=True):
            height, width = plane.shape
            near, far = (layer.visible(width, height, seconds) for layer in self._layers)
            for top in range(self._top * height // frame.height, height, _STRIP):
                part = slice(top, top + _STRIP)
                # 255 times 255 must become 256, so that a pixel without fog does not change.
                transparent: Uint16 = np.multiply(near[part], far[part], dtype=np.uint16)
                transparent += 510
                transparent >>= 8
                transparent += transparent >> 7
                blend(plane[part], tint, 256 - transparent)


@dataclass(frozen=True)
class _FogLayer:
    """Transparency of a fog layer, of 255, two pictures wide: ``fine`` for luma, ``coarse`` for U and V."""

    fine: Uint8
    coarse: Uint8
    speed: float

    def visible(self, width: int, height: int, seconds: float) -> Uint8:
        """The part of it over a plane of this size at a time."""
        # The fog is so soft that steps of whole pixels are not visible.
        left = round((0.5 + self.speed * seconds) % 1.0 * width)
        layer = self.fine if height == len(self.fine) else self.coarse
        return layer[:, left : left + width]


def _transparency(density: Image.Image, width: int, height: int) -> Uint8:
    whole = np.asarray(density.resize((width, height), Image.Resampling.BICUBIC))
    return np.rint(255.0 - 255.0 * np.clip(whole, 0.0, 1.0)).astype(np.uint8)


class Steam:
    """Threads of steam that rise from a cup and dissolve."""

    def __init__(self, rng: SeededRandom, width: int, height: int, at: tuple[float, float, float]) -> None:
        """``at``: centre of the cup's mouth (x, y) and height of the steam, in pixels of the plate."""
        x, y, tall = at
        self._rows, self._columns = max(16, int(tall)), max(12, int(tall * 0.62))
        self._left, self._top = x - self._columns / 2, y - self._rows
        noise = fractal_noise(rng.fork("steam"), cells=3, octaves=4)
        u = np.linspace(-0.5, 0.5, self._columns, dtype=np.float32)[None, :]
        v = np.linspace(0.0, 2.0, 2 * self._rows, dtype=np.float32)[:, None]
        threads: list[Uint8] = []
        for start in (0.0, 0.37):
            bend = noise.at(np.zeros_like(v) + start, v * 0.5)
            curl = noise.at((u + bend * 0.22) * 0.55 + start, v * 0.5)
            thread = np.maximum(1.0 - np.abs(curl) * 2.2, 0.0) ** 1.6
            threads.append((thread * 255).astype(np.uint8))
        self._threads = threads
        rise = 1.0 - np.linspace(0.0, 1.0, self._rows, dtype=np.float32)[:, None]
        spread = 0.13 + 0.3 * rise
        shape: Array = np.exp(-((u / spread) ** 2)) * np.clip(rise * 7.0, 0.0, 1.0)
        shape = shape * np.clip((1.0 - rise) * 1.5, 0.0, 1.0) ** 1.3
        self._shape = image((shape * 120).astype(np.uint8))

    def draw(self, luma: Uint8, seconds: float, box: Box) -> None:
        """Draw it over the luma of a frame that shows ``box`` of the plate."""
        masks: list[Image.Image] = []
        for thread, speed in zip(self._threads, (0.17, 0.11), strict=True):
            down = (seconds * speed) % 1.0 * self._rows
            part = (0.0, down, float(self._columns), down + self._rows)
            size = (self._columns, self._rows)
            masks.append(image(thread).resize(size, Image.Resampling.BILINEAR, box=part))
        body = ImageChops.multiply(ImageChops.add(masks[0], masks[1], 2.0), self._shape)
        scale = luma.shape[1] / (box[2] - box[0])
        size = round(self._columns * scale), round(self._rows * scale)
        left, top = round((self._left - box[0]) * scale), round((self._top - box[1]) * scale)
        # Clip it to the frame.
        x, y = max(0, left), max(0, top)
        right, bottom = min(luma.shape[1], left + size[0]), min(luma.shape[0], top + size[1])
        if x < right and y < bottom:
            shown = body.resize(size, Image.Resampling.BILINEAR).crop(
                (x - left, y - top, right - left, bottom - top)
            )
            blend(luma[y:bottom, x:right], 222, np.asarray(shown).astype(np.uint16))
