import asyncio
import logging
import time
from collections.abc import Sequence
from functools import partial

from terrarium_server import assets
from terrarium_server.assets import KeptOutput
from terrarium_server.engines import Output
from terrarium_server.runs import Run
from terrarium_server.store import Blobs

_log = logging.getLogger(__name__)

_WIRE_TYPES = {"image": "imageUrl", "video": "videoUrl", "audio": "audioUrl", "text": "text"}
# A full disk is made room on by somebody; what was made, and perhaps paid for, waits so long.
_PATIENCE_SECONDS = 600.0
_PAUSE_SECONDS = 5.0


async def keep_outputs(blobs: Blobs, run: Run, outputs: Sequence[Output]) -> list[KeptOutput]:
    """Store what an engine made; it is recorded with the run's end. Raises OSError after ten minutes."""
    now_ms = time.time_ns() // 1_000_000
    return [await _keep(blobs, run, position, output, now_ms) for position, output in enumerate(outputs)]


async def _keep(blobs: Blobs, run: Run, position: int, output: Output, now_ms: int) -> KeptOutput:
    work = partial(
        assets.keep,
        blobs,
        run.run_id,
        run.workspace_id,
        position,
        type=_WIRE_TYPES[run.type],
        content_type=output.content_type,
        data=output.data,
        width=output.width,
        height=output.height,
        duration_seconds=output.duration_seconds,
        now_ms=now_ms,
    )
    if isinstance(output.data, str):
        return work()
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return await asyncio.to_thread(work)
        except OSError as error:
            if time.monotonic() > until:
                raise
            _log.warning("an output of %s could not be stored (%s); trying again", run.run_id, error)
        await asyncio.sleep(_PAUSE_SECONDS)
