"""Messages between the server and a model process: a JSON header, then raw bytes.

A frame is 4 bytes header length, 4 bytes body length (both big-endian), the header, the body. Nothing
is unpickled: a model process may be broken, and what it says is only data.
"""

import json
import struct
from typing import Any, BinaryIO

_LENGTHS = struct.Struct(">II")


class Closed(Exception):
    """The other side is gone."""


def write_frame(stream: BinaryIO, header: dict[str, Any], body: bytes = b"") -> None:
    """Send one message. Raises Closed."""
    raw = json.dumps(header).encode()
    try:
        stream.write(_LENGTHS.pack(len(raw), len(body)) + raw)
        stream.write(body)
        stream.flush()
    except (BrokenPipeError, ValueError) as error:
        raise Closed from error


def read_frame(stream: BinaryIO) -> tuple[dict[str, Any], bytes]:
    """Receive one message, waiting for it. Raises Closed."""
    header_size, body_size = _LENGTHS.unpack(_exactly(stream, _LENGTHS.size))
    return json.loads(_exactly(stream, header_size)), _exactly(stream, body_size)


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise Closed
    return data
