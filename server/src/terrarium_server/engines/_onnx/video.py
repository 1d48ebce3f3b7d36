from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from terrarium_server.media import Clip, FfmpegError, VideoWriter, frames, probe

from .networks import Networks, Style
from .repaint import Tone, Wishes, compose, match_tone, working_copy
from .steady import Steady

MAX_SECONDS = 60
MAX_FRAMES = 3600
MAX_LONG, MAX_SHORT = 1920, 1080
MIN_SIDE = 64

# Smaller than for pictures: there are hundreds of frames, and nobody looks at one for long.
BRUSHES = {"fine": 768, "medium": 512, "broad": 360}
_LEAST = 256

# How fast the tone may follow from frame to frame; quicker, it would pump.
_TONE_SHARE = 0.15


class VideoError(Exception):
    """A video cannot be used; the message says why and what can be."""


@dataclass(frozen=True, slots=True)
class Repainted:
    """An MP4 with the original's sound; sides in pixels."""

    mp4: bytes
    width: int
    height: int


def repaint_video(
    source: Path,
    style: Style,
    wishes: Wishes,
    networks: Networks,
    report: Callable[[float], None],
) -> Repainted:
    """Repaint every frame at the video's own size and rate, steadily. ``report`` is told the fraction done
    after each. Raises VideoError."""
    clip = _checked(source)
    width, height = clip.width // 2 * 2, clip.height // 2 * 2
    expected = max(1.0, clip.seconds * clip.fps)
    painter = _FramePainter(style, wishes, networks)
    sound = source if clip.has_audio else None
    try:
        with VideoWriter(width, height, clip.fps, sound=sound) as writer:
            for index, frame in enumerate(frames(source), 1):
                if index > MAX_FRAMES:
                    raise VideoError(f"video_url has more than {MAX_FRAMES} frames. Trim it first.")
                writer.write(painter.paint(frame[:height, :width]))
                report(min(0.97, index / expected))
            return Repainted(writer.finish(), width, height)
    except (FFmpegError, FfmpegError, OSError) as error:
        message = "video_url breaks off or cannot be decoded; give a whole MP4, MOV or WebM file."
        raise VideoError(message) from error


class _FramePainter:
    def __init__(self, style: Style, wishes: Wishes, networks: Networks) -> None:
        self._style = style
        self._wishes = wishes
        self._networks = networks
        self._steady = Steady(wishes.steadiness)
        self._tone: Tone | None = None

    def paint(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self._wishes.strength <= 0:
            return frame
        small = working_copy(frame, BRUSHES[self._wishes.brush], least=_LEAST)
        painted = self._networks.paint(small, self._style, self._wishes.strength)
        painted = self._steady.follow(small, painted)
        tone = match_tone(small, painted)
        self._tone = tone if self._tone is None else self._tone.towards(tone, _TONE_SHARE)
        return compose(frame, small, painted, self._wishes, self._tone, self._style)


def _checked(source: Path) -> Clip:
    try:
        clip = probe(source)
    except (FFmpegError, ValueError, OSError) as error:
        message = "video_url cannot be read as a video; give a whole MP4, MOV or WebM file."
        raise VideoError(message) from error
    if clip.seconds > MAX_SECONDS + 0.5 or clip.seconds * clip.fps > MAX_FRAMES * 1.01:
        lasts = f"{clip.seconds:.1f} s at {clip.fps:g} frames per second"
        at_most = f"{MAX_SECONDS} s and {MAX_FRAMES} frames"
        raise VideoError(f"video_url lasts {lasts}; at most {at_most} are taken. Trim it first.")
    sides = sorted((clip.width, clip.height))
    if sides[0] > MAX_SHORT or sides[1] > MAX_LONG or sides[0] < MIN_SIDE:
        allowed = f"from {MIN_SIDE} pixels a side up to {MAX_LONG} x {MAX_SHORT}, either way up"
        raise VideoError(f"video_url is {clip.width} x {clip.height} pixels; taken is {allowed}. Resize it.")
    return clip
