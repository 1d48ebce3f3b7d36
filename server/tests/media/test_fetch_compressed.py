"""Bodies that are compressed although the request forbids it: decoded, within the same limits."""

import asyncio
import gzip
import tracemalloc
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.loopback import Reply, loopback
from terrarium_server.media import FetchError, FetchRules, fetch

MIB = 1 << 20
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 400


def without_header(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


def arrived(reply: Reply, into: Path, *, max_bytes: int = MIB) -> bytes:
    rules = FetchRules(max_bytes=max_bytes, seconds=30, allow_private=True)
    with loopback(lambda asked: reply) as site:
        fetched = asyncio.run(fetch(site.url, into, kind="image", rules=rules))
    assert fetched.size_bytes == into.stat().st_size
    return into.read_bytes()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(PNG, mtime=0)),
        ("GZip", gzip.compress(PNG, mtime=0)),
        ("x-gzip", gzip.compress(PNG, mtime=0)),
        ("identity, gzip", gzip.compress(PNG, mtime=0)),
        ("gzip", gzip.compress(PNG, mtime=0) + b"and more"),
        ("deflate", zlib.compress(PNG)),
        ("deflate", without_header(PNG)),
        ("identity", PNG),
        ("", PNG),
    ],
)
def test_a_compressed_body_is_decoded_however_it_is_chunked(
    tmp_path: Path, encoding: str, body: bytes
) -> None:
    headers = {"content-encoding": encoding}
    assert arrived(Reply(body, headers=headers), tmp_path / "x") == PNG
    bytewise = (*(body[at : at + 1] for at in range(40)), body[40:])
    assert arrived(Reply(bytewise, headers=headers), tmp_path / "x") == PNG


@pytest.mark.parametrize("size", [MIB - 1, MIB, MIB + 1, 3 * MIB, 3 * MIB + 100])
def test_no_byte_is_lost_at_the_limit_of_a_decoded_chunk(tmp_path: Path, size: int) -> None:
    whole = PNG.ljust(size, b"\0")
    reply = Reply(gzip.compress(whole, mtime=0), headers={"content-encoding": "gzip"})
    assert arrived(reply, tmp_path / "x", max_bytes=8 * MIB) == whole


@pytest.mark.parametrize(
    ("encoding", "body", "message"),
    [
        ("br", PNG, r"compresses the file \(br\)"),
        ("zstd", PNG, r"compresses the file \(zstd\)"),
        ("gzip, gzip", gzip.compress(gzip.compress(PNG, mtime=0), mtime=0), "compresses the file"),
        ("x" * 900, PNG, "compresses the file"),
        ("gzip", PNG, "cannot be decoded"),
        ("deflate", b"\xff" * 1000, "cannot be decoded"),
        ("gzip", gzip.compress(PNG, mtime=0)[:-1], "breaks off"),
        ("gzip", b"\x1f", "breaks off"),
        ("gzip", b"", "breaks off"),
        ("gzip", gzip.compress(b"", mtime=0), "empty file"),
        ("gzip", gzip.compress(PNG, mtime=0) + b"x" * MIB, "larger than 1 MiB"),
        ("gzip", gzip.compress(PNG.ljust(MIB + 1)), "larger than 1 MiB"),
    ],
)
def test_a_body_that_cannot_be_decoded_within_the_limits_is_refused(
    tmp_path: Path, encoding: str, body: bytes, message: str
) -> None:
    with pytest.raises(FetchError, match=message):
        arrived(Reply(body, headers={"content-encoding": encoding}), tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_a_decompression_bomb_is_never_in_memory_as_a_whole(tmp_path: Path) -> None:
    def bomb() -> Iterator[bytes]:
        compressor = zlib.compressobj(level=9)
        yield compressor.compress(PNG)
        for _ in range(100):
            yield compressor.compress(bytes(MIB))
        yield compressor.flush()

    body = b"".join(bomb())
    assert len(body) < MIB / 2
    tracemalloc.start()
    try:
        with pytest.raises(FetchError, match="larger than 64 MiB"):
            arrived(Reply(body, headers={"content-encoding": "deflate"}), tmp_path / "x", max_bytes=64 * MIB)
        assert tracemalloc.get_traced_memory()[1] < 16 * MIB
    finally:
        tracemalloc.stop()
    assert not (tmp_path / "x").exists()
