"""What the commands do with a run that they have started: wait for it, save its outputs, sum it up."""

from __future__ import annotations

import shlex
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from ._format import usd
from ._progress import show_progress
from ._report import Exit, emit_json, fail, note, printable
from ._saving import Saved, name_for, prepare_folder, prepare_out, save
from ._steps import failure_line, summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .. import Flora
    from ..types import Run, RunStep

_PARALLEL_DOWNLOADS = 8
# The most failures that are listed.
_MOST_LISTED = 20


def prepare_for(run: Run, out: str | None, *, force: bool) -> None:
    """Check ``--out`` for the outputs of this run, or of one like it, before anything is paid or waited for.

    Raises ``BadInput`` for one that cannot be used.
    """
    if run.steps is not None:
        prepare_folder(out or ".")
    elif out is not None:
        prepare_out(out, force=force)


def wait_for_end(
    flora: Flora, run_id: str, *, estimate: float | None, timeout: float | None, as_json: bool
) -> Run:
    """Wait for a run and show its progress; after an interrupt the run continues on the server."""
    with _says_how_to_go_on(run_id), show_progress(estimate=estimate, silent=as_json) as on_progress:
        return flora.runs.wait(run_id, timeout=timeout, on_progress=on_progress, raise_on_failure=False)


def finish(flora: Flora, run: Run, *, out: str | None, name: str, force: bool, as_json: bool) -> None:
    """Save the outputs of a run that has ended and print a summary.

    The outputs of a batch are saved into a folder, by default ``name``. Raises ``RunFailedError`` for a
    failed run. Exits with code 8 if an output could not be saved, else with 5 if a run of a batch failed.
    """
    with _says_how_to_go_on(run.run_id):
        if run.steps is not None:
            _finish_batch(flora, run, run.steps, folder=out or name, as_json=as_json)
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


def report_failures(steps: Sequence[RunStep]) -> bool:
    """List the runs of a batch that failed; whether there are any."""
    failed = [failure_line(step) for step in steps if step.status in ("failed", "skipped")]
    if failed:
        _fail_with_list(f"{len(failed)} of {len(steps)} runs failed", failed)
    return bool(failed)


@contextmanager
def _says_how_to_go_on(run_id: str) -> Generator[None]:
    """Name a run that has been paid for when the command is interrupted, or loses the server."""
    from .. import APIError

    hint = f"`terrarium runs wait {run_id}` goes on: it waits for the run and saves its outputs."
    try:
        yield
    except KeyboardInterrupt:
        note(f"\n{hint}")
        raise typer.Exit(Exit.INTERRUPTED) from None
    except APIError:
        note(hint)
        raise


def _finish_run(flora: Flora, run: Run, *, out: str | None, name: str, force: bool, as_json: bool) -> None:
    if run.status != "completed":
        from .. import RunFailedError

        raise RunFailedError(run)
    outputs = run.outputs or []
    # Text is printed; it is saved only when --out names a file.
    to_save = outputs if out is not None else [output for output in outputs if output.type != "text"]
    saved = save(flora, to_save, out, name, force=force)
    if as_json:
        emit_json({**run.to_dict(), **saved.to_dict()})
    else:
        note(summary_of(run))
        if not outputs:
            note("The run has no outputs.")
        for output in outputs:
            if output.type == "text" and out is None:
                typer.echo(printable(output.url))
        _print_files(saved)
    if saved.errors:
        again = f"Save again with `terrarium runs wait {run.run_id}{_out_option(out)}`."
        message = f"{len(saved.errors)} of {len(to_save)} outputs could not be saved"
        _fail_with_list(message, [*map(str, saved.errors)], remedy=again)
        raise typer.Exit(Exit.NOT_SAVED)


def _finish_batch(flora: Flora, run: Run, steps: Sequence[RunStep], *, folder: str, as_json: bool) -> None:
    from .. import FloraError

    completed = [(place, step) for place, step in enumerate(steps) if step.status == "completed"]
    digits = len(str(max(0, len(steps) - 1)))

    def save_step(item: tuple[int, RunStep]) -> Saved:
        place, step = item
        try:
            # Only the run itself has its prompt, which names the files.
            member = flora.runs.retrieve(step.run_id)
        except FloraError as error:
            return Saved(errors=[error])
        name = f"{place:0{digits}}-{name_for(member.prompt or '', member.run_id)}"
        return save(flora, member.outputs or [], f"{folder}/", name, force=False)

    with ThreadPoolExecutor(_PARALLEL_DOWNLOADS) as pool:
        run_ids = [step.run_id for _, step in completed]
        saved = dict(zip(run_ids, pool.map(save_step, completed), strict=True))
    if as_json:
        body = run.to_dict()
        body["steps"] = [{**step.to_dict(), **saved.get(step.run_id, Saved()).to_dict()} for step in steps]
        emit_json(body)
    else:
        note(summary_of(run))
        for each in saved.values():
            _print_files(each)
    failed = report_failures(steps)
    not_saved = [
        f"{step.step} ({step.run_id}): {error}"
        for _, step in completed
        for error in saved[step.run_id].errors
    ]
    if not_saved:
        again = (
            f"Save one again with `terrarium runs wait RUN_ID{_out_option(f'{folder}/')}`, "
            f"or all with `terrarium runs wait {run.run_id} --out FOLDER`."
        )
        _fail_with_list(f"Not all outputs could be saved: {len(not_saved)} missing", not_saved, remedy=again)
        raise typer.Exit(Exit.NOT_SAVED)
    if failed:
        raise typer.Exit(Exit.RUN_FAILED)


def _print_files(saved: Saved) -> None:
    for path in saved.files:
        typer.echo(path)


def _out_option(out: str | None) -> str:
    return f" --out {shlex.quote(out)}" if out is not None else ""


def _fail_with_list(message: str, lines: Sequence[str], *, remedy: str | None = None) -> None:
    more = [f"and {len(lines) - _MOST_LISTED} more"] if len(lines) > _MOST_LISTED else []
    fail(message, *lines[:_MOST_LISTED], *more, remedy=remedy)
