"""Downloading results into files: never whole in memory, and no file left after a failure."""

import asyncio
import gzip
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from support.cases.openai_compatible import PNG
from support.driver import content
from support.loopback import Reply, Request, loopback
from support.server import DEADLINE
from terrarium_server.engines import Output
from terrarium_server.engines.provider import Provider, ProviderError, all_or_none
from terrarium_server.media import MediaKind

PIECE = 1 << 16


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path / "not" / "there" / "yet"


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.exists() else []


def download(
    url: str, kind: MediaKind = "image", provider_url: str = "http://127.0.0.1:1", **settings: Any
) -> Output:
    async def work() -> Output:
        provider = Provider("lab", provider_url, **settings)
        try:
            return await provider.download(url, kind)
        finally:
            await provider.close()

    return asyncio.run(work())


def test_results_in_a_private_network_are_not_fetched_for_a_provider_outside_it(scratch: Path) -> None:
    with pytest.raises(ProviderError, match="cannot be fetched"):
        download("http://127.0.0.1:1/file", provider_url="https://api.example.com", scratch=scratch)
    for wrong in ("https://[bad", "https://host:port/file", "http://127.0.0.1:port/file"):
        with pytest.raises(ProviderError, match="answered with"):
            download(wrong, scratch=scratch)
    with pytest.raises(ProviderError, match="not public"):
        download("https://127.0.0.1:1/file", provider_url="https://api.example.com", scratch=scratch)
    assert files(scratch) == []


def test_data_addresses_and_wrong_files(scratch: Path) -> None:
    for address, expected in {
        "data:audio/wav;base64,UklGRgAAAABXQVZF": b"RIFF\0\0\0\0WAVE",
        "data:audio/wav,RIFF%00%00%00%00WAVE": b"RIFF\0\0\0\0WAVE",
    }.items():
        output = download(address, "audio", scratch=scratch)
        assert output.content_type == "audio/wav" and content(output) == expected
    for wrong in ("data:image/png;base64,UklGRgAAAABXQVZF", "data:image/png;base64,!", "data:image/png,"):
        with pytest.raises(ProviderError) as failed:
            download(wrong, scratch=scratch)
        assert failed.value.failure.code == "GENERATION_INVALID_PROVIDER_RESPONSE"
    assert files(scratch) == []


def test_a_large_result_is_never_whole_in_memory(scratch: Path) -> None:
    pieces = (PNG.ljust(PIECE, b"\0"), *[bytes(PIECE)] * 1599)
    with loopback(lambda request: Reply(pieces)) as server:
        tracemalloc.start()
        try:
            own = download("/file", provider_url=server.url, scratch=scratch)
            peaks = [tracemalloc.get_traced_memory()[1]]
            tracemalloc.reset_peak()
            other = download(f"{server.url}/file", scratch=scratch)
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    for output in (own, other):
        assert isinstance(output.data, Path) and output.data.parent == scratch
        assert output.data.stat().st_size == 1600 * PIECE
        assert (output.content_type, output.width, output.height) == ("image/png", 2, 1)
    assert own.data != other.data
    assert max(peaks) < 24 << 20, peaks


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [("gzip", gzip.compress(PNG, mtime=0)), ("Deflate", zlib.compress(PNG)), ("identity", PNG)],
)
def test_a_compressed_result_is_decompressed(scratch: Path, encoding: str, packed: bytes) -> None:
    with loopback(
        lambda request: Reply((packed[:30], packed[30:]), headers={"content-encoding": encoding})
    ) as server:
        for url in ("/file", f"{server.url}/file"):
            assert content(download(url, provider_url=server.url, scratch=scratch)) == PNG


def test_a_result_that_inflates_beyond_the_limit_is_given_up_in_little_memory(scratch: Path) -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(PNG if not at else bytes(1 << 20)) for at in range(300)) + packer.flush()
    assert len(bomb) < 1 << 20
    with loopback(lambda request: Reply((bomb,), headers={"content-encoding": "gzip"})) as server:
        tracemalloc.start()
        try:
            with pytest.raises(ProviderError, match="more than 256 MiB"):
                download("/file", provider_url=server.url, scratch=scratch)
            assert tracemalloc.get_traced_memory()[1] < 24 << 20
        finally:
            tracemalloc.stop()
    assert files(scratch) == []


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "gzip"])
def test_a_result_that_cannot_be_decompressed_is_reported(scratch: Path, encoding: str) -> None:
    with loopback(lambda request: Reply((PNG,), headers={"content-encoding": encoding})) as server:
        for url in ("/file", f"{server.url}/file"):
            with pytest.raises(ProviderError) as failed:
                download(url, provider_url=server.url, scratch=scratch)
            assert failed.value.failure.code == "GENERATION_INVALID_PROVIDER_RESPONSE"
    assert files(scratch) == []


