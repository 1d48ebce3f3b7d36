"""A library for kinds that repaint pictures: the looks, their networks, and reading and writing pictures."""

from .looks import DEFAULT_LOOK, LOOKS, Floats, LookPainter
from .networks import Networks, Style
from .pictures import Picture, PictureError, encode_picture, open_picture
from .repaint import RepaintOptions, repaint_picture

__all__ = [
    "DEFAULT_LOOK",
    "LOOKS",
    "Floats",
    "LookPainter",
    "Networks",
    "Picture",
    "PictureError",
    "RepaintOptions",
    "Style",
    "encode_picture",
    "open_picture",
    "repaint_picture",
]
