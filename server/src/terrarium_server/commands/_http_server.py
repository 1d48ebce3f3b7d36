"""The HTTP server: Granian in this process, which bounds what comes before the application.

A request's head (request line and headers) has limits on its bytes and its time, trailers have one on their
bytes, pipelined requests wait unread, and connections are counted. The application bounds bodies.
"""

import asyncio
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, cast

import uvloop
from granian._granian import SocketHolder
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.embed import Server

# A larger head is refused with 431.
_HEAD_BYTES = 64 << 10
# A connection is closed if no whole head arrives in this time, after its opening or after the last response.
_HEAD_SECONDS = 20
# A connection is reset if the client takes nothing of a response for so long.
_UNREAD_SECONDS = 60
# A server that stops waits so long for the responses that are being sent.
_STOP_SECONDS = 5
# Connections that the kernel holds until they are accepted.
_BACKLOG = 2048


class HttpServerFailed(Exception):
    """The HTTP server ended without being told to; its log says why."""


def serve_http(
    application: Callable[..., Any],
    lifespan: AbstractAsyncContextManager[object],
    listener: socket.socket,
    *,
    max_connections: int,
    started: Callable[[], None],
    stopping: Callable[[bool], None],
) -> None:
    """Answer requests from an ASGI application until SIGTERM or SIGINT, and close its lifespan afterwards.

    ``listener`` is bound and listening; it belongs to this server from now on. Further clients wait in its
    backlog while ``max_connections`` are open. ``started`` is called once, ``stopping`` at each signal, with
    whether it is a further one. The caller ends the process. Raises HttpServerFailed.
    """
    server = _server(application, listener, max_connections)
    # The loop is not closed: that would cancel the requests that are left, and they end with the process.
    uvloop.new_event_loop().run_until_complete(_serve(server, lifespan, started, stopping))


class _Server(Server):
    """Listens on a socket that exists already; otherwise several servers could listen on one port."""

    shared_socket: SocketHolder

    def _init_shared_socket(self) -> None:
        self._ssp = None
        self._shd = self.shared_socket


def _server(application: Callable[..., Any], listener: socket.socket, max_connections: int) -> _Server:
    # Connections inherit these options.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if sys.platform == "linux":
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_SECONDS * 1000)
    server = _Server(
        application,
        # Without its lifespan, which Granian would end only when all responses are sent.
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        websockets=False,
        backlog=_BACKLOG,
        backpressure=max_connections,
        http1_settings=HTTP1Settings(header_read_timeout=_HEAD_SECONDS * 1000, max_buffer_size=_HEAD_BYTES),
        # What it logs goes to the log of this process, except for notices about starting.
        log_level=LogLevels.error,
        log_dictconfig={"loggers": {}},
    )
    # Only on these systems the holder takes the backlog, and calls `listen` again.
    backlog = (_BACKLOG,) if sys.platform.startswith(("linux", "freebsd")) else ()
    # Its type stub leaves these arguments out.
    hold = cast("Callable[..., SocketHolder]", SocketHolder)
    # The server closes the descriptor, so the socket object must not.
    server.shared_socket = hold(listener.detach(), False, *backlog)
    return server


async def _serve(
    server: _Server,
    lifespan: AbstractAsyncContextManager[object],
    started: Callable[[], None],
    stopping: Callable[[bool], None],
) -> None:
    told_to_stop, told_again = asyncio.Event(), asyncio.Event()

    def on_signal() -> None:
        is_further = told_to_stop.is_set()
        stopping(is_further)
        (told_again if is_further else told_to_stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
    async with lifespan:
        serving = asyncio.create_task(server.serve())
        waiting = asyncio.create_task(told_to_stop.wait())
        started()
        await asyncio.wait((serving, waiting), return_when=asyncio.FIRST_COMPLETED)
        server.stop()
        hurry = asyncio.create_task(told_again.wait())
        await asyncio.wait((serving, hurry), timeout=_STOP_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    if not told_to_stop.is_set():
        raise HttpServerFailed("the HTTP server ended unexpectedly")
