"""The folder in which one job's process leaves the files that it makes. All of this may wait for a disk."""

import shutil
import time
import uuid
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ._contract import Output

# How long what was killed may take to be gone, and how often it is tried, in seconds.
_DYING, _PAUSE = 5.0, 0.02


def make_folder(scratch: Path) -> Path:
    """Make a folder for one job, under a name that no other has. Raises OSError."""
    folder = scratch / f"job-{uuid.uuid4().hex}"
    folder.mkdir(parents=True)
    return folder


def output_file(folder: Path, number: int) -> Path:
    """Return where the output of this number lies in a job's folder, if it is a file."""
    return folder / f"output-{number}"


def give_away(folder: Path, outputs: Iterable[Output]) -> tuple[Output, ...]:
    """Move the files of outputs out of their job's folder, so that it can go before they are taken.

    They lie beside the folder afterwards. Raises OSError, and leaves none of them then.
    """
    given: list[Output] = []
    try:
        for number, output in enumerate(outputs):
            given.append(_beside(folder, number, output))
    except OSError:
        discard(given)
        raise
    return tuple(given)


def _beside(folder: Path, number: int, output: Output) -> Output:
    if not isinstance(output.data, Path):
        return output
    return replace(output, data=output.data.replace(folder.with_name(f"{folder.name}-{number}")))


def discard(outputs: Iterable[Output]) -> None:
    """Delete the files of outputs that nobody takes."""
    for output in outputs:
        if isinstance(output.data, Path):
            output.data.unlink(missing_ok=True)


def remove_folder(folder: Path) -> None:
    """Delete a job's folder with what was left in it."""
    deadline = time.monotonic() + _DYING
    while True:
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists() or time.monotonic() > deadline:
            return
        # A program that was killed a moment ago made a file while we were at it.
        time.sleep(_PAUSE)
