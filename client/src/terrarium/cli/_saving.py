"""Saving outputs: file names, protection of existing files, and what could not be saved."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ._report import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .. import Flora
    from .._wire import RunOutput

_LONGEST_NAME = 48


@dataclass(frozen=True, slots=True)
class Saved:
    """The files with the outputs of a run, and why further outputs could not be saved."""

    files: list[Path] = field(default_factory=list[Path])
    errors: list[Exception] = field(default_factory=list[Exception])

    def to_dict(self) -> dict[str, list[str]]:
        """The same for JSON."""
        return {"files": [*map(str, self.files)], "save_errors": [*map(str, self.errors)]}


def prepare_out(out: str, *, force: bool) -> None:
    """Make the folder that ``--out`` names or is in, before a run is paid for.

    Raises ``BadInput`` for one that cannot be used, and for a file that exists.
    """
    if is_folder(out):
        prepare_folder(out)
        return
    # A link to nothing cannot be overwritten either.
    if os.path.lexists(out) and not force:
        raise BadInput(f"{out} exists; choose another --out, or add --force to overwrite it")
    prepare_folder(os.path.dirname(out) or ".")


def prepare_folder(folder: str) -> None:
    """Make a folder, before a run is paid for. Raises ``BadInput`` if no file can be made in it."""
    if Path(folder).exists() and not Path(folder).is_dir():
        raise BadInput(f"{folder} is a file; choose a folder with --out")
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise BadInput(f"{folder} cannot be written to ({error.strerror}); choose another --out") from error


def name_for(prompt: str, run_id: str) -> str:
    """The beginning of a file name: words of the prompt, and the end of the run's id."""
    words = re.sub(r"[^\w]+", "-", prompt.lower()).strip("-_")
    if len(words) > _LONGEST_NAME:
        words = words[:_LONGEST_NAME].rpartition("-")[0] or words[:_LONGEST_NAME]
    return f"{words or 'output'}-{run_id[-6:]}"


def is_folder(out: str) -> bool:
    """Whether a path on the command line means a folder."""
    return out.endswith(("/", os.sep)) or Path(out).is_dir()


def save(flora: Flora, outputs: Sequence[RunOutput], out: str | None, name: str, *, force: bool) -> Saved:
    """Save outputs into a folder, or as a file; further ones get numbered names.

    An output that cannot be saved does not stop the others.
    """
    from .. import FloraError

    saved = Saved()
    into_folder = out is None or is_folder(out)
    target = Path(out or ".")
    for number, output in enumerate(outputs, start=1):
        try:
            if into_folder:
                path = flora.download(output, to=f"{target}/", name=name)
            else:
                numbered = (
                    target if number == 1 else target.with_name(f"{target.stem}-{number}{target.suffix}")
                )
                path = flora.download(output, to=numbered, overwrite=force)
        except (FloraError, OSError) as error:
            saved.errors.append(error)
        else:
            saved.files.append(path)
    return saved
