"""Animates an input picture: layers by a guess at depth, a camera move, light, particles."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageOps

from ..noise import SeededRandom
from ..prompt import parse_prompt
from .atmosphere import Particles
from .camera import Camera
from .clip import Clip, Layer
from .depth import foreground, inpaint
from .light import Flicker, Sweep
from .planes import colour, from_rgb
from .scene_clip import ClipSettings, named_move

# Particles that a prompt can name; the first of this order is drawn.
_AIR = ("rain", "snow", "embers", "petals", "fireflies", "leaves", "dust")
_DARK = 62


def animate_picture(
    picture: Image.Image, prompt: str, settings: ClipSettings, *, report: Callable[[float], None]
) -> Clip:
    """Animate an RGB picture; it is cropped around its centre to the clip's aspect ratio."""
    rng = SeededRandom(f"{settings.seed}/animate/{prompt.casefold()[:4000]}")
    size = settings.width, settings.height
    fitted = picture if picture.size == size else ImageOps.fit(picture, size, Image.Resampling.LANCZOS)
    report(0.2)
    move = settings.motion if settings.motion != "auto" else named_move(prompt)
    move = move or rng.pick(("push-in", "drift", "orbit", "push-in", "pan-right", "pan-left"))
    layers = _layers(fitted, report) if move != "still" else [Layer(from_rgb(np.asarray(fitted)), 1.0)]
    clip = Clip(*size, settings.fps, settings.seconds, Camera(move, settings.seconds, 0.5), layers)
    extras = parse_prompt(prompt).extras | (
        {"leaves"} if "autumn" in parse_prompt(prompt).extras else frozenset[str]()
    )
    for kind in _AIR:
        if kind in extras:
            clip.particles.append(Particles(kind, rng, *size))
            break
    if "embers" in extras:
        clip.flicker = Flicker(rng, flicker=0.045)
    mean = fitted.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    red, green, blue = mean if isinstance(mean, tuple) else (128, 128, 128)
    if (red + green + blue) / 3 > _DARK:
        # The beam has the colour temperature of the picture.
        tint = colour(255, 236 + (green - red) * 0.1, 200 + min(50, max(-40, (blue - red) * 0.4)))
        clip.sweep = Sweep(*size, strength=0.26, side=rng.sign(), tint=tint)
    report(1.0)
    return clip


def _layers(picture: Image.Image, report: Callable[[float], None]) -> list[Layer]:
    plate = from_rgb(np.asarray(picture))
    mask = foreground(picture)
    report(0.7)
    if mask is None or mask.max() < 64:
        return [Layer(plate, 1.0)]
    return [Layer(from_rgb(np.asarray(inpaint(picture, mask))), 0.0), Layer(plate, 1.0, mask)]
