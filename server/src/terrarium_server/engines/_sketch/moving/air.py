"""What moves in the air: particles as small soft sprites, drifting mist, steam."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

from ..noise import Dice, Plane, tile
from .planes import Bytes, Planes, colour, image

Sprite = NDArray[np.int16]


@dataclass(frozen=True)
class Kind:
    """One kind of particle. Lengths are fractions of the picture's short side, speeds are per second.

    ``fall`` points down; ``sway`` is how far it wanders to the side; ``streak`` how long it is drawn;
    ``blink`` how often a second it fades in and out.
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


KINDS: Mapping[str, Kind] = {
    "dust": Kind(60, (0.0012, 0.0045), (-0.012, 0.01), 0.012, 0.02, (255, 240, 214), (0.12, 0.5), blink=0.16),
    "snow": Kind(230, (0.0018, 0.0075), (0.07, 0.26), 0.03, 0.03, (250, 252, 255), (0.45, 0.95)),
    "rain": Kind(170, (0.0009, 0.0016), (1.5, 2.5), -0.16, 0.0, (214, 224, 240), (0.16, 0.42), streak=0.05),
    "embers": Kind(
        46, (0.0012, 0.0036), (-0.24, -0.07), 0.02, 0.05, (255, 150, 50), (0.5, 1.0), blink=0.5, coloured=True
    ),
    "petals": Kind(34, (0.005, 0.0105), (0.05, 0.13), 0.07, 0.06, (250, 196, 208), (0.6, 0.9), coloured=True),
    "leaves": Kind(28, (0.005, 0.011), (0.06, 0.15), 0.06, 0.08, (190, 104, 36), (0.65, 0.95), coloured=True),
    "fireflies": Kind(
        26, (0.003, 0.006), (-0.02, 0.02), 0.0, 0.06, (232, 255, 140), (0.6, 1.0), blink=0.4, coloured=True
    ),
    "stars": Kind(40, (0.0012, 0.0022), (0.0, 0.0), 0.0, 0.0, (240, 244, 255), (0.3, 0.9), blink=0.35),
    "sand": Kind(
        90, (0.0012, 0.003), (0.0, 0.02), 0.5, 0.015, (255, 226, 180), (0.1, 0.32), streak=0.012, blink=0.4
    ),
}


class Particles:
    """One kind of particle before a camera."""

    def __init__(self, kind: str, dice: Dice, width: int, height: int, *, share: float = 1.0) -> None:
        """``share`` of the usual number; wide and tall pictures get more."""
        self.kind = kind
        self._kind = KINDS[kind]
        short = min(width, height)
        count = int(self._kind.count * share * (width * height) / (short * short) ** 1.0 * 0.62)
        rolls = dice.fork(kind).many(max(1, count) * 8).reshape(8, -1)
        self._start = rolls
        self._short, self._width, self._height = short, width, height
        self._y, self._u, self._v = colour(*self._kind.tint)
        # The far ones first.
        self._order: list[int] = [int(index) for index in np.argsort(rolls[2], kind="stable")]

    def draw(self, into: Planes, seconds: float, dx: float, dy: float) -> None:
        """Lay them over a frame; ``dx`` and ``dy`` are the camera's way in pixels."""
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
        spots: Plane = np.stack([x, y, size, bright * 128.0], axis=1)
        for index in self._order:
            px, py, radius, strength = (float(part) for part in spots[index])
            if strength > 2:
                self._stamp(into, px, py, radius, int(strength))

    def _stamp(self, into: Planes, x: float, y: float, radius: float, strength: int) -> None:
        kind = self._kind
        if kind.streak:
            slope = kind.side / max(0.4, kind.fall[1]) if kind.fall[1] > 0.3 else 0.0
            sideways = kind.fall[1] <= 0.3
            length = max(4, round(kind.streak * self._short * (0.6 + strength / 100)))
            sprite = _streak(max(0.5, round(radius * 4) / 4), length, round(slope * 20) / 20, sideways)
            stamp(into.y, sprite, round(x), round(y), self._y, strength)
            return
        bucket = max(0.5, round(radius * 4) / 4)
        whole_x, whole_y = math.floor(x), math.floor(y)
        sprite = _spot(bucket, int((x - whole_x) * 4), int((y - whole_y) * 4))
        stamp(into.y, sprite, whole_x, whole_y, self._y, strength)
        if kind.coloured:
            half_x, half_y = x / 2, y / 2
            whole_x, whole_y = math.floor(half_x), math.floor(half_y)
            small = _spot(max(0.5, bucket / 2), int((half_x - whole_x) * 4), int((half_y - whole_y) * 4))
            stamp(into.u, small, whole_x, whole_y, self._u, strength)
            stamp(into.v, small, whole_x, whole_y, self._v, strength)


@lru_cache(maxsize=1024)
def _spot(radius: float, across: int, down: int) -> Sprite:
    """A soft round spot, 0..128, its middle off by quarters of a pixel."""
    reach = math.ceil(radius * 2.2) + 1
    line = np.arange(-reach, reach + 1, dtype=np.float32)
    x, y = line[None, :] - across / 4, line[:, None] - down / 4
    away = np.sqrt(x * x + y * y) / radius
    return (128.0 / (1.0 + np.exp((away - 1.0) * 4.2))).astype(np.int16)


@lru_cache(maxsize=256)
def _streak(radius: float, length: int, slope: float, sideways: bool) -> Sprite:
    """A soft streak, 0..128."""
    along = np.arange(length, dtype=np.float32)
    fade = np.sin((along + 0.5) / length * math.pi)
    reach = math.ceil(radius * 2.5) + math.ceil(abs(slope) * length / 2) + 1
    line = np.arange(-reach, reach + 1, dtype=np.float32)
    off = line[None, :] - (along[:, None] - length / 2) * slope
    body = np.exp(-((off / radius) ** 2)) * fade[:, None]
    made = (128.0 * body).astype(np.int16)
    return np.ascontiguousarray(made.T) if sideways else made


