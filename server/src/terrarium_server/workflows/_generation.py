"""How a generation is made, step by step.

    claim → submit → look … look → keep the outputs → settle

A durable step of DBOS costs milliseconds, so there is one where a crash would cost something and nowhere
else: `submit` on an engine that is not repeatable, whose ticket is checkpointed before anything else
happens. Looking again is free, keeping again leaves an unused blob, and settling is one transaction that a
second attempt finds done. A run on a repeatable engine needs no checkpoint at all.
"""

import hashlib
import logging
import time
from collections.abc import Callable

from dbos import DBOS, SetWorkflowID
from sqlalchemy.exc import OperationalError

from terrarium_server import accounts, assets, canvas, ledger, runs
from terrarium_server.engines import Engine, Failed, Finished, Job, Lost, Refused, Ticket, Waiting
from terrarium_server.runs import Run, RunOutcome
from terrarium_server.store import Transaction

from ._bench import Bench

_log = logging.getLogger(__name__)

_MAX_ATTEMPTS = 5
_LOOK_SECONDS = 2.0
_RETRY_DELAYS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
_PROGRESS_EVERY = 0.2
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
    engine = _find_engine(bench, run.model_id)
    if engine is None or engine.repeatable:
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
        result = _make(bench, run)
        if isinstance(result, Finished):
            _settle(bench, run, result)
            return
        outcome = RunOutcome(result.code, result.message)
    except Exception:
        _log.exception("run %s failed inside the server", run.run_id)
        outcome = RunOutcome("SERVER_ERROR", "The server could not carry this run out; try once more.")
    fail_run(bench, run, outcome)


@DBOS.step(name="submit")
def _submit_once(job: Job) -> str:
    engine = _find_engine(_current(), job.model_id)
    assert engine is not None, "checked by the caller"
    return engine.submit(job)


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


def _find_engine(bench: Bench, model_id: str) -> Engine | None:
    card = bench.catalog.get(model_id)
    return bench.engines.get(card.engine) if card is not None else None


def _make(bench: Bench, run: Run) -> Finished | Failed:
    engine = _find_engine(bench, run.model_id)
    if engine is None:
        message = f"The model {run.model_id} is not set up on this server any more; see GET /models."
        return Failed("GENERATION_ENDPOINT_NOT_FOUND", message)
    job = _job(run)
    try:
        if not engine.repeatable:
            result = _watch(bench, run, engine, Ticket(_submit_once(job)))
        else:
            result = _watch(bench, run, engine, engine.submit(job))
            if isinstance(result, Lost):
                result = _watch(bench, run, engine, engine.submit(job))
    except Refused as refused:
        return refused.failure
    if isinstance(result, Lost):
        return Failed("GENERATION_NO_RESULT", "The engine lost this job; try once more.")
    return result


def _job(run: Run) -> Job:
    seed = run.params.get("seed")
    if not isinstance(seed, int):
        # From the run's id, so that carrying the run out again after a crash makes the same.
        seed = int.from_bytes(hashlib.sha256(run.run_id.encode()).digest()[:6])
    return Job(run.run_id, run.model_id, run.type, run.prompt, run.params, seed)


def _watch(bench: Bench, run: Run, engine: Engine, ticket: Ticket) -> Finished | Failed | Lost:
    reported = run.progress
    reported_at = 0.0
    while True:
        seen = engine.look(ticket, wait_seconds=_LOOK_SECONDS)
        if not isinstance(seen, Waiting):
            return seen
        percent = min(99, int(seen.progress * 100))
        now = time.monotonic()
        if percent > reported and now - reported_at >= _PROGRESS_EVERY:
            with bench.database.transaction() as tx:
                runs.advance(tx, run.run_id, percent)
            bench.signals.changed(run.run_id)
            reported, reported_at = percent, now


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

    def settle(tx: Transaction) -> None:
        if not runs.complete(tx, run.run_id, run.held_micros):
            return
        ledger.settle(tx, run.workspace_id, run.run_id, run.held_micros, run.held_micros)
        assets.record_outputs(tx, kept)
        canvas.land(tx, run.node_id, [(output.output_id, output.width, output.height) for output in kept])

    _persist(bench, run, settle)


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
