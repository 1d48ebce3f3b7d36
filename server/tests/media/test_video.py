"""Writing videos: exact sizes and rates, reproducible bytes, unchanged pictures."""

import signal
import time
from itertools import pairwise
from pathlib import Path
from typing import Literal

import av
import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from terrarium_server.media import Exhausted, FfmpegError, Killed, VideoWriter, ffmpeg_path, frames, probe
from terrarium_server.media._ffmpeg import failure

Preset = Literal["veryfast", "realtime"]


def scene(width: int, height: int, shift: int) -> NDArray[np.uint8]:
    """Soft colours that move two pixels to the side with each shift, (h, w, 3)."""
    x = np.arange(width)[None, :] - 2 * shift
    y = np.arange(height)[:, None]
    channels = [128 + 90 * np.sin(x / across) * np.cos(y / 17) for across in (11, 19, 31)]
    return np.stack(channels, axis=2).astype(np.uint8)


def written(preset: Preset, *, fps: float = 12, count: int = 14) -> bytes:
    with VideoWriter(162, 90, fps, preset=preset) as writer:
        for index in range(count):
            writer.write(scene(162, 90, index))
        return writer.finish()


@pytest.mark.parametrize("preset", ["veryfast", "realtime"])
@pytest.mark.parametrize("fps", [12, 23.976, 30])
def test_size_rate_and_length_are_as_requested(tmp_path: Path, preset: Preset, fps: float) -> None:
    made = written(preset, fps=fps)
    assert made.index(b"moov") < made.index(b"mdat")
    file = tmp_path / "made.mp4"
    file.write_bytes(made)
    clip = probe(file)
    assert (clip.width, clip.height) == (162, 90)
    assert clip.fps == pytest.approx(fps, abs=0.001)
    assert clip.seconds == pytest.approx(14 / fps, abs=0.01)
    with av.open(str(file)) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        times = [float(frame.time or 0.0) for frame in container.decode(video=0)]
    assert len(times) == 14
    # Frames that are predicted from later ones still come in order, at equal distances.
    assert all(b - a == pytest.approx(1 / fps, abs=0.001) for a, b in pairwise(times))


def test_a_writer_knows_how_long_its_picture_lasts() -> None:
    with VideoWriter(162, 90, 12) as writer:
        assert writer.seconds == 0
        for index in range(18):
            writer.write(scene(162, 90, index))
        writer.finish()
        assert writer.seconds == 1.5


def test_an_encoder_that_dies_raises_the_matching_error() -> None:
    ends = {signal.SIGKILL: Killed, signal.SIGXFSZ: Exhausted, signal.SIGSEGV: FfmpegError}
    # Encoders of other tests, which may not have ended yet.
    others = set(psutil.Process().children())
    for number, expected in ends.items():
        # The death may be noticed at a write, or only at the end.
        for at_the_end in (False, True):
            with VideoWriter(162, 90, 12) as writer, pytest.raises(expected):
                (encoder,) = set(psutil.Process().children()) - others
                encoder.send_signal(number)
                while encoder.status() != psutil.STATUS_ZOMBIE:
                    time.sleep(0.01)
                while not at_the_end:
                    writer.write(scene(162, 90, 0))
                writer.finish()


@pytest.mark.parametrize(
    ("status", "output", "resource"),
    [
        (1, b"out.mp4: No space left on device", "disk"),
        (-signal.SIGXFSZ, b"", "file size"),
        (1, b"x264 [error]: malloc of size 3133440 failed", "memory"),
        (-signal.SIGXCPU, b"", "processor time"),
        (255, b"", "processor time"),
    ],
)
def test_an_exhausted_resource_is_named(status: int, output: bytes, resource: str) -> None:
    error = failure(status, output)
    assert isinstance(error, Exhausted) and error.resource == resource


def test_other_failures_keep_ffmpegs_message() -> None:
    assert str(failure(1, b"Unknown encoder 'h265'\n")) == "Unknown encoder 'h265'"
    assert isinstance(failure(-signal.SIGSEGV, b""), FfmpegError)
    assert isinstance(failure(-signal.SIGKILL, b""), Killed)


@pytest.mark.parametrize("preset", ["veryfast", "realtime"])
def test_decoded_pictures_are_close_to_those_written(tmp_path: Path, preset: Preset) -> None:
    file = tmp_path / "made.mp4"
    file.write_bytes(written(preset))
    for index, shown in enumerate(frames(file)):
        off = shown.astype(float) - scene(162, 90, index)
        assert np.sqrt((off**2).mean()) < 4.5, index


def test_the_same_frames_give_the_same_bytes() -> None:
    assert written("realtime") == written("realtime")
    assert written("veryfast") == written("veryfast")
    assert written("realtime") != written("veryfast")


def test_the_wheels_ffmpeg_is_used_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("IMAGEIO_FFMPEG_EXE", raising=False)
    assert "imageio_ffmpeg" in ffmpeg_path.__wrapped__()
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "/opt/ffmpeg")
    assert ffmpeg_path.__wrapped__() == "/opt/ffmpeg"
