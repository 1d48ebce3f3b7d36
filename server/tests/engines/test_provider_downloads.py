"""What a provider made, on its way into a file: never whole in memory, and nothing left where it failed."""

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
from support.driving import content
from support.loopback import Asked, Reply, loopback
from support.server import DEADLINE
from terrarium_server.engines import Output
from terrarium_server.engines._provider import MediaKind, Provider, ProviderError, all_or_none

PIECE = 1 << 16


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path / "not" / "there" / "yet"


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.exists() else []


def download(url: str, kind: MediaKind = "image", lab: str = "http://127.0.0.1:1", **settings: Any) -> Output:
    async def work() -> Output:
        provider = Provider("lab", lab, **settings)
        try:
            return await provider.download(url, kind)
        finally:
            await provider.close()

    return asyncio.run(work())


def test_results_in_a_private_network_are_not_fetched_for_a_provider_outside_it(scratch: Path) -> None:
    with pytest.raises(ProviderError, match="cannot be fetched"):
        download("http://127.0.0.1:1/file", lab="https://api.example.com", scratch=scratch)
    for wrong in ("https://[bad", "https://host:port/file", "http://127.0.0.1:port/file"):
        with pytest.raises(ProviderError, match="answered with"):
            download(wrong, scratch=scratch)
    with pytest.raises(ProviderError, match="not public"):
        download("https://127.0.0.1:1/file", lab="https://api.example.com", scratch=scratch)
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
    with loopback(lambda asked: Reply(pieces)) as server:
        tracemalloc.start()
        try:
            own = download("/file", lab=server.url, scratch=scratch)
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
    ("encoding", "packed"), [("gzip", gzip.compress(PNG)), ("Deflate", zlib.compress(PNG)), ("identity", PNG)]
)
def test_a_result_that_comes_compressed_is_unpacked(scratch: Path, encoding: str, packed: bytes) -> None:
    with loopback(
        lambda asked: Reply((packed[:30], packed[30:]), headers={"content-encoding": encoding})
    ) as lab:
        for url in ("/file", f"{lab.url}/file"):
            assert content(download(url, lab=lab.url, scratch=scratch)) == PNG


def test_what_unfolds_to_far_more_is_let_go_of_in_little_memory(scratch: Path) -> None:
    packer = zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(PNG if not at else bytes(1 << 20)) for at in range(300)) + packer.flush()
    assert len(bomb) < 1 << 20
    with loopback(lambda asked: Reply((bomb,), headers={"content-encoding": "gzip"})) as lab:
        tracemalloc.start()
        try:
            with pytest.raises(ProviderError, match="more than 256 MiB"):
                download("/file", lab=lab.url, scratch=scratch)
            assert tracemalloc.get_traced_memory()[1] < 24 << 20
        finally:
            tracemalloc.stop()
    assert files(scratch) == []


@pytest.mark.parametrize("encoding", ["br", "gzip, gzip", "gzip"])
def test_a_result_that_cannot_be_unpacked_is_told(scratch: Path, encoding: str) -> None:
    with loopback(lambda asked: Reply((PNG,), headers={"content-encoding": encoding})) as lab:
        for url in ("/file", f"{lab.url}/file"):
            with pytest.raises(ProviderError) as failed:
                download(url, lab=lab.url, scratch=scratch)
            assert failed.value.failure.code == "GENERATION_INVALID_PROVIDER_RESPONSE"
    assert files(scratch) == []


def test_a_result_is_asked_for_again_where_it_broke_off_and_begins_anew(scratch: Path) -> None:
    replies = iter([Reply((PNG, b"and more"), drops=True), Reply({}, 502), Reply(PNG)])
    with loopback(lambda asked: next(replies)) as server:
        assert content(download("/file", lab=server.url, scratch=scratch)) == PNG
    assert len(server.asked) == 3


