"""The engines of the processes under test: they call the provider in the test process."""

import asyncio
import json
import os
import urllib.request
from collections.abc import AsyncGenerator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from terrarium_server.engines import (
    Failed,
    Finished,
    Followers,
    Job,
    Lost,
    Mark,
    News,
    Output,
    Progress,
    Ticket,
    Unknown,
)
from terrarium_server.engines.registry import Engines

# Its threads start with the first call, so that a process can be forked before that.
_threads = ThreadPoolExecutor(32, "provider")


class ScriptedEngine:
    """Submits jobs to the provider and follows them."""

    longest_silence = 60.0

    def __init__(self, name: str, *, repeatable: bool, followers: Followers) -> None:
        self.name = name
        self.repeatable = repeatable
        self._followers: Followers = followers

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        return None

    def followers(self, mark: Mark) -> Followers:
        return self._followers

    async def prepare(self, job: Job) -> Mark:
        return Mark(job.key)

    async def submit(self, job: Job, mark: Mark) -> Ticket:
        return Ticket((await _call("submit", key=job.key))["ticket"])

    async def find(self, mark: Mark) -> Ticket | Unknown | None:
        match await _call("find", key=mark):
            case {"status": "certain", "ticket": str(ticket)}:
                return Ticket(ticket)
            case {"status": "certain"}:
                return None
            case _:
                return Unknown()

    async def poll(self, ticket: Ticket) -> News:
        """Poll once; a method of its own, so that a test can kill a process at this step."""
        match await _call("poll", ticket=ticket):
            case {"status": "waiting", "progress": progress}:
                return Progress(progress)
            case {"status": "finished", "picture": picture}:
                return Finished((Output("image/png", picture.encode(), 8, 8),))
            case _:
                return Lost()

    async def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        while True:
            news = await self.poll(ticket)
            yield news
            if isinstance(news, Finished | Failed | Lost):
                return

    async def cancel(self, ticket: Ticket) -> None:
        await _call("cancel", ticket=ticket)

    async def close(self) -> None:
        """Nothing to close."""


def scripted_engines() -> Engines:
    """Any worker can follow jobs of ``paid``; only the submitting one can follow those of ``own``."""
    return Engines(
        [
            ScriptedEngine("paid", repeatable=False, followers="anyone"),
            ScriptedEngine("own", repeatable=False, followers="worker"),
            ScriptedEngine("free", repeatable=True, followers="worker"),
        ]
    )


async def _call(method: str, **fields: str) -> Any:
    address = f"{os.environ['CRASH_PROVIDER']}/{method}"
    request = urllib.request.Request(address, json.dumps(fields).encode(), method="POST")

    def ask() -> Any:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    return await asyncio.get_running_loop().run_in_executor(_threads, ask)
