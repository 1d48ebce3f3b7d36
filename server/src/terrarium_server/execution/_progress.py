"""The progress of running runs: collected, and written for all of them at most once a second."""

import asyncio
import base64
import logging

from terrarium_server import runs
from terrarium_server.engines import Output, Progress
from terrarium_server.runs import Run, RunProgress

from ._context import Context

_log = logging.getLogger(__name__)

_EVERY_SECONDS = 1.0
_PREVIEW_BYTES = 100_000


class ProgressWriter:
    """Holds the latest progress of each run until it is written; a write that fails is not repeated."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._latest: dict[str, RunProgress] = {}
        self._changed: set[str] = set()
        self._has_changes = asyncio.Event()

    def note(self, run: Run, progress: Progress) -> None:
        """Take a run's progress, if it is higher than the last or has a new preview."""
        last = self._latest.get(run.run_id)
        percent = min(99, int(progress.fraction * 100))
        preview = _as_text(progress.preview)
        if last is None or percent > last.percent or (preview is not None and preview != last.preview):
            before = last or RunProgress(run.run_id, run.root_run_id, run.claim, 0, None)
            self._latest[run.run_id] = RunProgress(
                run.run_id,
                run.root_run_id,
                run.claim,
                max(percent, before.percent),
                preview or before.preview,
            )
            if last is not None or percent > 0 or preview is not None:
                self._changed.add(run.run_id)
                self._has_changes.set()

    def forget(self, run_id: str) -> None:
        """Drop the progress of a run that has ended here."""
        self._latest.pop(run_id, None)
        self._changed.discard(run_id)

    async def write_forever(self) -> None:
        """Write what has changed, with at most one statement a second."""
        while True:
            await self._has_changes.wait()
            self._has_changes.clear()
            changes = [self._latest[run_id] for run_id in sorted(self._changed)]
            self._changed.clear()
            try:
                await self._context.database.write_for_worker(
                    lambda tx, changes=changes: runs.write_progress(tx, self._context.worker_id, changes)
                )
            except Exception as error:
                # No failure to write progress may end the runs themselves.
                _log.info("progress was not written (%s)", str(error).partition("\n")[0])
            await asyncio.sleep(_EVERY_SECONDS)


def _as_text(preview: Output | None) -> str | None:
    """Return a preview as it is stored: text, or a small picture as a ``data:`` URL."""
    if preview is None or not isinstance(preview.data, str | bytes) or len(preview.data) > _PREVIEW_BYTES:
        return None
    if isinstance(preview.data, str):
        return preview.data or None
    return f"data:{preview.content_type};base64,{base64.b64encode(preview.data).decode()}"