WRONG = {
    "gone": Reply(status=404),
    "another kind": Reply(b"%PDF-1.7"),
    "drips": Reply((PNG,) * 100, pause=0.1),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_result_that_cannot_be_had_leaves_no_file(scratch: Path, name: str) -> None:
    with loopback(lambda asked: WRONG[name]) as server:
        for url, lab in (("/file", server.url), (f"{server.url}/file", "http://127.0.0.1:1")):
            began = time.monotonic()
            with pytest.raises(ProviderError):
                download(url, lab=lab, scratch=scratch, timeout_seconds=1.0)
            assert time.monotonic() - began < 5
            assert files(scratch) == []


@pytest.mark.parametrize("lab", ["", "http://127.0.0.1:1"], ids=["own host", "another host"])
def test_a_result_that_drips_is_let_go_of_when_its_time_is_up(scratch: Path, lab: str) -> None:
    with loopback(lambda asked: Reply((PNG, *[b"x"] * 100_000), pause=0.05)) as server:
        with pytest.raises(ProviderError):
            download(f"{server.url}/file", lab=lab or server.url, scratch=scratch, timeout_seconds=1.0)
        wait_for(server.hung_up.is_set)
    assert files(scratch) == []


@pytest.mark.parametrize("location", ["https://[", "https://[/a", "data:image/png,x", "https://h:abc/"])
@pytest.mark.parametrize("lab", ["", "http://127.0.0.1:1"], ids=["own host", "another host"])
def test_a_result_that_moved_to_no_address_is_told(scratch: Path, lab: str, location: str) -> None:
    reply = Reply(status=302, headers={"location": location})
    with loopback(lambda asked: reply) as server, pytest.raises(ProviderError):
        download(f"{server.url}/file", lab=lab or server.url, scratch=scratch)
    assert files(scratch) == []


@pytest.mark.parametrize("begun", [False, True], ids=["before it began", "in its middle"])
@pytest.mark.parametrize("lab", ["", "http://127.0.0.1:1"], ids=["own host", "another host"])
def test_a_download_that_is_cancelled_leaves_no_file_and_holds_nobody_up(
    scratch: Path, lab: str, begun: bool
) -> None:
    go_on = threading.Event()

    def answer(asked: Asked) -> Reply:
        go_on.wait(DEADLINE)
        return Reply((PNG.ljust(1 << 20, b"\0"),) * 20, pause=0.05)

    async def give_up(url: str, has_begun: Callable[[], bool]) -> None:
        provider = Provider("lab", lab or url, scratch=scratch)
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
        asyncio.run(give_up(server.url, lambda: bool(held(scratch) if begun else server.asked)))
        assert time.monotonic() - began < DEADLINE / 2
        go_on.set()
        wait_for(server.hung_up.is_set)
    assert files(scratch) == []


def held(folder: Path) -> int:
    """How many bytes there are below a folder, whose files may go at any moment."""
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


def test_of_several_results_all_are_had_or_none_stays(scratch: Path) -> None:
    async def fetch(url: str, paths: list[str]) -> tuple[Output, ...]:
        lab = Provider("lab", url, scratch=scratch)
        try:
            return await all_or_none(await lab.download(path, "image") for path in paths)
        finally:
            await lab.close()

    with loopback(lambda asked: Reply(PNG) if asked.path == "/there" else Reply(status=404)) as server:
        assert len(asyncio.run(fetch(server.url, ["/there", "/there"]))) == len(files(scratch)) == 2
        with pytest.raises(ProviderError):
            asyncio.run(fetch(server.url, ["/there", "/there", "/gone"]))
    assert len(files(scratch)) == 2


def test_a_result_that_is_the_answer_itself_is_asked_for_once(scratch: Path) -> None:
    async def make(url: str) -> Output:
        return await Provider("lab", url, scratch=scratch).save("POST", "/speak", "audio", body={"say": "a"})

    replies = iter([Reply(b"fLaC" + bytes(1000)), Reply((b"fLaC",), drops=True)])
    with loopback(lambda asked: next(replies)) as server:
        assert content(asyncio.run(make(server.url))) == b"fLaC" + bytes(1000)
        with pytest.raises(ProviderError, match="may have charged"):
            asyncio.run(make(server.url))
    assert len(server.asked) == 2
    assert files(scratch) == []
