"""Where outputs go: sensible names, and nothing overwritten unasked."""

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

_LONGEST = 48


def check(out: Path | None, *, force: bool) -> None:
    """Refuse a file that exists before anything is paid for."""
    if out is not None and out.exists() and not out.is_dir() and not force:
        raise BadInput(f"{out} exists; give another --out, or --force to overwrite it")


def name_for(prompt: str, run_id: str) -> str:
    """The beginning of a file name: what was asked for, and a bit of the run's id."""
    words = re.sub(r"[^\w]+", "-", prompt.lower()).strip("-_")
    if len(words) > _LONGEST:
        words = words[:_LONGEST].rpartition("-")[0] or words[:_LONGEST]
    return f"{words or 'output'}-{run_id[-6:]}"


def is_folder(out: str) -> bool:
    """Whether a path given by a person means a folder."""
    return out.endswith(("/", os.sep)) or Path(out).is_dir()


def save(
    flora: Flora, outputs: Sequence[RunOutput], out: str | None, name: str, *, force: bool
) -> list[Path]:
    """Save outputs into a folder, or to a file and its numbered siblings."""
    if out is None or is_folder(out):
        folder = Path(out) if out is not None else Path()
        folder.mkdir(parents=True, exist_ok=True)
        return [flora.download(output, to=folder, name=name) for output in outputs]
    target = Path(out)
    saved: list[Path] = []
    for number, output in enumerate(outputs, start=1):
        sibling = target if number == 1 else target.with_name(f"{target.stem}-{number}{target.suffix}")
        saved.append(flora.download(output, to=sibling, overwrite=force))
    return saved
