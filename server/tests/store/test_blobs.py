"""Blobs: whole objects in, ranges out."""

import asyncio
from pathlib import Path

import pytest

from terrarium_server.store import Blobs


def test_what_is_put_is_read_in_ranges(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "new" / "folder")
    blobs.put("a.png", b"0123456789")
    assert asyncio.run(blobs.get("a.png", 0, 10)) == b"0123456789"
    assert asyncio.run(blobs.get("a.png", 3, 5)) == b"34"


def test_putting_again_replaces_the_whole(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    blobs.put("a", b"longer than the next")
    blobs.put("a", b"short")
    assert asyncio.run(blobs.get("a", 0, 5)) == b"short"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_was_never_put_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        asyncio.run(Blobs(tmp_path).get("none", 0, 1))


def test_blobs_survive_the_process(tmp_path: Path) -> None:
    Blobs(tmp_path).put("a", b"kept")
    assert asyncio.run(Blobs(tmp_path).get("a", 0, 4)) == b"kept"
