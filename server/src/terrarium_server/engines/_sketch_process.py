"""The process in which sketches are made: reads requests, answers with progress and outputs."""

import os
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

from terrarium_server.engines._frames import Closed, read_frame, write_frame
from terrarium_server.engines._sketch import paint, write_shot


def _pictures(request: dict[str, Any], out: BinaryIO) -> None:
    count: int = request["count"]
    headers: list[dict[str, Any]] = []
    parts: list[bytes] = []
    for index in range(count):
        painting = paint(
            request["prompt"],
            width=request["width"],
            height=request["height"],
            seed=request["seed"] + index,
            style=request["style"],
            progress=_reporter(out, index, count),
        )
        size = {"width": painting.width, "height": painting.height, "size": len(painting.png)}
        headers.append({"content_type": "image/png", **size})
        parts.append(painting.png)
    write_frame(out, {"outputs": headers}, b"".join(parts))


def _reporter(out: BinaryIO, index: int, count: int) -> Callable[[float], None]:
    return lambda fraction: write_frame(out, {"progress": (index + fraction) / count})


def _text(request: dict[str, Any], out: BinaryIO) -> None:
    raw = write_shot(request["prompt"], seed=request["seed"]).encode()
    write_frame(out, {"outputs": [{"content_type": "text/plain", "size": len(raw)}]}, raw)


def main() -> None:
    """Serve requests from stdin until it closes; nothing but frames goes to stdout."""
    frames_out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        while True:
            request, _ = read_frame(sys.stdin.buffer)
            try:
                (_text if request["type"] == "text" else _pictures)(request, frames_out)
            except MemoryError:
                write_frame(frames_out, {"error": "Not enough memory; choose a lower resolution."})
    except Closed:
        return


if __name__ == "__main__":
    main()
