"""A file system in an image file, whose state can be copied as a power cut would leave it."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SIZE = 128 << 20
# A long commit interval, so that during a test the file system writes only what is flushed explicitly.
_OPTIONS = "loop,commit=300"


class MountError(Exception):
    """This account cannot mount a file system here; the message says what failed."""


@contextmanager
def new_disk(image: Path, folder: Path) -> Iterator[None]:
    """Create an empty file system in ``image`` and mount it on ``folder``. Raises MountError."""
    with image.open("wb") as file:
        file.truncate(_SIZE)
    # Write now what mkfs usually leaves to be written in the background.
    _do("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(image))
    with mounted(image, folder):
        yield


@contextmanager
def mounted(image: Path, folder: Path) -> Iterator[None]:
    """Mount a file system, recovering it from its journal if needed. Raises MountError."""
    folder.mkdir()
    _do("mount", "-t", "ext4", "-o", _OPTIONS, str(image), str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def copy_as_it_is(image: Path, copy: Path) -> None:
    """Copy what has reached the disk, without what the file system still holds in memory."""
    _do("cp", "--sparse=always", str(image), str(copy))


def _do(*arguments: str) -> None:
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    except OSError as error:
        raise MountError(f"{arguments[0]} cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        raise MountError(f"{' '.join(arguments[:2])} failed: {done.stderr.strip()}")
