"""A request that waits for a run to change, and that the test knows to be waiting."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import httpx
import pytest

from support.application import Application, Client
from support.server import DEADLINE
from terrarium_server.http import _waiting

WAIT = {"prefer": "wait=60"}


class WaitingRequest:
    """A GET of a run that waits already; only what the application hears of ends its wait soon."""

    def __init__(
        self,
        application: Application,
        pool: ThreadPoolExecutor,
        patch: pytest.MonkeyPatch,
        client: Client,
        run_id: str,
        **headers: str,
    ) -> None:
        waits = threading.Event()
        expect = application.services.feed.expect

        def expect_and_note(run_id: str) -> asyncio.Event:
            event = expect(run_id)
            wait = event.wait

            async def note_and_wait() -> Literal[True]:
                waits.set()
                return await wait()

            patch.setattr(event, "wait", note_and_wait)
            return event

        patch.setattr(_waiting, "_READ_AGAIN_SECONDS", DEADLINE)
        patch.setattr(application.services.feed, "expect", expect_and_note)
        self._answer = pool.submit(client.get, f"/runs/{run_id}", headers={**WAIT, **headers})
        assert waits.wait(DEADLINE)

    def result(self) -> httpx.Response:
        """The answer, which arrives long before the wait would end."""
        return self._answer.result(DEADLINE / 2).raise_for_status()
