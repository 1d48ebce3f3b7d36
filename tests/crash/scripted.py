"""The engines of the processes that are started here: they ask the provider of the test process."""

import asyncio
import json
import os
import urllib.request
from collections.abc import AsyncGenerator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from terrarium_server.engines import (
    Engines,
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

# Its threads begin with the first question, so that a process can be forked before.
_threads = ThreadPoolExecutor(32, "provider")


class ScriptedEngine:
    """Hands jobs to the provider and follows them there."""

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
        return Ticket((await _ask("submit", key=job.key))["ticket"])

    async def find(self, mark: Mark) -> Ticket | Unknown | None:
        match await _ask("find", key=mark):
            case {"status": "certain", "ticket": str(ticket)}:
                return Ticket(ticket)
            case {"status": "certain"}:
                return None
            case _:
                return Unknown()

    async def look(self, ticket: Ticket) -> News:
        """Ask once; a step of its own, at which a process may end."""
        match await _ask("look", ticket=ticket):
            case {"status": "waiting", "progress": progress}:
                return Progress(progress)
            case {"status": "finished", "picture": picture}:
                return Finished((Output("image/png", picture.encode(), 8, 8),))
            case _:
                return Lost()

    async def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        while True:
            news = await self.look(ticket)
            yield news
            if isinstance(news, Finished | Failed | Lost):
                return

    async def cancel(self, ticket: Ticket) -> None:
        await _ask("cancel", ticket=ticket)

    async def close(self) -> None:
        """Nothing to let go of."""


def scripted_engines() -> Engines:
    """``paid`` can be followed by anyone, ``own`` is paid too and followed by its worker alone."""
    return Engines(
        [
            ScriptedEngine("paid", repeatable=False, followers="anyone"),
            ScriptedEngine("own", repeatable=False, followers="worker"),
            ScriptedEngine("free", repeatable=True, followers="worker"),
        ]
    )


async def _ask(question: str, **fields: str) -> Any:
    address = f"{os.environ['CRASH_PROVIDER']}/{question}"
    request = urllib.request.Request(address, json.dumps(fields).encode(), method="POST")

    def ask() -> Any:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    return await asyncio.get_running_loop().run_in_executor(_threads, ask)
