"""Checking what an engine made, and storing it."""

import asyncio
import logging
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from terrarium_server import assets
from terrarium_server.assets import KeptOutput
from terrarium_server.engines import Failed, Finished, Output, checks, discard
from terrarium_server.runs import Run
from terrarium_server.store import Blobs

_log = logging.getLogger(__name__)

# The owner may free space on a full disk. The output, which may have been paid for, is kept for so long.
_RETRY_SECONDS = 600.0
_PAUSE_SECONDS = 5.0


async def check_result(run: Run, result: Finished) -> Failed | None:
    """Return the run's failure if a result cannot be used, and delete its files then."""
    if any(isinstance(output.data, Path) for output in checks.outputs_in(result.outputs)):
        return await asyncio.to_thread(_check_result, run, result)
    return _check_result(run, result)


def _check_result(run: Run, result: Finished) -> Failed | None:
    if result.outputs == ():
        return checks.NO_RESULT
    fault = checks.fault_of(result.outputs, run.type)
    if fault is None:
        return None
    _log.error("run %s: engine %s returned a result that cannot be used: %s", run.run_id, run.engine, fault)
    discard(checks.outputs_in(result.outputs))
    return checks.UNUSABLE


async def store_outputs(blobs: Blobs, run: Run, outputs: Sequence[Output]) -> list[KeptOutput]:
    """Store what an engine made; the run's end writes the records. Raises OSError after ten minutes."""
    now_ms = time.time_ns() // 1_000_000
    return [await _store(blobs, run, position, output, now_ms) for position, output in enumerate(outputs)]


async def _store(blobs: Blobs, run: Run, position: int, output: Output, now_ms: int) -> KeptOutput:
    work = partial(
        assets.keep,
        blobs,
        run.run_id,
        run.workspace_id,
        position,
        type=run.type,
        content_type=output.content_type,
        data=output.data,
        width=output.width,
        height=output.height,
        duration_seconds=output.duration_seconds,
        now_ms=now_ms,
    )
    if isinstance(output.data, str):
        return work()
    deadline = time.monotonic() + _RETRY_SECONDS
    while True:
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            if time.monotonic() > deadline:
                raise
            _log.warning("an output of %s could not be stored (%s); trying again", run.run_id, error)
        await asyncio.sleep(_PAUSE_SECONDS)
