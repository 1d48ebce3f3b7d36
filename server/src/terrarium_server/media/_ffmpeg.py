"""Running the ffmpeg program, and what its failures mean."""

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

# Parts of error messages, by the resource that was short.
_MESSAGES: dict[str, Resource] = {
    "No space left on device": "disk",
    "Disk quota exceeded": "disk",
    "File too large": "file size",
    "Cannot allocate memory": "memory",
    "malloc of size": "memory",
    "system signals": "processor time",
}
# ffmpeg's status when it handles a signal, without a message. Signals to stop never reach a model process, so
# the signal was SIGXCPU.
_STOPPED = 255
_SIGNALS: dict[int, Resource] = {signal.SIGXFSZ: "file size", signal.SIGXCPU: "processor time"}


class FfmpegError(Exception):
    """ffmpeg failed; the message is its last output."""


class Exhausted(Exception):
    """A resource ran out, or reached its limit."""

    def __init__(self, resource: Resource) -> None:
        super().__init__(f"ffmpeg ran out of {resource}")
        self.resource: Resource = resource


class Killed(Exception):
    """A program was killed, for example by a system that is short of memory: the next try may succeed."""


def failure(status: int, output: bytes) -> FfmpegError | Exhausted | Killed:
    """Return the exception for a status of ffmpeg and what it wrote to its standard error."""
    if status == -signal.SIGKILL:
        return Killed("ffmpeg was killed")
    text = output.decode(errors="replace").strip()[-500:]
    for message, resource in _MESSAGES.items():
        if message in text:
            return Exhausted(resource)
    if -status in _SIGNALS:
        return Exhausted(_SIGNALS[-status])
    if status == _STOPPED and not text:
        return Exhausted("processor time")
    return FfmpegError(text or f"ffmpeg failed with status {status} and no message")


@functools.cache
def ffmpeg_path() -> str:
    """Return the path of the ffmpeg program: the wheel's, whose features are known, or the system's.

    ``IMAGEIO_FFMPEG_EXE`` names another, as it does for the wheel. Raises FfmpegError if there is none.
    """
    # The wheel's own function also runs the program, and reports one that is killed meanwhile as missing.
    spec = importlib.util.find_spec("imageio_ffmpeg")
    folders = (spec.submodule_search_locations or []) if spec is not None else []
    bundled = (str(path) for folder in folders for path in sorted(Path(folder, "binaries").glob("ffmpeg-*")))
    program = os.environ.get("IMAGEIO_FFMPEG_EXE") or next(bundled, None) or shutil.which("ffmpeg")
    if program is None:
        raise FfmpegError("there is no ffmpeg; install the package imageio-ffmpeg")
    return program


def run_ffmpeg(arguments: Sequence[str], *, stdin: bytes | None = None, seconds: float = 600) -> bytes:
    """Run ffmpeg quietly and return what it writes to its standard output.

    Raises FfmpegError if it fails or takes longer than ``seconds``, Exhausted and Killed.
    """
    command = [ffmpeg_path(), "-hide_banner", "-loglevel", "error", "-y", *arguments]
    if stdin is None:
        command.insert(1, "-nostdin")
    try:
        # ffmpeg must not read this process's own standard input, from which a model process reads its jobs.
        done = subprocess.run(command, input=stdin or b"", capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise FfmpegError(f"ffmpeg took longer than {seconds:.0f} s") from error
    if done.returncode != 0:
        raise failure(done.returncode, done.stderr)
    return done.stdout
