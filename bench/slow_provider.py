"""A provider with Replicate's API that accepts every job and never ends one; it counts its requests."""

import asyncio
import json
import re

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class _Counts:
    made = 0
    polls = 0


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if length := _LENGTH.search(head):
                await reader.readexactly(int(length[1]))
            method, path, _ = head.split(b" ", 2)
            body = _answer(method, path.decode())
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
            )
            writer.write(body)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def _answer(method: bytes, path: str) -> bytes:
    if path in ("/made", "/polls"):
        return str(getattr(_Counts, path[1:])).encode()
    if method == b"POST":
        _Counts.made += 1
        return json.dumps({"id": f"p{_Counts.made}", "status": "starting"}).encode()
    _Counts.polls += 1
    return json.dumps({"id": path.rpartition("/")[2], "status": "processing", "logs": ""}).encode()


async def main() -> None:
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
