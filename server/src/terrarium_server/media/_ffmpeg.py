import functools
import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

Resource = Literal["disk", "file size", "memory", "processor time"]

_SAID: dict[str, Resource] = {
    "No space left on device": "disk",
    "Disk quota exceeded": "disk",
    "File too large": "file size",
    "Cannot allocate memory": "memory",
    "malloc of size": "memory",
    "system signals": "processor time",
}
# Where it ends after a signal by itself, it says nothing. Signals to stop do not reach a model process.
_STOPPED = 255
_SIGNALS: dict[int, Resource] = {signal.SIGXFSZ: "file size", signal.SIGXCPU: "processor time"}


class FfmpegError(Exception):
    """ffmpeg did not do it; the message is what it said last."""


class Exhausted(Exception):
    """There was not enough of a resource, or no more of it was allowed."""

    def __init__(self, resource: Resource) -> None:
        super().__init__(f"ffmpeg ran out of {resource}")
        self.resource: Resource = resource


class Killed(Exception):
    """A program was killed from outside, as by a system that is short of memory: the next one may do it."""


def failure(status: int, said: bytes) -> FfmpegError | Exhausted | Killed:
    """Return what is to be raised when ffmpeg ended with a status and said this last."""
    if status == -signal.SIGKILL:
        return Killed("ffmpeg was killed")
    words = said.decode(errors="replace").strip()[-500:]
    for known, resource in _SAID.items():
        if known in words:
            return Exhausted(resource)
    if -status in _SIGNALS:
        return Exhausted(_SIGNALS[-status])
    if status == _STOPPED and not words:
        return Exhausted("processor time")
    return FfmpegError(words or "it failed without a word")


@functools.cache
def ffmpeg_path() -> str:
    """Return the ffmpeg program: the wheel's, whose abilities we know, or the system's.

    ``IMAGEIO_FFMPEG_EXE`` names another, as it does for the wheel. Raises FfmpegError if there is none.
    """
    # Not by the wheel's own function: it tries the program, and takes one that is killed then for broken.
    spec = importlib.util.find_spec("imageio_ffmpeg")
    folders = (spec.submodule_search_locations or []) if spec is not None else []
    ours = (str(path) for folder in folders for path in sorted(Path(folder, "binaries").glob("ffmpeg-*")))
    found = os.environ.get("IMAGEIO_FFMPEG_EXE") or next(ours, None) or shutil.which("ffmpeg")
    if found is None:
        raise FfmpegError("there is no ffmpeg; install the package imageio-ffmpeg")
    return found


def run_ffmpeg(arguments: Sequence[str], *, stdin: bytes | None = None, seconds: float = 600) -> bytes:
    """Run ffmpeg quietly and return what it writes to its standard output.

    Raises FfmpegError if it fails or takes longer than ``seconds``, Exhausted and Killed.
    """
    command = [ffmpeg_path(), "-hide_banner", "-loglevel", "error", "-y", *arguments]
    if stdin is None:
        command.insert(1, "-nostdin")
    try:
        # Nothing is to be read from this process's own standard input: it may be how it is told what to do.
        done = subprocess.run(command, input=stdin or b"", capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise FfmpegError(f"gave up after {seconds:.0f} s") from error
    if done.returncode != 0:
        raise failure(done.returncode, done.stderr)
    return done.stdout
