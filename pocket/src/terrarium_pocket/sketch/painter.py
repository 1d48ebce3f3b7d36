"""One painting from start to end: read, compose, develop in bands, encode."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from .brief import Brief, read
from .canvas import Band, Frame, Scene
from .finish import PROXY_SIDE, Darkroom, Pixels, encode
from .lettering import letter
from .noise import Dice, Plane
from .palette import Palette, choose
from .scenes.abstract import Abstract
from .scenes.city import City
from .scenes.desert import Desert
from .scenes.flowers import Flowers
from .scenes.forest import Forest
from .scenes.meadow import Meadow
from .scenes.mountains import Mountains
from .scenes.portrait import portrait
from .scenes.product import Product
from .scenes.room import Room
from .scenes.sea import Sea
from .scenes.space import Space
from .styles import STYLES, film, resolve, treat

Compose = Callable[[Brief, Palette, Dice, Frame], Scene]

SCENES: dict[str, Compose] = {
    "product": Product,
    "portrait": portrait,
    "mountains": Mountains,
    "meadow": Meadow,
    "sea": Sea,
    "desert": Desert,
    "city": City,
    "forest": Forest,
    "flowers": Flowers,
    "room": Room,
    "space": Space,
    "abstract": Abstract,
}

SMALLEST, LARGEST = 64, 4096


class Painting(NamedTuple):
    """A finished picture: PNG bytes, size in pixels, and the composition that was chosen."""

    png: bytes
    width: int
    height: int
    scene: str


def paint(
    prompt: str,
    *,
    width: int,
    height: int,
    seed: int,
    style: str = "auto",
    repaint: Callable[[Pixels], Pixels] | None = None,
    progress: Callable[[float], None] | None = None,
) -> Painting:
    """Paint a prompt; the same arguments give the same bytes.

    ``width`` and ``height`` are pixels, 64 to 4096 each. ``style`` is one of ``STYLES``. ``repaint``
    gets the finished (h, w, 3) picture, before any lettering, and returns another of its shape. ``progress``
    is called with rising fractions of the work done, the last one 1.0.

    Raises:
        ValueError: a size out of range or a style that is not known.
    """
    if not (SMALLEST <= width <= LARGEST and SMALLEST <= height <= LARGEST):
        raise ValueError(f"width and height must be {SMALLEST} to {LARGEST} pixels, not {width}x{height}")
    if style not in STYLES:
        raise ValueError(f"style must be one of {', '.join(STYLES)}, not {style!r}")
    tell = progress or _silent
    tell(0.02)
    easel = prepare(read(prompt), Frame(width, height), seed=seed, style=style)
    tell(0.1)
    pixels = easel.develop(easel.scene.shade, lambda done: tell(0.1 + 0.75 * done))
    pixels = easel.treat(pixels)
    if repaint is not None:
        pixels = repaint(pixels)
    if easel.brief.quotes:
        pixels = letter(pixels, easel.brief.quotes, easel.palette)
    tell(0.93)
    png = encode(pixels)
    tell(1.0)
    return Painting(png, width, height, easel.brief.scene)


@dataclass(frozen=True)
class Easel:
    """A scene composed for a frame, with everything that turns its light into pixels."""

    brief: Brief
    palette: Palette
    frame: Frame
    dice: Dice
    scene: Scene
    style: str
    room: Darkroom

    def develop(self, shade: Callable[[Band], Plane], tell: Callable[[float], None] | None = None) -> Pixels:
        """Paint with one of the scene's ways of shading a band: (h, w, 3) pixels."""
        pixels: Pixels = np.empty((self.frame.height, self.frame.width, 3), dtype=np.uint8)
        for band in self.frame.bands():
            pixels[band.top : band.top + band.rows] = self.room.develop(shade(band), band)
            if tell is not None:
                tell((band.top + band.rows) / self.frame.height)
        return pixels

    def treat(self, pixels: Pixels) -> Pixels:
        """Do to developed pixels what the style asks for."""
        return treat(pixels, self.brief.scene, self.style, self.dice.fork("treat"))


def prepare(brief: Brief, frame: Frame, *, seed: int, style: str, grain: bool = True) -> Easel:
    """Compose a brief for a frame; ``style`` is one of ``STYLES``. A moving picture wants no ``grain``."""
    painted_style = resolve(brief.scene, style, brief.style)
    light = painted_style if painted_style in {"neon", "noir"} else brief.light
    dice = Dice(f"{seed}/{brief.text.casefold()}")
    palette = choose(brief, light, dice.fork("palette"))
    proxy = frame.shrunk(PROXY_SIDE)
    compose = SCENES[brief.scene]
    stock = film(brief.scene, painted_style)
    room = Darkroom(
        compose(brief, palette, dice.fork("scene"), proxy),
        proxy,
        stock if grain else replace(stock, grain=0.0),
        palette.light.level,
        dice,
    )
    scene = compose(brief, palette, dice.fork("scene"), frame)
    return Easel(brief, palette, frame, dice, scene, painted_style, room)


def _silent(_: float) -> None:
    """Progress nobody asked for."""
