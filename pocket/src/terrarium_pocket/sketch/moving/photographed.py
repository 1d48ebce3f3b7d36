"""A picture somebody sent, brought to life: layers by a guess at depth, camera, light and air."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageOps

from ..brief import read
from ..noise import Dice
from .air import Particles
from .camera import Camera
from .clip import Clip, Layer
from .depth import behind, foreground
from .light import Exposure, Sweep
from .painted import Shot, asked_move
from .planes import colour, from_rgb

# What falls or floats if the prompt says so; the first that is named.
_AIR = ("rain", "snow", "embers", "petals", "fireflies", "leaves", "dust")
_DARK = 62


def animate(picture: Image.Image, prompt: str, shot: Shot, *, tell: Callable[[float], None]) -> Clip:
    """Set an RGB picture in motion; it is cropped around its middle to the shot's shape."""
    dice = Dice(f"{shot.seed}/animate/{prompt.casefold()[:4000]}")
    size = shot.width, shot.height
    fitted = picture if picture.size == size else ImageOps.fit(picture, size, Image.Resampling.LANCZOS)
    tell(0.2)
    move = shot.motion if shot.motion != "auto" else asked_move(prompt)
    move = move or dice.pick(("push-in", "drift", "orbit", "push-in", "pan-right", "pan-left"))
    layers = _layers(fitted, tell) if move != "still" else [Layer(from_rgb(np.asarray(fitted)), 1.0)]
    clip = Clip(*size, shot.fps, shot.seconds, Camera(move, shot.seconds, 0.5), layers)
    extras = read(prompt).extras | ({"leaves"} if "autumn" in read(prompt).extras else frozenset[str]())
    for kind in _AIR:
        if kind in extras:
            clip.particles.append(Particles(kind, dice, *size))
            break
    if "embers" in extras:
        clip.exposure = Exposure(dice, flicker=0.045)
    mean = fitted.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    red, green, blue = mean if isinstance(mean, tuple) else (128, 128, 128)
    if (red + green + blue) / 3 > _DARK:
        # Sunlight in the picture's own temperature.
        tint = colour(255, 236 + (green - red) * 0.1, 200 + min(50, max(-40, (blue - red) * 0.4)))
        clip.sweep = Sweep(*size, strength=0.26, side=dice.sign(), tint=tint)
    tell(1.0)
    return clip


def _layers(picture: Image.Image, tell: Callable[[float], None]) -> list[Layer]:
    plate = from_rgb(np.asarray(picture))
    mask = foreground(picture)
    tell(0.7)
    if mask is None or mask.max() < 64:
        return [Layer(plate, 1.0)]
    return [Layer(from_rgb(np.asarray(behind(picture, mask))), 0.0), Layer(plate, 1.0, mask)]
