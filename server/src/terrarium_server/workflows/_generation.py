"""How a generation is made, step by step.

    claim → submit → look … look → keep the outputs → settle

A durable step of DBOS costs milliseconds, so there is one where a crash would cost something and nowhere
else: `submit` on an engine that is not repeatable, whose ticket is checkpointed before anything else
happens. Looking again is free, keeping again leaves an unused blob, and settling is one transaction that a
second attempt finds done. A run on a repeatable engine needs no checkpoint at all.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from dbos import DBOS, SetWorkflowID
from sqlalchemy.exc import OperationalError

from terrarium_server import accounts, assets, canvas, ledger, runs
from terrarium_server.engines import Engine, Finished, Job, Refused
from terrarium_server.runs import Run, RunOutcome
from terrarium_server.store import Transaction

from ._bench import Bench
from ._making import Over, find_engine, make

_log = logging.getLogger(__name__)

_MAX_ATTEMPTS = 5
_RETRY_DELAYS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
_OUTPUT_TYPES = {"image": "imageUrl", "video": "videoUrl", "audio": "audioUrl", "text": "text"}

# What the registered workflows work with. DBOS allows one instance in a process, so there is one bench.
_benches: list[Bench] = []


def use_bench(bench: Bench | None) -> None:
    """Give the registered workflows what they work with, or take it away."""
    _benches[:] = [bench] if bench is not None else []


def _current() -> Bench:
    if not _benches:
        raise RuntimeError("no worker is launched in this process")
    return _benches[0]


def carry(bench: Bench, run: Run) -> None:
    """Carry a run that was just claimed to its end.

    On a repeatable engine a crash costs nothing but time: the run is found an orphan and claimed again,
    so nothing is checkpointed. On any other, DBOS remembers the ticket.
    """
    if _is_repeatable(bench, run):
        _carry(bench, run)
        return
    bench.claimed[run.run_id] = run
    with SetWorkflowID(run.run_id):
        generation(run.run_id)


# The names are stored with every run under way: renaming one strands it.
@DBOS.workflow(name="generation", max_recovery_attempts=None)
def generation(run_id: str) -> None:
    """Carry one run whose ticket must not be lost. Called again after a crash, it goes on."""
    bench = _current()
    run = bench.claimed.pop(run_id, None)
    if run is not None:
        _carry(bench, run)
        return
    bench.carried.add(run_id)
    try:
        run = _adopt(bench, run_id)
        if run is not None:
            _carry(bench, run)
    finally:
        bench.carried.discard(run_id)


def _carry(bench: Bench, run: Run) -> None:
    if run.attempts > _MAX_ATTEMPTS:
        message = f"Gave up after {_MAX_ATTEMPTS} attempts: a worker ended each time. Try a smaller request."
        fail_run(bench, run, RunOutcome("SERVER_ERROR", message))
        return
    try:
        result = make(bench, run, _submit)
        if isinstance(result, Finished):
            _settle(bench, run, result)
            return
        outcome = RunOutcome(result.code, result.message)
    except Over:
        return
    except Exception:
        _log.exception("run %s failed inside the server", run.run_id)
        outcome = RunOutcome("SERVER_ERROR", "The server could not carry this run out; try once more.")
    fail_run(bench, run, outcome)


def _is_repeatable(bench: Bench, run: Run) -> bool:
    """Whether every engine that may make this run is repeatable."""
    models = (run.model_id, bench.fallback.get(run.model_id))
    engines = [find_engine(bench, model) for model in models if model is not None]
    return all(engine is None or engine.repeatable for engine in engines)


def _submit(engine: Engine, job: Job) -> str:
    """Submit a job; where a second submit would cost something, the first one's outcome is remembered."""
    if engine.repeatable:
        return engine.submit(job)
    outcome = _submit_once(engine.name, job)
    if "ticket" in outcome:
        return outcome["ticket"]
    raise Refused(outcome["code"], outcome["message"], retry_after=outcome["retry_after"])


@DBOS.step(name="submit")
def _submit_once(engine_name: str, job: Job) -> dict[str, Any]:
    engine = _current().engines.get(engine_name)
    assert engine is not None, "checked by the caller"
    try:
        return {"ticket": engine.submit(job)}
    except Refused as refused:
        failure = refused.failure
        return {"code": failure.code, "message": failure.message, "retry_after": failure.retry_after}


def _adopt(bench: Bench, run_id: str) -> Run | None:
    """Read a run that is carried on after a crash; None if it is over."""
    with bench.database.transaction() as tx:
        run = runs.read_run(tx, run_id)
        if run.is_over:
            return None
        if run.worker_id != bench.worker_id:
            # The survivor that recovered it and the worker that dequeued it may be two.
            runs.hand_on(tx, run_id, bench.worker_id)
        return run


def _settle(bench: Bench, run: Run, result: Finished) -> None:
    now_ms = time.time_ns() // 1_000_000
    kept = [
        assets.keep(
            bench.blobs,
            run.run_id,
            position,
            type=_OUTPUT_TYPES[run.type],
            content_type=output.content_type,
            data=output.data,
            width=output.width,
            height=output.height,
            now_ms=now_ms,
        )
        for position, output in enumerate(result.outputs)
    ]

    in_time = False

    def settle(tx: Transaction) -> None:
        nonlocal in_time
        in_time = runs.complete(tx, run.run_id, run.held_micros)
        if not in_time:
            return
        ledger.settle(tx, run.workspace_id, run.run_id, run.held_micros, run.held_micros)
        assets.record_outputs(tx, kept)
        canvas.land(tx, run.node_id, [(output.output_id, output.width, output.height) for output in kept])

    _persist(bench, run, settle)
    if not in_time:
        # Cancelled in the last moment, or settled by a worker that took over.
        for output in kept:
            if output.blob is not None:
                bench.blobs.delete(output.blob)


def fail_run(bench: Bench, run: Run, outcome: RunOutcome) -> None:
    """Move a run to failed and release its whole hold; nothing happens if it is over already."""

    def release(tx: Transaction) -> None:
        if runs.fail(tx, run.run_id, outcome):
            ledger.release(tx, run.workspace_id, run.run_id, run.held_micros)
            accounts.give_back(tx, run.key_id, run.held_micros)

    _persist(bench, run, release)


def _persist(bench: Bench, run: Run, work: Callable[[Transaction], None]) -> None:
    """Write a run's end, waiting for a database that is away for a while: the work was done already."""
    for delay in (*_RETRY_DELAYS, None):
        try:
            with bench.database.transaction() as tx:
                work(tx)
            break
        except OperationalError:
            if delay is None:
                raise
            _log.exception("run %s: the database did not take its end; again in %s s", run.run_id, delay)
            time.sleep(delay)
    bench.signals.changed(run.run_id)
