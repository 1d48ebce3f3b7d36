"""Waiting for the end of a run or a batch, and what is made of it: files, a summary, an exit code."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ._format import usd
from ._progress import show_progress
from ._report import BadInput, Exit, emit_json, fail, note, printable
from ._saving import name_for, save
from ._steps import failure_line, summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .. import Flora
    from ..types import Run, RunStep

_PARALLEL_DOWNLOADS = 8
# The most failures that are listed.
_MOST_LISTED = 20


def wait_for_end(
    flora: Flora, run_id: str, *, estimate: float | None, timeout: float | None, as_json: bool
) -> Run:
    """Wait for a run and show its progress; after an interrupt the run continues on the server."""
    try:
        with show_progress(estimate=estimate, silent=as_json) as on_progress:
            return flora.runs.wait(run_id, timeout=timeout, on_progress=on_progress, raise_on_failure=False)
    except KeyboardInterrupt:
        note(f"\nThe run continues; wait for it with `terrarium runs wait {run_id}`.")
        raise typer.Exit(Exit.INTERRUPTED) from None


def refuse_file_as_folder(folder: str) -> None:
    """Raise ``BadInput`` for a file where a folder is needed, before a run is paid for."""
    if Path(folder).exists() and not Path(folder).is_dir():
        raise BadInput(f"{folder} is a file; choose a folder with --out")


def finish(flora: Flora, run: Run, *, out: str | None, name: str, force: bool, as_json: bool) -> None:
    """Save the outputs of a run that has ended and print a summary.

    The outputs of a batch are saved into a folder, by default ``name``. Raises ``RunFailedError`` for a
    failed run, and exits with code 5 if a run of a batch failed.
    """
    if run.steps is not None:
        _finish_batch(flora, run, folder=out or name, as_json=as_json)
    else:
        _finish_run(flora, run, out=out, name=name, force=force, as_json=as_json)


def summary_of(run: Run) -> str:
    """What a run that has ended cost and took, and how the runs of a batch ended."""
    parts = [usd(run.charged_cost) or "cost not known yet"]
    if run.completed_at is not None and run.started_at is not None:
        parts.append(f"{(run.completed_at - run.started_at) / 1000:.1f} s")
    if run.model:
        parts.append(run.model.model_id)
    if run.counts:
        parts.append(summary(run.counts))
    return f"{run.run_id}: {', '.join(parts)}"


def exit_if_any_failed(steps: Sequence[RunStep]) -> None:
    """List the runs of a batch that failed and exit with code 5, if there are any."""
    failed = [step for step in steps if step.status in ("failed", "skipped")]
    if not failed:
        return
    lines = [failure_line(step) for step in failed[:_MOST_LISTED]]
    if len(failed) > _MOST_LISTED:
        lines.append(f"and {len(failed) - _MOST_LISTED} more")
    fail(f"{len(failed)} of {len(steps)} runs failed", *lines)
    raise typer.Exit(Exit.RUN_FAILED)


def _finish_run(flora: Flora, run: Run, *, out: str | None, name: str, force: bool, as_json: bool) -> None:
    if run.status != "completed":
        from .. import RunFailedError

        raise RunFailedError(run)
    outputs = run.outputs or []
    # Text is printed; it is saved only when --out names a file.
    to_save = outputs if out is not None else [output for output in outputs if output.type != "text"]
    saved = save(flora, to_save, out, name, force=force)
    if as_json:
        emit_json({**run.to_dict(), "files": [str(path) for path in saved]})
        return
    note(summary_of(run))
    if not outputs:
        note("The run has no outputs.")
    for output in outputs:
        if output.type == "text" and out is None:
            typer.echo(printable(output.url))
    for path in saved:
        typer.echo(path)


def _finish_batch(flora: Flora, run: Run, *, folder: str, as_json: bool) -> None:
    steps = run.steps or []
    completed = [(place, step) for place, step in enumerate(steps) if step.status == "completed"]
    digits = len(str(max(0, len(steps) - 1)))

    def save_one(item: tuple[int, RunStep]) -> list[Path]:
        place, step = item
        member = flora.runs.retrieve(step.run_id)
        name = f"{place:0{digits}}-{name_for(member.prompt or '', member.run_id)}"
        return save(flora, member.outputs or [], f"{folder}/", name, force=False)

    with ThreadPoolExecutor(_PARALLEL_DOWNLOADS) as pool:
        saved = list(pool.map(save_one, completed))
    if as_json:
        files = {step.run_id: [*map(str, paths)] for (_, step), paths in zip(completed, saved, strict=True)}
        body = run.to_dict()
        body["steps"] = [{**step.to_dict(), "files": files.get(step.run_id, [])} for step in steps]
        emit_json(body)
    else:
        note(summary_of(run))
        for path in (path for paths in saved for path in paths):
            typer.echo(path)
    exit_if_any_failed(steps)
