"""Noticing that a client has gone away."""

from starlette.types import Receive


async def client_left(receive: Receive) -> None:
    """Return when the client of a request that was read completely has closed its connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
