"""Exchanging notifications with the other processes on the same PostgreSQL database.

NOTIFY in the transactions themselves would serialise every commit of the cluster. So each process gathers
what its commits published and notifies in a transaction of its own.
"""

import asyncio
import logging
import secrets
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, LiteralString

import psycopg
import sqlalchemy as sa
from psycopg.conninfo import make_conninfo

from ._messages import Message, Outbox, Topics, payloads
from ._notifications import Intervals

_log = logging.getLogger(__name__)

_NOTIFY = "SELECT pg_notify('terrarium', payload) FROM unnest(%s::text[]) AS payload"
_PROBE = "probe"
_FIRST_PAUSE_SECONDS = 0.05
_FLUSH_SECONDS = 0.5
_CLOSE_SECONDS = 0.9

_Connection = psycopg.AsyncConnection[tuple[Any, ...]]


class _ProbeLost(Exception):
    """The database answers, but a notification that this process sent to itself did not arrive."""


class Exchange:
    """A thread with an event loop and two connections, one to send and one to receive.

    The receiver sends itself a probe at intervals. As long as probes arrive, notifications do; else all
    subscribers are told to look at short intervals, and the receiver connects again until a probe arrives.
    """

    def __init__(self, url: str, intervals: Intervals, tell: Callable[[Topics | None], None]) -> None:
        """Start; call ``tell`` with what other processes publish, or None if some may have been missed."""
        self._conninfo = _conninfo(url)
        self._intervals = intervals
        self._tell = tell
        self._sender = secrets.token_hex(8)
        self._outbox = Outbox()
        self._has_mail = asyncio.Event()
        self._is_unproven = asyncio.Event()
        self._is_unproven.set()
        self._is_reported = False
        self._closing = asyncio.Event()
        self._connections: set[_Connection] = set()
        # Not the policy's, which may be one that psycopg does not support.
        self._loop = asyncio.SelectorEventLoop()
        self._thread = threading.Thread(target=self._run, name="terrarium-notifications", daemon=True)
        self._thread.start()

    def send(self, topics: Topics) -> None:
        """Send these topics to the other processes soon; from any thread."""
        if self._outbox.add(topics):
            # The loop may just have been closed.
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._has_mail.set)

    def close(self) -> None:
        """Send what is left, if the database answers at once, and end the thread."""
        self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(_CLOSE_SECONDS)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._work())

    async def _work(self) -> None:
        sending = asyncio.create_task(self._repeat(self._send))
        tasks = {
            sending,
            asyncio.create_task(self._repeat(self._receive)),
            asyncio.create_task(self._look_while_unproven()),
        }
        await self._closing.wait()
        self._has_mail.set()
        await asyncio.wait([sending], timeout=_FLUSH_SECONDS)
        # Closed first: psycopg would try to cancel a statement at a database that may be away.
        for connection in self._connections:
            await connection.close()
        for task in tasks:
            task.cancel()

    async def _repeat(self, work: Callable[[], Awaitable[None]]) -> None:
        """Call ``work`` again whenever it fails, after pauses that grow while it fails soon."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            began = self._loop.time()
            try:
                return await work()
            except Exception as error:
                self._report(error)
            if self._loop.time() - began > self._intervals.retry:
                pause = _FIRST_PAUSE_SECONDS
            await asyncio.sleep(min(pause, self._intervals.retry))
            pause *= 2

    def _report(self, error: Exception) -> None:
        """Log the first failure since notifications last arrived."""
        if self._is_reported:
            return
        self._is_reported = True
        _log.warning(
            "notifications of other processes do not arrive (%s): until they do, this process looks for"
            " changes every %g s",
            " ".join(str(error).split()) or type(error).__name__,
            self._intervals.look,
            exc_info=None if isinstance(error, (psycopg.Error, OSError, _ProbeLost)) else error,
        )

    # -- sending ---------------------------------------------------------------------------------------------

    async def _send(self) -> None:
        async with self._connected() as connection:
            while True:
                await self._has_mail.wait()
                self._has_mail.clear()
                topics = self._outbox.take()
                try:
                    if topics:
                        await self._execute(connection, _NOTIFY, [list(payloads(self._sender, topics))])
                except (psycopg.Error, OSError):
                    self._post(topics)
                    raise
                if self._closing.is_set() and not self._has_mail.is_set():
                    return
                await asyncio.sleep(self._intervals.gather)

    def _post(self, topics: Topics) -> None:
        self._outbox.add(topics)
        self._has_mail.set()

    # -- receiving -------------------------------------------------------------------------------------------

    async def _receive(self) -> None:
        try:
            async with self._connected() as connection:
                await self._execute(connection, "LISTEN terrarium")
                while await self._is_probe_heard(connection):
                    self._arrives()
                    self._tell(None)
                    await self._hear(connection, self._intervals.check)
                self._is_unproven.set()
                # A pooler may give the session that listens to another client.
                await self._execute(connection, "UNLISTEN terrarium")
        finally:
            self._is_unproven.set()
        raise _ProbeLost(
            "PostgreSQL accepted a notification and did not deliver it. A pooler in transaction mode delivers"
            " none; TERRARIUM_DATABASE_URL should name the server itself, or a pooler in session mode"
        )

    def _arrives(self) -> None:
        self._is_unproven.clear()
        if self._is_reported:
            self._is_reported = False
            _log.info("notifications of other processes arrive again")

    async def _is_probe_heard(self, connection: _Connection) -> bool:
        probe = secrets.token_hex(8)
        self._post({_PROBE: frozenset({probe})})
        return await self._hear(connection, self._intervals.answer, probe)

    async def _hear(self, connection: _Connection, seconds: float, probe: str | None = None) -> bool:
        """Tell what arrives, for so long or until the probe arrives; return whether it did."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not await self._take_arrived(connection, probe):
                    await _readable(connection)
                return True
        return False

    async def _take_arrived(self, connection: _Connection, probe: str | None) -> bool:
        is_heard = False
        async for notification in connection.notifies(timeout=0):
            try:
                message = Message.model_validate_json(notification.payload)
            except ValueError:
                # For example from a newer version of this server.
                self._tell(None)
                continue
            if message.sender != self._sender:
                self._tell(message.topics)
            elif probe in (message.topics.get(_PROBE) or ()):
                is_heard = True
        return is_heard

    async def _look_while_unproven(self) -> None:
        while True:
            await self._is_unproven.wait()
            self._tell(None)
            await asyncio.sleep(self._intervals.look)

    # -- connections -----------------------------------------------------------------------------------------

    @asynccontextmanager
    async def _connected(self) -> AsyncGenerator[_Connection]:
        """Open a connection: autocommit, so that no timeout for idle transactions ends it."""
        async with asyncio.timeout(self._intervals.answer):
            connection = await psycopg.AsyncConnection.connect(
                self._conninfo, autocommit=True, prepare_threshold=None
            )
        self._connections.add(connection)
        try:
            yield connection
        finally:
            self._connections.discard(connection)
            await connection.close()

    async def _execute(
        self, connection: _Connection, statement: LiteralString, parameters: Sequence[Any] = ()
    ) -> None:
        async with asyncio.timeout(self._intervals.answer):
            await connection.execute(statement, parameters)


async def _readable(connection: _Connection) -> None:
    """Wait for bytes from the server. psycopg's own wait would wake up ten times a second."""
    loop = asyncio.get_running_loop()
    arrived = asyncio.Event()
    descriptor = connection.fileno()
    loop.add_reader(descriptor, arrived.set)
    try:
        await arrived.wait()
    finally:
        loop.remove_reader(descriptor)


def _conninfo(url: str) -> str:
    """Return how SQLAlchemy would connect, in the form that libpq reads."""
    parsed = sa.make_url(url)
    _, parameters = parsed.get_dialect()().create_connect_args(parsed)
    return make_conninfo(**parameters)
