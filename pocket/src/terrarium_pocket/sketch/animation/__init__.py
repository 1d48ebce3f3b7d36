"""Clips from still pictures: layers in front of a camera, moving water, particles and light.

Frames are made in the encoder's own format (Y, and U and V at half size). That is half the bytes of RGB and
needs no conversion. All buffers are prepared before the first frame.
"""

from .clip import MOTIONS, Clip, clip_size
from .picture_clip import animate_picture
from .scene_clip import ClipSettings, animate_scene

__all__ = ["MOTIONS", "Clip", "ClipSettings", "animate_picture", "animate_scene", "clip_size"]
