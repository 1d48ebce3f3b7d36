"""The progress of running runs: written by workers, read by those who watch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from terrarium_server.store import Transaction

from ._graphs import graph_progress
from ._tables import RUNNING, run_progress, runs


@dataclass(frozen=True, slots=True)
class RunProgress:
    """The progress of a running run in percent, and the text or a small picture so far."""

    run_id: str
    root_run_id: str
    claim: int
    percent: int
    preview: str | None


@dataclass(frozen=True, slots=True)
class ShownProgress:
    """What a run shows to those who watch ``stream``. It has changed if ``version`` is another one."""

    stream: str
    run_id: str
    root_run_id: str
    version: int
    percent: int
    preview: str | None


@dataclass(frozen=True, slots=True)
class WatchedProgress:
    """The progress that has changed, and the runs that have any."""

    changed: Sequence[ShownProgress]
    run_ids: frozenset[str]


def write_progress(tx: Transaction, worker_id: str, progress: Sequence[RunProgress]) -> None:
    """Write the progress of running runs, each only if this worker has it under that claim."""
    parameters = [
        {
            "progress_run": one.run_id,
            "progress_claim": one.claim,
            "progress_percent": one.percent,
            "progress_preview": one.preview,
            "progress_worker": worker_id,
            "progress_now": tx.now_ms,
        }
        for one in progress
    ]
    if parameters:
        tx.execute(_WRITE_PROGRESS[tx.dialect], parameters)
    for one in progress:
        tx.publish("progress", one.run_id)
        tx.publish("progress", one.root_run_id)


def forget_progress(tx: Transaction, *, older_than_ms: int, limit: int) -> int:
    """Delete the progress of runs that no longer run; return the number of deleted rows."""
    old = (
        sa.select(run_progress.c.run_id)
        .join(runs, runs.c.run_id == run_progress.c.run_id)
        .where(run_progress.c.updated_at < tx.now_ms - older_than_ms, runs.c.state.not_in(("running",)))
        .limit(limit)
    )
    return tx.execute(sa.delete(run_progress).where(run_progress.c.run_id.in_(old))).rowcount


def watched_progress(tx: Transaction, streams: Sequence[str], known: Mapping[str, int]) -> WatchedProgress:
    """Return the progress of the running runs of these streams of events, and of the graphs they belong to.

    ``known`` has the version of each run that the caller has seen; previews are read only for others.
    """
    found: dict[str, tuple[str, str, int]] = {}
    graphs: dict[str, str] = {}
    for run_id, root, is_member, stream, version in map(tuple, tx.execute(_WATCHED, {"streams": [*streams]})):
        if is_member:
            graphs[root] = stream
        if version is not None:
            found[run_id] = (stream, root, version)
    new = {run_id for run_id, (_, _, version) in found.items() if known.get(run_id) != version}
    rows = tx.execute(_SHOWN, {"runs": [*new]}) if new else ()
    changed = [
        ShownProgress(found[run_id][0], run_id, found[run_id][1], version, percent, preview)
        for run_id, version, percent, preview in map(tuple, rows)
    ]
    for root, stream in graphs.items():
        percent = graph_progress(tx, root)
        if known.get(root) != percent:
            changed.append(ShownProgress(stream, root, root, percent, percent, None))
    return WatchedProgress(changed, frozenset(found.keys() | graphs.keys()))


def _progress_statement(dialect: Any) -> sa.Executable:
    parameters = {
        "run_id": sa.bindparam("progress_run", type_=sa.Text),
        "worker_id": sa.bindparam("progress_worker", type_=sa.Text),
        "claim": sa.bindparam("progress_claim", type_=sa.Integer),
        "percent": sa.bindparam("progress_percent", type_=sa.Integer),
        "preview": sa.bindparam("progress_preview", type_=sa.Text),
        "updated_at": sa.bindparam("progress_now", type_=sa.BigInteger),
    }
    held = sa.select(*parameters.values()).where(
        runs.c.run_id == parameters["run_id"],
        runs.c.state == "running",
        runs.c.worker_id == parameters["worker_id"],
        runs.c.claim == parameters["claim"],
    )
    statement = dialect(run_progress).from_select(list(parameters), held)
    new, old = statement.excluded, run_progress.c
    return statement.on_conflict_do_update(
        index_elements=["run_id"],
        set_={
            "worker_id": new.worker_id,
            "claim": new.claim,
            # Progress never goes back, even when a second worker starts from the beginning.
            "percent": sa.case((new.percent > old.percent, new.percent), else_=old.percent),
            "preview": sa.func.coalesce(new.preview, old.preview),
            "updated_at": new.updated_at,
        },
    )


_WRITE_PROGRESS = {
    "sqlite": _progress_statement(sqlite.insert),
    "postgresql": _progress_statement(postgresql.insert),
}
_STREAM = sa.func.coalesce(runs.c.project_id, runs.c.root_run_id)
# The time of its writing is only compared for equality, because the clocks of workers differ.
_WATCHED = (
    sa.select(
        runs.c.run_id,
        runs.c.root_run_id,
        runs.c.parent_run_id.is_not(None),
        _STREAM,
        run_progress.c.updated_at,
    )
    .outerjoin(run_progress, run_progress.c.run_id == runs.c.run_id)
    .where(RUNNING, _STREAM.in_(sa.bindparam("streams", expanding=True)))
)
_SHOWN = sa.select(
    run_progress.c.run_id, run_progress.c.updated_at, run_progress.c.percent, run_progress.c.preview
).where(run_progress.c.run_id.in_(sa.bindparam("runs", expanding=True)))
