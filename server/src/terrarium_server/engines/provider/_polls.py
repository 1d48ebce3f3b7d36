"""Polling a job at a provider."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable

from terrarium_server.engines import Lost, News, Progress

from ._failures import ProviderError

# A provider may name a delay of up to an hour, but a follower that is silent for so long is taken for hung.
_LONGEST_SILENCE = 30.0


async def poll(
    poll_once: Callable[[], Awaitable[News]], *, first: float, slowest: float, patience: float = 300.0
) -> AsyncGenerator[News]:
    """Poll a job until it has ended, and yield each answer; progress never goes back.

    ``poll_once`` is called at once, again after ``first`` seconds, and then ever more slowly, at most
    ``slowest`` seconds apart. A temporary `ProviderError` is tolerated for ``patience`` seconds, while the
    last progress is repeated: a job that was paid for is not given up because the provider fails for a
    moment. Any other error is the end: `Lost` if the job is unknown there (404, 410), else its failure.

    There is some `Progress` at least every 30 seconds, plus the time that ``poll_once`` itself takes.
    """
    last = Progress(0.0)
    pause = first
    failing_since: float | None = None
    while True:
        wait = pause
        try:
            news = await poll_once()
            failing_since = None
        except ProviderError as error:
            news = last
            now = time.monotonic()
            failing_since = now if failing_since is None else failing_since
            if error.status in (404, 410):
                news = Lost()
            elif not error.is_temporary or now - failing_since >= patience:
                news = error.failure
            wait = max(pause, error.failure.retry_after or 0.0)
        if not isinstance(news, Progress):
            yield news
            return
        last = Progress(max(last.fraction, news.fraction), news.preview)
        yield last
        until = time.monotonic() + wait
        while (left := until - time.monotonic()) > _LONGEST_SILENCE:
            await asyncio.sleep(_LONGEST_SILENCE)
            yield last
        await asyncio.sleep(left)
        pause = min(pause * 1.5, slowest)
