"""Messages between the server and a model process: a JSON header, then raw bytes.

A frame is 4 bytes header length, 4 bytes body length (both big-endian), the header, the body. Nothing is
unpickled, because a model process may be broken. Media are not sent in frames but as files.
"""

import json
import struct
from pathlib import Path
from typing import Any, BinaryIO

LENGTHS = struct.Struct(">II")
# Texts and previews are small. A larger frame is a fault of the model.
MAX_BYTES = 16 << 20


class FrameTooLarge(Exception):
    """A message is larger than the server takes."""


class ConnectionClosed(Exception):
    """The other process closed the pipe, or ended."""


def pack_frame(header: dict[str, Any], body: bytes = b"") -> bytes:
    """Return one message as bytes. Raises FrameTooLarge."""
    raw = json.dumps(header).encode()
    if len(raw) + len(body) > MAX_BYTES:
        raise FrameTooLarge(f"{(len(raw) + len(body)) >> 20} MiB; at most {MAX_BYTES >> 20} MiB are possible")
    return LENGTHS.pack(len(raw), len(body)) + raw + body


def write(stream: BinaryIO, frame: bytes) -> None:
    """Send one message. Raises ConnectionClosed."""
    try:
        stream.write(frame)
        stream.flush()
    except (BrokenPipeError, ValueError) as error:
        raise ConnectionClosed from error


def read_frame(stream: BinaryIO) -> tuple[dict[str, Any], bytes]:
    """Wait for one message and return its header and body. Raises ConnectionClosed."""
    header_size, body_size = LENGTHS.unpack(_exactly(stream, LENGTHS.size))
    return json.loads(_exactly(stream, header_size)), _exactly(stream, body_size)


def output_file(folder: Path, number: int) -> Path:
    """Return the path of the output with this number in a job's folder."""
    # A name that no handler gives to a file of its own.
    return folder / f".terrarium-output-{number}"


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise ConnectionClosed
    return data
