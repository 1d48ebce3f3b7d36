"""Repaints a video frame by frame, without flicker."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from terrarium_pocket.looks.networks import Networks, Style
from terrarium_pocket.looks.repaint import RepaintOptions, working_size
from terrarium_server.engines.child import shortage_of
from terrarium_server.media import Clip, FfmpegError, Planes, VideoWriter, decoded, probe

from .overlay import Overlay
from .prefetch import prefetch
from .stabilizer import Stabilizer

MAX_SECONDS = 60
MAX_FRAMES = 3600
MAX_LONG, MAX_SHORT = 1920, 1080
MIN_SIDE = 64

# Smaller than for pictures, because there are hundreds of frames and each is seen for a moment.
BRUSHES = {"fine": 768, "medium": 512, "broad": 360}
_LEAST = 256
# The network paints every second frame, and is up to four frames ahead of the other steps.
EVERY, _AHEAD = 2, 4


class VideoError(Exception):
    """A video cannot be used; the message says why and what can be."""


@dataclass(frozen=True, slots=True)
class Repainted:
    """An MP4 with the original's sound; sides in pixels."""

    mp4: bytes
    width: int
    height: int
    seconds: float


def repaint_video(
    source: Path,
    style: Style,
    options: RepaintOptions,
    networks: Networks,
    report: Callable[[float], None],
) -> Repainted:
    """Repaint every frame at the video's own size and rate.

    ``report`` is called with the fraction that is done, after each frame. Raises VideoError.
    """
    clip = _checked(source)
    width, height = clip.width // 2 * 2, clip.height // 2 * 2
    expected = max(1.0, clip.seconds * clip.fps)
    repainting = _Repainting((width, height), style, options, networks)
    sound = source if clip.has_audio else None
    try:
        with VideoWriter(width, height, clip.fps, sound=sound, planar=True) as writer:
            for index, planes in enumerate(repainting.frames(source), 1):
                if index > MAX_FRAMES:
                    raise VideoError(f"video_url has more than {MAX_FRAMES} frames. Trim it first.")
                writer.write(planes.flat())
                report(min(0.97, index / expected))
            return Repainted(writer.finish(), width, height, writer.seconds)
    except (FFmpegError, FfmpegError, OSError) as error:
        if shortage_of(error) is not None:
            raise
        message = "video_url breaks off or cannot be decoded; give a whole MP4, MOV or WebM file."
        raise VideoError(message) from error


class _Frame(NamedTuple):
    """A frame, its small copy for the network, and the paint of that if the network has painted it."""

    planes: Planes
    small: NDArray[np.uint8]
    painted: NDArray[np.uint8] | None


class _Repainting:
    def __init__(
        self, size: tuple[int, int], style: Style, options: RepaintOptions, networks: Networks
    ) -> None:
        self._size = size
        self._small = working_size(*size, BRUSHES[options.brush], least=_LEAST)
        self._style = style
        self._options = options
        self._networks = networks
        self._stabilizer = Stabilizer(options.steadiness)
        self._overlay = Overlay(options, style)

    def frames(self, source: Path) -> Iterator[Planes]:
        if self._options.strength <= 0:
            yield from (frame.planes(*self._size) for frame in decoded(source))
            return
        skipped = None
        for frame in prefetch(self._painted_frames(source), _AHEAD):
            if frame.painted is None:
                skipped = frame
                continue
            paint = self._stabilizer.follow(frame.small, frame.painted)
            if skipped is not None:
                between = self._stabilizer.between(skipped.small)
                yield self._blended(skipped, self._paint(skipped.small) if between is None else between)
                skipped = None
            yield self._blended(frame, paint)
        if skipped is not None:
            yield self._blended(skipped, self._stabilizer.follow(skipped.small, self._paint(skipped.small)))

    def _painted_frames(self, source: Path) -> Iterator[_Frame]:
        every = EVERY if self._options.steadiness > 0 else 1
        for index, frame in enumerate(decoded(source)):
            small = frame.rgb(*self._small)
            painted = self._paint(small) if index % every == 0 else None
            yield _Frame(frame.planes(*self._size), small, painted)

    def _paint(self, small: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return self._networks.paint(small, self._style, self._options.strength)

    def _blended(self, frame: _Frame, paint: NDArray[np.uint8]) -> Planes:
        return self._overlay.blend(frame.planes, frame.small, paint)


def _checked(source: Path) -> Clip:
    try:
        clip = probe(source)
    except (FFmpegError, ValueError, OSError) as error:
        if shortage_of(error) is not None:
            raise
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