def stamp(plane: Bytes, sprite: Sprite, x: int, y: int, value: int, strength: int) -> None:
    """Blend ``value`` into a plane around (x, y) by sprite times ``strength``, both out of 128."""
    rows, columns = sprite.shape
    left, top = x - columns // 2, y - rows // 2
    x0, y0 = max(0, left), max(0, top)
    x1, y1 = min(plane.shape[1], left + columns), min(plane.shape[0], top + rows)
    if x0 >= x1 or y0 >= y1:
        return
    part = plane[y0:y1, x0:x1]
    amount = sprite[y0 - top : y1 - top, x0 - left : x1 - left] * np.int16(strength)
    amount >>= 7
    change = np.int16(value) - part
    change *= amount
    change >>= 7
    part += change.astype(np.uint8)


class Mist:
    """Two banks of soft fog that pass before each other."""

    def __init__(
        self, dice: Dice, width: int, height: int, tint: tuple[int, int, int], thick: float, top: float
    ) -> None:
        """Below height ``top`` (0 upper border, 1 lower border), ``thick`` at most, 0..1."""
        self._tint = tint
        self._size = width, height
        noise = tile(dice.fork("mist"), cells=3, octaves=4, gain=0.45)
        v = np.linspace(0.0, 0.5, 72, dtype=np.float32)[:, None]
        rise = np.linspace(0.0, 1.0, 72, dtype=np.float32)[:, None]
        body = np.clip((rise - top) / max(0.15, (0.85 - top)), 0.0, 1.0)
        self._banks: list[tuple[Image.Image, float]] = []
        for start, speed in ((0.0, 0.012), (0.43, -0.008)):
            u = np.linspace(0.0, 2.0, 257, dtype=np.float32)[None, :-1]
            density = np.clip(0.5 + noise.at(u * 0.5, v + start), 0.0, 1.0) * body
            small = np.ascontiguousarray((density * (thick * 0.6 * 255)).astype(np.uint8))
            wide = 2 * max(8, width // 4), max(8, height // 4)
            self._banks.append((image(small).resize(wide, Image.Resampling.BICUBIC), speed))

    def draw(self, frame: list[Image.Image], seconds: float) -> None:
        """Lay it over the three planes of a frame."""
        masks: list[Image.Image] = []
        for bank, speed in self._banks:
            # Moved by fractions of a pixel while it is small: whole steps would be seen.
            width, height = bank.width // 2, bank.height
            left = (0.5 + speed * seconds) % 1.0 * width
            part = (left, 0.0, left + width, float(height))
            masks.append(bank.resize((width, height), Image.Resampling.BILINEAR, box=part))
        both = ImageChops.screen(masks[0], masks[1])
        for index, plane in enumerate(frame):
            shown = both.resize(plane.size, Image.Resampling.BILINEAR)
            plane.paste(self._tint[index], (0, 0, *plane.size), shown)


class Steam:
    """Threads that rise from a cup and come apart."""

    def __init__(self, dice: Dice, width: int, height: int, at: tuple[float, float, float]) -> None:
        """``at``: the middle of the cup's mouth and the height of the column, in pixels of the plate."""
        x, y, tall = at
        self._rows, self._columns = max(16, int(tall)), max(12, int(tall * 0.62))
        self._left, self._top = x - self._columns / 2, y - self._rows
        self._plate = width, height
        noise = tile(dice.fork("steam"), cells=3, octaves=4)
        u = np.linspace(-0.5, 0.5, self._columns, dtype=np.float32)[None, :]
        v = np.linspace(0.0, 2.0, 2 * self._rows, dtype=np.float32)[:, None]
        threads: list[Bytes] = []
        for start in (0.0, 0.37):
            bend = noise.at(np.zeros_like(v) + start, v * 0.5)
            curl = noise.at((u + bend * 0.22) * 0.55 + start, v * 0.5)
            thread = np.maximum(1.0 - np.abs(curl) * 2.2, 0.0) ** 1.6
            threads.append((thread * 255).astype(np.uint8))
        self._threads = threads
        rise = 1.0 - np.linspace(0.0, 1.0, self._rows, dtype=np.float32)[:, None]
        spread = 0.13 + 0.3 * rise
        shape: Plane = np.exp(-((u / spread) ** 2)) * np.clip(rise * 7.0, 0.0, 1.0)
        shape = shape * np.clip((1.0 - rise) * 1.5, 0.0, 1.0) ** 1.3
        self._shape = image((shape * 120).astype(np.uint8))

    def draw(self, luma: Image.Image, seconds: float, box: tuple[float, float, float, float]) -> None:
        """Lay it over a frame that shows ``box`` of the plate."""
        masks: list[Image.Image] = []
        for thread, speed in zip(self._threads, (0.17, 0.11), strict=True):
            down = (seconds * speed) % 1.0 * self._rows
            part = (0.0, down, float(self._columns), down + self._rows)
            size = (self._columns, self._rows)
            masks.append(image(thread).resize(size, Image.Resampling.BILINEAR, box=part))
        body = ImageChops.multiply(ImageChops.add(masks[0], masks[1], 2.0), self._shape)
        scale = luma.width / (box[2] - box[0])
        size = round(self._columns * scale), round(self._rows * scale)
        left, top = (self._left - box[0]) * scale, (self._top - box[1]) * scale
        body = body.resize(size, Image.Resampling.BILINEAR)
        luma.paste(222, (round(left), round(top), round(left) + size[0], round(top) + size[1]), body)
