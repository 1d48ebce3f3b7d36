"""Saving outputs: file names, and protection of existing files."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ._report import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .. import Flora
    from .._wire import RunOutput

_LONGEST_NAME = 48


def refuse_existing_file(out: Path | None, *, force: bool) -> None:
    """Raise ``BadInput`` for a file that exists, before a run is paid for."""
    if out is not None and out.exists() and not out.is_dir() and not force:
        raise BadInput(f"{out} exists; choose another --out, or add --force to overwrite it")


def name_for(prompt: str, run_id: str) -> str:
    """The beginning of a file name: words of the prompt, and the end of the run's id."""
    words = re.sub(r"[^\w]+", "-", prompt.lower()).strip("-_")
    if len(words) > _LONGEST_NAME:
        words = words[:_LONGEST_NAME].rpartition("-")[0] or words[:_LONGEST_NAME]
    return f"{words or 'output'}-{run_id[-6:]}"


def is_folder(out: str) -> bool:
    """Whether a path on the command line means a folder."""
    return out.endswith(("/", os.sep)) or Path(out).is_dir()


def save(
    flora: Flora, outputs: Sequence[RunOutput], out: str | None, name: str, *, force: bool
) -> list[Path]:
    """Save outputs into a folder, or as a file; further ones get numbered names."""
    if out is None or is_folder(out):
        folder = Path(out) if out is not None else Path()
        folder.mkdir(parents=True, exist_ok=True)
        return [flora.download(output, to=folder, name=name) for output in outputs]
    target = Path(out)
    saved: list[Path] = []
    for number, output in enumerate(outputs, start=1):
        numbered = target if number == 1 else target.with_name(f"{target.stem}-{number}{target.suffix}")
        saved.append(flora.download(output, to=numbered, overwrite=force))
    return saved
