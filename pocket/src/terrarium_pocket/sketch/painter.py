"""Paints one picture: parse the prompt, compose the scene, render it in bands, encode."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from .arrays import Array
from .canvas import Band, Frame, Scene
from .lettering import letter
from .noise import SeededRandom
from .palette import Palette, choose_palette
from .postprocess import PROXY_SIDE, Pixels, PostProcessor, encode_png
from .prompt import ParsedPrompt, parse_prompt
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
from .styles import STYLES, post_settings, resolve_style, stylize

SceneFactory = Callable[[ParsedPrompt, Palette, SeededRandom, Frame], Scene]

SCENES: dict[str, SceneFactory] = {
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
    """A finished picture: PNG bytes, size in pixels, and the name of its scene."""

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
    gets the finished (h, w, 3) picture before lettering and returns another one of that shape. ``progress``
    is called with rising fractions of the work done, the last one 1.0.

    Raises:
        ValueError: a size out of range or an unknown style.
    """
    if not (SMALLEST <= width <= LARGEST and SMALLEST <= height <= LARGEST):
        raise ValueError(f"width and height must be {SMALLEST} to {LARGEST} pixels, not {width}x{height}")
    if style not in STYLES:
        raise ValueError(f"style must be one of {', '.join(STYLES)}, not {style!r}")
    report = progress or _ignore_progress
    report(0.02)
    renderer = prepare_renderer(parse_prompt(prompt), Frame(width, height), seed=seed, style=style)
    report(0.1)
    pixels = renderer.render(renderer.scene.shade, lambda done: report(0.1 + 0.75 * done))
    pixels = renderer.stylize(pixels)
    if repaint is not None:
        pixels = repaint(pixels)
    if renderer.prompt.quotes:
        pixels = letter(pixels, renderer.prompt.quotes, renderer.palette)
    report(0.93)
    png = encode_png(pixels)
    report(1.0)
    return Painting(png, width, height, renderer.prompt.scene)


@dataclass(frozen=True)
class Renderer:
    """A scene composed for a frame, and the post-processing that turns its light into pixels."""

    prompt: ParsedPrompt
    palette: Palette
    frame: Frame
    rng: SeededRandom
    scene: Scene
    style: str
    post: PostProcessor

    def render(self, shade: Callable[[Band], Array], report: Callable[[float], None] | None = None) -> Pixels:
        """Render the frame with a method of the scene that shades a band: (h, w, 3) pixels."""
        pixels: Pixels = np.empty((self.frame.height, self.frame.width, 3), dtype=np.uint8)
        for band in self.frame.bands():
            pixels[band.top : band.top + band.rows] = self.post.apply(shade(band), band)
            if report is not None:
                report((band.top + band.rows) / self.frame.height)
        return pixels

    def stylize(self, pixels: Pixels) -> Pixels:
        """Apply the style to rendered pixels."""
        return stylize(pixels, self.prompt.scene, self.style, self.rng.fork("treat"))


def prepare_renderer(
    prompt: ParsedPrompt, frame: Frame, *, seed: int, style: str, grain: bool = True
) -> Renderer:
    """Compose a prompt for a frame; ``style`` is one of ``STYLES``. Clips are rendered without ``grain``."""
    final_style = resolve_style(prompt.scene, style, prompt.style)
    light = final_style if final_style in {"neon", "noir"} else prompt.light
    rng = SeededRandom(f"{seed}/{prompt.text.casefold()}")
    palette = choose_palette(prompt, light, rng.fork("palette"))
    proxy = frame.shrunk(PROXY_SIDE)
    create_scene = SCENES[prompt.scene]
    settings = post_settings(prompt.scene, final_style)
    post = PostProcessor(
        create_scene(prompt, palette, rng.fork("scene"), proxy),
        proxy,
        settings if grain else replace(settings, grain=0.0),
        palette.light.level,
        rng,
    )
    scene = create_scene(prompt, palette, rng.fork("scene"), frame)
    return Renderer(prompt, palette, frame, rng, scene, final_style, post)


def _ignore_progress(_: float) -> None:
    """The progress callback of callers that give none."""
