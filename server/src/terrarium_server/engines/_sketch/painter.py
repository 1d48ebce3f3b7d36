"""One painting from start to end: read, compose, develop in bands, encode."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from .brief import Brief, read
from .canvas import Frame, Scene
from .finish import PROXY_SIDE, Darkroom, Pixels, encode
from .lettering import letter
from .noise import Dice
from .palette import Palette, choose
from .scenes.abstract import Abstract
from .scenes.city import City
from .scenes.desert import Desert
from .scenes.flowers import Flowers
from .scenes.forest import Forest
from .scenes.meadow import Meadow
from .scenes.mountains import Mountains
from .scenes.portrait import Portrait
from .scenes.product import Product
from .scenes.room import Room
from .scenes.sea import Sea
from .scenes.space import Space
from .styles import STYLES, film, resolve, treat

Compose = Callable[[Brief, Palette, Dice, Frame], Scene]

SCENES: dict[str, Compose] = {
    "product": Product,
    "portrait": Portrait,
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
    progress: Callable[[float], None] | None = None,
) -> Painting:
    """Paint a prompt; the same arguments give the same bytes.

    ``width`` and ``height`` are pixels, 64 to 4096 each. ``style`` is one of ``STYLES``. ``progress`` is
    called with rising fractions of the work done, the last one 1.0.

    Raises:
        ValueError: a size out of range or a style that is not known.
    """
    if not (SMALLEST <= width <= LARGEST and SMALLEST <= height <= LARGEST):
        raise ValueError(f"width and height must be {SMALLEST} to {LARGEST} pixels, not {width}x{height}")
    if style not in STYLES:
        raise ValueError(f"style must be one of {', '.join(STYLES)}, not {style!r}")
    tell = progress or _silent
    brief = read(prompt)
    painted_style = resolve(brief.scene, style, brief.style)
    light = painted_style if painted_style in {"neon", "noir"} else brief.light
    dice = Dice(f"{seed}/{brief.text.casefold()}")
    palette = choose(brief, light, dice.fork("palette"))
    frame = Frame(width, height)
    proxy = frame.shrunk(PROXY_SIDE)
    tell(0.02)
    compose = SCENES[brief.scene]
    room = Darkroom(
        compose(brief, palette, dice.fork("scene"), proxy),
        proxy,
        film(brief.scene, painted_style),
        palette.light.level,
        dice,
    )
    tell(0.1)
    scene = compose(brief, palette, dice.fork("scene"), frame)
    pixels: Pixels = np.empty((height, width, 3), dtype=np.uint8)
    for band in frame.bands():
        pixels[band.top : band.top + band.rows] = room.develop(scene.shade(band), band)
        tell(0.1 + 0.75 * (band.top + band.rows) / height)
    pixels = treat(pixels, brief.scene, painted_style, dice.fork("treat"))
    if brief.quotes:
        pixels = letter(pixels, brief.quotes, palette)
    tell(0.93)
    png = encode(pixels)
    tell(1.0)
    return Painting(png, width, height, brief.scene)


def _silent(_: float) -> None:
    """Progress nobody asked for."""
