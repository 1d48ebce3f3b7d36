"""Reading the properties and pictures of video files, and writing MP4 files."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, cast

from ._ffmpeg import Exhausted, FfmpegError, Killed, failure, ffmpeg_path
from ._frame import Frame

# Slow to import and needed in model processes only, so they are imported where they are used.
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Clip:
    """The properties of a video file: size in pixels after rotation, frames per second, seconds."""

    width: int
    height: int
    fps: float
    seconds: float
    has_audio: bool


# How long an encoder that has closed its pipe may take to exit.
_EXIT_SECONDS = 10.0

Preset = Literal["veryfast", "realtime"]

_PRESETS: dict[Preset, tuple[str, ...]] = {
    "veryfast": ("-preset", "veryfast"),
    # Every fourth frame is predicted from the one before, the three between from both; there is no lookahead.
    "realtime": ("-preset", "superfast", "-x264-params", "bframes=3:b-adapt=0:weightp=0:scenecut=0"),
}

# Without these parameters ffmpeg takes planes for BT.601 and converts them.
_BT709 = "setparams=colorspace=bt709:range=tv:color_primaries=bt709:color_trc=bt709"


def _sound_arguments(sound: Path) -> tuple[str, ...]:
    """Return the arguments that add a sound to the picture."""
    # Padded with endless silence: otherwise a sound that is shorter than the picture would cut the picture.
    padded = ("-af", "apad", "-shortest")
    return "-i", str(sound), "-map", "0:v", "-map", "1:a", "-c:a", "aac", "-b:a", "160k", *padded


class VideoWriter:
    """Writes RGB frames, (height, width, 3) uint8 with even sides, as MP4: H.264, yuv420p, faststart.

    With ``planar``, frames are flat arrays of Y, then U and V at half size (BT.709, limited range), which
    need no conversion.

    ``preset`` is "veryfast", or "realtime", which takes two fifths of the time for up to twice the bytes.

    ``sound`` is a file whose first audio stream is added (AAC; cut or padded with silence to the picture's
    length). Use the writer as a context manager and call `finish` at the end. There is one encoder thread, so
    that the same frames give the same bytes everywhere.
    """

    def __init__(
        self,
        width: int,
        height: int,
        fps: float,
        *,
        sound: Path | None = None,
        crf: int = 20,
        preset: Preset = "veryfast",
        planar: bool = False,
    ) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="terrarium-video-")
        self._made = Path(self._folder.name) / "made.mp4"
        command = (
            *(ffmpeg_path(), "-hide_banner", "-loglevel", "error", "-y"),
            *("-f", "rawvideo", "-pix_fmt", "yuv420p" if planar else "rgb24"),
            *("-s", f"{width}x{height}", "-r", f"{fps:g}", "-i", "pipe:0"),
            *(_sound_arguments(sound) if sound is not None else ()),
            *("-vf", _BT709 if planar else "scale=out_color_matrix=bt709:out_range=tv"),
            *("-c:v", "libx264", *_PRESETS[preset], "-crf", str(crf), "-threads", "1", "-pix_fmt", "yuv420p"),
            *("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709"),
            *("-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact"),
            *("-movflags", "+faststart", str(self._made)),
        )
        self._fps = fps
        self._written = 0
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the writer
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=self._log)

    @property
    def seconds(self) -> float:
        """The length of the picture with the frames written so far."""
        return self._written / self._fps

    def write(self, frame: NDArray[np.uint8]) -> None:
        """Add one frame. Raises FfmpegError, Exhausted or Killed if the encoder has died."""
        import numpy as np

        assert self._process.stdin is not None
        try:
            self._process.stdin.write(np.ascontiguousarray(frame).data)
        except BrokenPipeError as error:
            raise self._failure() from error
        self._written += 1

    def finish(self) -> bytes:
        """Return the MP4 file's bytes. Raises FfmpegError, Exhausted, Killed."""
        assert self._process.stdin is not None
        # The encoder may have died while it read the last frames.
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        if self._process.wait() != 0:
            raise self._failure()
        return self._made.read_bytes()

    def _failure(self) -> FfmpegError | Exhausted | Killed:
        """Return why the encoder, which does not read any more, has ended."""
        try:
            status = self._process.wait(_EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            status = 1
        self._log.seek(0)
        return failure(status, self._log.read())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._log.close()
        self._folder.cleanup()


def probe(path: Path) -> Clip:
    """Read the properties of a video file. Raises ValueError if it has no picture.

    The file may be anybody's: call this in a child process only.
    """
    import av

    with av.open(str(path)) as container:
        if not container.streams.video:
            raise ValueError("there is no moving picture in it")
        stream = container.streams.video[0]
        first: Any = next(iter(container.decode(stream)), None)
        if first is None:
            raise ValueError("there is no frame in it")
        width, height = cast(int, first.width), cast(int, first.height)
        if first.rotation % 180:
            width, height = height, width
        fps = float(stream.average_rate or stream.guessed_rate or 25)
        if stream.duration and stream.time_base:
            seconds = float(stream.duration * stream.time_base)
        else:
            seconds = (container.duration or 0) / 1_000_000
        return Clip(width, height, fps, seconds, bool(container.streams.audio))


def decoded(path: Path) -> Iterator[Frame]:
    """Decode a video's frames, one after the other.

    The file may be anybody's: call this in a child process only.
    """
    import av

    with av.open(str(path)) as container:
        yield from map(Frame, container.decode(container.streams.video[0]))


def frames(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Decode a video's frames, upright, (height, width, 3) RGB, one after the other."""
    return (frame.rgb() for frame in decoded(path))
