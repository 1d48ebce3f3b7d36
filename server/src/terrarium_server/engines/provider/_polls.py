"""Asking a provider, again and again, how a job stands: the one way of following that is not being told."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable

from ._contract import Lost, News, Progress
from ._failures import ProviderError

# A provider may name a delay of up to an hour; a follower that says nothing for so long is taken for hung.
_LONGEST_SILENCE = 30.0


async def poll(
    ask: Callable[[], Awaitable[News]], *, first: float, slowest: float, patience: float = 300.0
) -> AsyncGenerator[News]:
    """Ask until there is an end, and tell what is heard; progress never goes back.

    The first question is asked at once, the second after ``first`` seconds, and the later ones ever more
    slowly, ``slowest`` seconds apart at most. A `ProviderError` that may pass is put up with for ``patience``
    seconds, while the last progress stands: what was paid for is not given up because the provider hiccups.
    Another one is the end: `Lost` if the provider does not know the job (404, 410), else its failure.

    Some `Progress` comes at least every 30 seconds, besides the time that a question itself takes.
    """
    last = Progress(0.0)
    pause = first
    trouble_since: float | None = None
    while True:
        wait = pause
        try:
            heard = await ask()
            trouble_since = None
        except ProviderError as error:
            heard = last
            now = time.monotonic()
            trouble_since = now if trouble_since is None else trouble_since
            if error.status in (404, 410):
                heard = Lost()
            elif not error.passes or now - trouble_since >= patience:
                heard = error.failure
            wait = max(pause, error.failure.retry_after or 0.0)
        if not isinstance(heard, Progress):
            yield heard
            return
        last = Progress(max(last.fraction, heard.fraction), heard.preview)
        yield last
        until = time.monotonic() + wait
        while (left := until - time.monotonic()) > _LONGEST_SILENCE:
            await asyncio.sleep(_LONGEST_SILENCE)
            yield last
        await asyncio.sleep(left)
        pause = min(pause * 1.5, slowest)
