"""What running runs show: gathered, and written at most once a second for all of them together."""

import asyncio
import base64
import logging

from terrarium_server import runs
from terrarium_server.engines import Output, Progress
from terrarium_server.runs import Run, Shown

from ._context import Context

_log = logging.getLogger(__name__)

_EVERY_SECONDS = 1.0
_PREVIEW_BYTES = 100_000


class ProgressWriter:
    """Keeps the latest of each run until it is written; what cannot be written is given up."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._latest: dict[str, Shown] = {}
        self._changed: set[str] = set()
        self._news = asyncio.Event()

    def note(self, run: Run, progress: Progress) -> None:
        """Take a run's news, if it is any."""
        known = self._latest.get(run.run_id)
        percent = min(99, int(progress.fraction * 100))
        preview = _as_text(progress.preview)
        if known is None or percent > known.percent or (preview is not None and preview != known.preview):
            before = known or Shown(run.run_id, run.claim, 0, None)
            self._latest[run.run_id] = Shown(
                run.run_id, run.claim, max(percent, before.percent), preview or before.preview
            )
            if known is not None or percent > 0 or preview is not None:
                self._changed.add(run.run_id)
                self._news.set()

    def forget(self, run_id: str) -> None:
        """A run has nothing to show any more."""
        self._latest.pop(run_id, None)
        self._changed.discard(run_id)

    async def write_forever(self) -> None:
        """Write what is new, one statement a second at most."""
        while True:
            await self._news.wait()
            self._news.clear()
            news = [self._latest[run_id] for run_id in sorted(self._changed)]
            self._changed.clear()
            try:
                await self._context.database.write_for_worker(
                    lambda tx, news=news: runs.show(tx, self._context.worker_id, news)
                )
            except Exception as error:
                # It is worth less than the runs themselves, whatever went wrong.
                _log.info("progress was not written (%s)", str(error).partition("\n")[0])
            for one in news:
                self._context.signals.changed(one.run_id)
            await asyncio.sleep(_EVERY_SECONDS)


def _as_text(preview: Output | None) -> str | None:
    """What a preview is kept as: text, or a small picture as a ``data:`` link."""
    if preview is None or not isinstance(preview.data, str | bytes) or len(preview.data) > _PREVIEW_BYTES:
        return None
    if isinstance(preview.data, str):
        return preview.data or None
    return f"data:{preview.content_type};base64,{base64.b64encode(preview.data).decode()}"
