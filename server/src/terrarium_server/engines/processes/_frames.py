"""Receives the frames of a model process, which may be broken."""

import asyncio
import json
from typing import Any, cast

from terrarium_server.engines.child.frames import LENGTHS, MAX_BYTES, ConnectionClosed


class MalformedFrame(ConnectionClosed):
    """A process sent something that is no frame, or a frame without a valid message."""


async def receive_frame(stream: asyncio.StreamReader) -> tuple[dict[str, Any], bytes]:
    """Receive one message and return its header and body. Raises ConnectionClosed and MalformedFrame."""
    try:
        header_size, body_size = LENGTHS.unpack(await stream.readexactly(LENGTHS.size))
        if header_size + body_size > MAX_BYTES:
            raise MalformedFrame
        header: Any = json.loads(await stream.readexactly(header_size))
        body = await stream.readexactly(body_size)
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise ConnectionClosed from error
    except (ValueError, RecursionError) as error:
        raise MalformedFrame from error
    if not isinstance(header, dict):
        raise MalformedFrame
    return cast(dict[str, Any], header), body
