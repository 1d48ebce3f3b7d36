"""The folder for the files of one job. All functions here may block on the disk."""

import shutil
import time
import uuid
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from terrarium_server.engines import Output, discard

# How long to retry while killed programs are still ending, and how often, in seconds.
_TIMEOUT, _PAUSE = 5.0, 0.02


def make_folder(scratch: Path) -> Path:
    """Make a folder with a unique name. Raises OSError."""
    folder = scratch / f"job-{uuid.uuid4().hex}"
    folder.mkdir(parents=True)
    return folder


def move_outputs(folder: Path, outputs: Iterable[Output]) -> tuple[Output, ...]:
    """Move the files of outputs out of a job's folder into its parent, so that the folder can be deleted.

    Raises OSError, after deleting those that were moved.
    """
    moved: list[Output] = []
    try:
        for number, output in enumerate(outputs):
            moved.append(_move(folder, number, output))
    except OSError:
        discard(moved)
        raise
    return tuple(moved)


def _move(folder: Path, number: int, output: Output) -> Output:
    if not isinstance(output.data, Path):
        return output
    return replace(output, data=output.data.replace(folder.with_name(f"{folder.name}-{number}")))


def remove_folder(folder: Path) -> None:
    """Delete a job's folder and the files in it."""
    deadline = time.monotonic() + _TIMEOUT
    while True:
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists() or time.monotonic() > deadline:
            return
        # A program that is still ending made a file meanwhile.
        time.sleep(_PAUSE)
