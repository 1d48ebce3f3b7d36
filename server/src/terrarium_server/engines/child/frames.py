"""Messages between the server and a model process: a JSON header, then raw bytes.

A frame is 4 bytes header length, 4 bytes body length (both big-endian), the header, the body. Nothing
is unpickled: a model process may be broken, and what it says is only data. Media that were made do not
travel in frames: a frame says which of them is a file.
"""

import asyncio
import json
import struct
from typing import Any, BinaryIO, cast

_LENGTHS = struct.Struct(">II")
# Texts and previews are small; a process that announces more than this, in bytes, is broken.
_LARGEST = 16 << 20


class Closed(Exception):
    """The other side is gone, or what it says is no frame."""


class Nonsense(Closed):
    """What the other side says is no frame, or says nothing that is understood."""


def pack_frame(header: dict[str, Any], body: bytes = b"") -> bytes:
    """Return one message as it travels."""
    raw = json.dumps(header).encode()
    return _LENGTHS.pack(len(raw), len(body)) + raw + body


def write_frame(stream: BinaryIO, header: dict[str, Any], body: bytes = b"") -> None:
    """Send one message. Raises Closed."""
    try:
        stream.write(pack_frame(header, body))
        stream.flush()
    except (BrokenPipeError, ValueError) as error:
        raise Closed from error


def read_frame(stream: BinaryIO) -> tuple[dict[str, Any], bytes]:
    """Receive one message, waiting for it. Raises Closed."""
    header_size, body_size = _LENGTHS.unpack(_exactly(stream, _LENGTHS.size))
    return json.loads(_exactly(stream, header_size)), _exactly(stream, body_size)


async def receive_frame(stream: asyncio.StreamReader) -> tuple[dict[str, Any], bytes]:
    """Receive one message from a process that is not trusted to make sense. Raises Closed, Nonsense."""
    try:
        header_size, body_size = _LENGTHS.unpack(await stream.readexactly(_LENGTHS.size))
        if header_size + body_size > _LARGEST:
            raise Nonsense
        header: Any = json.loads(await stream.readexactly(header_size))
        body = await stream.readexactly(body_size)
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        raise Closed from error
    except (ValueError, RecursionError) as error:
        raise Nonsense from error
    if not isinstance(header, dict):
        raise Nonsense
    return cast(dict[str, Any], header), body


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise Closed
    return data
