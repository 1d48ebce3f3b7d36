"""Making what a run asks for: media fetched, an engine asked and watched, another model if that one fails."""

import base64
import hashlib
import logging
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from terrarium_server import assets, catalog, runs
from terrarium_server.assets import Source, UnknownMedium
from terrarium_server.catalog import MediaKind, ModelCard
from terrarium_server.engines import (
    CODES,
    Engine,
    Failed,
    Finished,
    Input,
    Job,
    Lost,
    Output,
    Refused,
    Ticket,
    Waiting,
)
from terrarium_server.media import FetchError
from terrarium_server.problems import InvalidInput
from terrarium_server.runs import Run

from ._bench import Bench

_log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
# How often a provider that is busy is asked again, and how long each time at most.
_TRIES = 3
_LONGEST_DELAY = 30.0
_PROGRESS_EVERY = 0.2
_PREVIEW_BYTES = 100_000

# Submits a job in the way the engine needs: with its ticket remembered, or without.
Submit = Callable[[Engine, Job], str]


class Over(Exception):
    """The run came to its end while it was being made: somebody cancelled it."""


def make(bench: Bench, run: Run, submit: Submit) -> Finished | Failed:
    """Let the run's model make it; if that fails for a reason of its own, the owner's second choice.

    Raises Over.
    """
    result = _make_with(bench, run, run.model_id, submit)
    other = bench.fallback.get(run.model_id)
    if other is not None and isinstance(result, Failed) and CODES[result.code].startswith("retry"):
        _log.warning("run %s: %s failed (%s); %s makes it", run.run_id, run.model_id, result.code, other)
        second = _make_with(bench, run, other, submit)
        return result if isinstance(second, Failed) else second
    return result


def find_engine(bench: Bench, model_id: str) -> Engine | None:
    """Return the engine of a model, None if the model or the engine is gone."""
    card = bench.catalog.get(model_id)
    return bench.engines.get(card.engine) if card is not None else None


def _make_with(bench: Bench, run: Run, model_id: str, submit: Submit) -> Finished | Failed:
    card = bench.catalog.get(model_id)
    engine = find_engine(bench, model_id)
    problem = "" if card is None or engine is None else bench.catalog.problem_of(card)
    if card is None or engine is None or problem is not None:
        message = f"The model {model_id} cannot be used on this server now; see GET /models. {problem}"
        return Failed("GENERATION_ENDPOINT_NOT_FOUND", message.strip())
    weights = catalog.find_weights(card, bench.weights)
    try:
        with _inputs(bench, run, card) as inputs:
            job = Job(
                key=run.run_id,
                model_id=model_id,
                type=run.type,
                prompt=run.prompt,
                params=_params(run, card),
                seed=_seed(run),
                inputs=inputs,
                options=card.options,
                weights=weights or {},
            )
            result = _submitted(bench, run, engine, job, submit)
            if isinstance(result, Lost) and engine.repeatable:
                result = _submitted(bench, run, engine, job, submit)
    except FetchError as error:
        return Failed("GENERATION_INVALID_URL", str(error))
    if isinstance(result, Lost):
        return Failed("GENERATION_NO_RESULT", "The engine lost this job; try once more.")
    return result


def _params(run: Run, card: ModelCard) -> dict[str, object]:
    """The run's parameters; for a second model, those of them that it takes too."""
    if card.id == run.model_id:
        return run.params
    known = {param.name for param in card.params}
    try:
        return catalog.check_params(card, {name: run.params[name] for name in known & run.params.keys()})
    except InvalidInput:
        return catalog.check_params(card, {})


def _seed(run: Run) -> int:
    seed = run.params.get("seed")
    if isinstance(seed, int):
        return seed
    # From the run's id, so that carrying the run out again after a crash makes the same.
    return int.from_bytes(hashlib.sha256(run.run_id.encode()).digest()[:6])


@contextmanager
def _inputs(bench: Bench, run: Run, card: ModelCard) -> Generator[dict[str, tuple[Input, ...]]]:
    """Bring the media that the run starts from onto this machine. Raises FetchError naming the parameter."""
    wanted = [(param, link) for param in card.params if param.media for link in param.links(run.params)]
    if not wanted:
        yield {}
        return
    found: dict[str, tuple[Input, ...]] = {}
    with tempfile.TemporaryDirectory(prefix="terrarium-run-") as folder:
        for number, (param, link) in enumerate(wanted):
            assert param.media is not None
            into = Path(folder) / f"input-{number}"
            try:
                medium = _open(bench, run, link, into, param.media)
            except (FetchError, UnknownMedium) as error:
                raise FetchError(f"params.{param.name}: {error}") from error
            found[param.name] = (*found.get(param.name, ()), medium)
        yield found


def _open(bench: Bench, run: Run, link: str, into: Path, kind: MediaKind) -> Input:
    with bench.database.transaction() as tx:
        source: Source = assets.find_source(tx, link, kind, partial(runs.owns_run, tx, run.workspace_id))
    return assets.open_source(source, into, kind, blobs=bench.blobs, rules=bench.fetch_rules)


def _submitted(bench: Bench, run: Run, engine: Engine, job: Job, submit: Submit) -> Finished | Failed | Lost:
    """Submit, again if a busy provider says when, and watch to the end."""
    for attempt in range(_TRIES):
        try:
            return _watch(bench, run, engine, Ticket(submit(engine, job)))
        except Refused as refused:
            failure = refused.failure
            if failure.retry_after is None or attempt + 1 == _TRIES:
                return failure
            _pause(bench, run, min(failure.retry_after, _LONGEST_DELAY))
    raise AssertionError("the last try returns")


def _pause(bench: Bench, run: Run, seconds: float) -> None:
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        time.sleep(min(left, _LOOK_SECONDS))
        _check_wanted(bench, run)


def _watch(bench: Bench, run: Run, engine: Engine, ticket: Ticket) -> Finished | Failed | Lost:
    reported, reported_at, checked_at = run.progress, 0.0, time.monotonic()
    shown: str | None = None
    while True:
        seen = engine.look(ticket, wait_seconds=_LOOK_SECONDS)
        if not isinstance(seen, Waiting):
            return seen
        percent = min(99, int(seen.progress * 100))
        preview = _as_text(seen.preview)
        now = time.monotonic()
        news = percent > reported or (preview is not None and preview != shown)
        if news and now - reported_at >= _PROGRESS_EVERY:
            with bench.database.transaction() as tx:
                runs.advance(tx, run.run_id, percent)
                if preview is not None and preview != shown:
                    runs.show(tx, run.run_id, preview)
            bench.signals.changed(run.run_id)
            reported, reported_at, shown = max(percent, reported), now, preview or shown
        if now - checked_at >= _LOOK_SECONDS / 2:
            checked_at = now
            try:
                _check_wanted(bench, run)
            except Over:
                engine.cancel(ticket)
                raise


def _check_wanted(bench: Bench, run: Run) -> None:
    """Raises Over once nobody waits for this run any more."""
    with bench.database.transaction() as tx:
        if runs.read_run(tx, run.run_id).is_over:
            raise Over


def _as_text(preview: Output | None) -> str | None:
    """What a preview is kept as: text, or a small picture as a ``data:`` link."""
    if preview is None or len(preview.data) > _PREVIEW_BYTES:
        return None
    if isinstance(preview.data, str):
        return preview.data or None
    return f"data:{preview.content_type};base64,{base64.b64encode(preview.data).decode()}"
