"""Builds the job for an engine: the card, the parameters, and the run's input media as files."""

import asyncio
import logging
import tempfile
from collections.abc import AsyncGenerator, Coroutine, Iterable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from terrarium_server import assets, catalog, runs
from terrarium_server.assets import Source, UnknownMedium
from terrarium_server.catalog import ModelCard, Param
from terrarium_server.engines import Engine, Failed, Input, Job
from terrarium_server.engines.processes import remove_folder
from terrarium_server.media import FetchError
from terrarium_server.problems import InvalidInput
from terrarium_server.runs import Run

from ._capacity import EngineCapacity
from ._context import Context
from ._writes import Writes

_log = logging.getLogger(__name__)

# A shortage of file descriptors or disk space may pass; in seconds.
_RETRY_DELAYS = (0.5, 2.0)


def find_model(context: Context, model_id: str) -> tuple[ModelCard, Engine] | Failed:
    """Return a model's card and engine, or the failure that says why it cannot be used here now."""
    card = context.catalog.get(model_id)
    engine = context.engines.get(card.engine) if card is not None else None
    problem = "" if card is None or engine is None else context.catalog.problem_of(card)
    if card is None or engine is None or problem is not None:
        message = f"The model {model_id} cannot be used on this server now; see GET /models. {problem}"
        return Failed("GENERATION_ENDPOINT_NOT_FOUND", message.strip())
    return card, engine


@asynccontextmanager
async def open_job(
    context: Context, writes: Writes, capacity: EngineCapacity, run: Run, card: ModelCard, key: str
) -> AsyncGenerator[Job]:
    """Fetch a run's input media into files, which exist within the block, and yield the job for an engine.

    Raises FetchError naming the parameter, TooManyFetches, and NotHeld.
    """
    async with _inputs(context, writes, capacity, run, card) as inputs:
        yield Job(
            key=key,
            model_id=card.id,
            type=run.type,
            prompt=run.prompt or "",
            params=_params(run, card),
            seed=run.seed,
            inputs=inputs,
            options=card.options,
            weights=catalog.find_weights(card, context.weights) or {},
        )


def _params(run: Run, card: ModelCard) -> dict[str, object]:
    """Return the run's parameters; for a fallback model, those of them that it accepts."""
    if card.id == run.subject:
        return run.input
    accepted = {param.name for param in card.params}
    try:
        return catalog.check_params(card, {name: run.input[name] for name in accepted & run.input.keys()})
    except InvalidInput:
        return catalog.check_params(card, {})


@asynccontextmanager
async def _inputs(
    context: Context, writes: Writes, capacity: EngineCapacity, run: Run, card: ModelCard
) -> AsyncGenerator[dict[str, tuple[Input, ...]]]:
    wanted = [(param, link) for param in card.params if param.media for link in param.links(run.input)]
    if not wanted:
        yield {}
        return
    context.temporary.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="inputs-", dir=context.temporary))
    try:
        async with capacity.released(run):
            opened = await _open_all(
                _open(context, writes, run, param, link, folder / f"input-{number}")
                for number, (param, link) in enumerate(wanted)
            )
        inputs: dict[str, tuple[Input, ...]] = {}
        for (param, _), medium in zip(wanted, opened, strict=True):
            inputs[param.name] = (*inputs.get(param.name, ()), medium)
        yield inputs
    finally:
        await asyncio.to_thread(remove_folder, folder)


async def _open_all(openings: Iterable[Coroutine[Any, Any, Input]]) -> list[Input]:
    """Open all media concurrently. Raises the first error, without the group around it."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(opening) for opening in openings]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


async def _open(context: Context, writes: Writes, run: Run, param: Param, link: str, into: Path) -> Input:
    kind = param.media
    assert kind is not None
    blobs, rules = context.blobs, context.fetch_rules
    try:
        source: Source = await writes.read(
            lambda tx: assets.find_source(tx, link, kind, partial(runs.owns_run, tx, run.workspace_id))
        )
        for delay in _RETRY_DELAYS:
            try:
                return await assets.open_source(source, into, kind, blobs=blobs, rules=rules)
            except OSError as error:
                _log.warning("an input of %s cannot be stored (%s); trying again", run.run_id, error)
            await asyncio.sleep(delay)
        return await assets.open_source(source, into, kind, blobs=blobs, rules=rules)
    except (FetchError, UnknownMedium) as error:
        raise FetchError(f"params.{param.name}: {error}") from error