def test_a_download_that_broke_is_repeated_from_the_beginning(scratch: Path) -> None:
    replies = iter([Reply((PNG, b"and more"), drops=True), Reply({}, 502), Reply(PNG)])
    with loopback(lambda request: next(replies)) as server:
        assert content(download("/file", provider_url=server.url, scratch=scratch)) == PNG
    assert len(server.requests) == 3


WRONG = {
    "gone": Reply(status=404),
    "another kind": Reply(b"%PDF-1.7"),
    "drips": Reply((PNG,) * 100, pause=0.1),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_result_that_cannot_be_fetched_leaves_no_file(scratch: Path, name: str) -> None:
    with loopback(lambda request: WRONG[name]) as server:
        for url, provider_url in (("/file", server.url), (f"{server.url}/file", "http://127.0.0.1:1")):
            began = time.monotonic()
            with pytest.raises(ProviderError):
                download(url, provider_url=provider_url, scratch=scratch, timeout_seconds=1.0)
            assert time.monotonic() - began < 5
            assert files(scratch) == []


@pytest.mark.parametrize("provider_url", ["", "http://127.0.0.1:1"], ids=["own host", "another host"])
def test_a_slow_result_is_given_up_when_its_time_is_over(scratch: Path, provider_url: str) -> None:
    with loopback(lambda request: Reply((PNG, *[b"x"] * 100_000), pause=0.05)) as server:
        with pytest.raises(ProviderError):
            download(
                f"{server.url}/file",
                provider_url=provider_url or server.url,
                scratch=scratch,
                timeout_seconds=1.0,
            )
        wait_for(server.client_closed.is_set)
    assert files(scratch) == []


@pytest.mark.parametrize("location", ["https://[", "https://[/a", "data:image/png,x", "https://h:abc/"])
@pytest.mark.parametrize("provider_url", ["", "http://127.0.0.1:1"], ids=["own host", "another host"])
def test_a_result_that_moved_to_an_invalid_address_is_reported(
    scratch: Path, provider_url: str, location: str
) -> None:
    reply = Reply(status=302, headers={"location": location})
    with loopback(lambda request: reply) as server, pytest.raises(ProviderError):
        download(f"{server.url}/file", provider_url=provider_url or server.url, scratch=scratch)
    assert files(scratch) == []


@pytest.mark.parametrize("begun", [False, True], ids=["before it began", "in its middle"])
@pytest.mark.parametrize("provider_url", ["", "http://127.0.0.1:1"], ids=["own host", "another host"])
def test_a_cancelled_download_leaves_no_file_and_ends_at_once(
    scratch: Path, provider_url: str, begun: bool
) -> None:
    go_on = threading.Event()

    def answer(request: Request) -> Reply:
        go_on.wait(DEADLINE)
        return Reply((PNG.ljust(1 << 20, b"\0"),) * 20, pause=0.05)

    async def give_up(url: str, has_begun: Callable[[], bool]) -> None:
        provider = Provider("lab", provider_url or url, scratch=scratch)
        task = asyncio.create_task(provider.download(f"{url}/file", "image"))
        await asyncio.to_thread(wait_for, has_begun)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await provider.close()
        assert files(scratch) == []

    with loopback(answer) as server:
        if begun:
            go_on.set()
        began = time.monotonic()
        asyncio.run(give_up(server.url, lambda: bool(size_of(scratch) if begun else server.requests)))
        assert time.monotonic() - began < DEADLINE / 2
        go_on.set()
        wait_for(server.client_closed.is_set)
    assert files(scratch) == []


def size_of(folder: Path) -> int:
    """The size in bytes of all files below a folder, which may be deleted meanwhile."""
    size = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            size += path.stat().st_size if path.is_file() else 0
    return size


def wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_if_one_of_several_results_cannot_be_fetched_none_is_left_behind(scratch: Path) -> None:
    async def fetch(url: str, paths: list[str]) -> tuple[Output, ...]:
        provider = Provider("lab", url, scratch=scratch)
        try:
            return await all_or_none(await provider.download(path, "image") for path in paths)
        finally:
            await provider.close()

    with loopback(lambda request: Reply(PNG) if request.path == "/there" else Reply(status=404)) as server:
        assert len(asyncio.run(fetch(server.url, ["/there", "/there"]))) == len(files(scratch)) == 2
        with pytest.raises(ProviderError):
            asyncio.run(fetch(server.url, ["/there", "/there", "/gone"]))
    assert len(files(scratch)) == 2


def test_a_result_that_is_the_answer_itself_is_requested_once(scratch: Path) -> None:
    async def make(url: str) -> Output:
        return await Provider("lab", url, scratch=scratch).save("POST", "/speak", "audio", body={"say": "a"})

    replies = iter([Reply(b"fLaC" + bytes(1000)), Reply((b"fLaC",), drops=True)])
    with loopback(lambda request: next(replies)) as server:
        assert content(asyncio.run(make(server.url))) == b"fLaC" + bytes(1000)
        with pytest.raises(ProviderError, match="may have charged"):
            asyncio.run(make(server.url))
    assert len(server.requests) == 2
    assert files(scratch) == []
