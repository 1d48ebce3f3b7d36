"""Moving pictures from still ones: layers before a camera, water, air and light.

Everything works on the planes the encoder takes (Y, and U and V at half size): half the bytes of RGB, and
nothing is converted on the way. What a frame needs is laid out before the first one.
"""

from .clip import MOTIONS, Clip, size
from .painted import Shot, film
from .photographed import animate

__all__ = ["MOTIONS", "Clip", "Shot", "animate", "film", "size"]
