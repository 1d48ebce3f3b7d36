"""Repainting pictures and videos: the looks, the networks behind them, and what makes their work whole.

``looks`` is meant for other painters too; it needs one network's file and an array.
"""

from .looks import DEFAULT_LOOK, LOOKS, LookPainter
from .networks import Networks, Style
from .pictures import Picture, PictureError, encode_picture, open_picture
from .repaint import Wishes, repaint_picture
from .video import VideoError, repaint_video

__all__ = [
    "DEFAULT_LOOK",
    "LOOKS",
    "LookPainter",
    "Networks",
    "Picture",
    "PictureError",
    "Style",
    "VideoError",
    "Wishes",
    "encode_picture",
    "open_picture",
    "repaint_picture",
    "repaint_video",
]
