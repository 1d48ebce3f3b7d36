import functools
import shutil
import subprocess
from collections.abc import Sequence


class FfmpegError(Exception):
    """ffmpeg did not do it; the message is what it said last."""


@functools.cache
def ffmpeg_path() -> str:
    """Return the ffmpeg program: the wheel's, whose abilities we know, or the system's."""
    import imageio_ffmpeg  # pyright: ignore[reportMissingTypeStubs]

    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        found = shutil.which("ffmpeg")
        if found is None:
            raise FfmpegError("there is no ffmpeg; install the package imageio-ffmpeg") from error
        return found


def run_ffmpeg(arguments: Sequence[str], *, stdin: bytes | None = None, seconds: float = 600) -> bytes:
    """Run ffmpeg quietly and return what it writes to its standard output.

    Raises FfmpegError if it fails or takes longer than ``seconds``.
    """
    command = [ffmpeg_path(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y", *arguments]
    if stdin is not None:
        command.remove("-nostdin")
    try:
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise FfmpegError(f"gave up after {seconds:.0f} s") from error
    if done.returncode != 0:
        raise FfmpegError(done.stderr.decode(errors="replace").strip()[-500:] or "it failed without a word")
    return done.stdout
