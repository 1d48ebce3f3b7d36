"""A disk of its own in a file, so that one can see what is on it when its power is cut."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SIZE = 128 << 20
# The file system writes nothing down of itself while a test lasts, so that nothing is there by luck.
_OPTIONS = "loop,commit=300"


class NoDisk(Exception):
    """This account cannot mount a file system here; the message says what was tried."""


@contextmanager
def new_disk(image: Path, folder: Path) -> Iterator[None]:
    """Make an empty file system in ``image`` and mount it on ``folder``. Raises NoDisk."""
    with image.open("wb") as file:
        file.truncate(_SIZE)
    # All that is usually written later, in the background, is written now.
    _do("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(image))
    with mounted(image, folder):
        yield


@contextmanager
def mounted(image: Path, folder: Path) -> Iterator[None]:
    """Mount a file system; one that was not unmounted before is put right from its journal. Raises NoDisk."""
    folder.mkdir()
    _do("mount", "-t", "ext4", "-o", _OPTIONS, str(image), str(folder))
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def copy_as_it_is(image: Path, copy: Path) -> None:
    """Copy what has reached the disk; what the file system still has in memory is not in it."""
    _do("cp", "--sparse=always", str(image), str(copy))


def _do(*words: str) -> None:
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False)
    except OSError as error:
        raise NoDisk(f"{words[0]} cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        raise NoDisk(f"{' '.join(words[:2])} failed: {done.stderr.strip()}")
