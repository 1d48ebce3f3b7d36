"""Blobs: whole objects in, ranges out."""

import asyncio
import os
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


@pytest.mark.parametrize("is_far", [False, True], ids=["on the same disk", "on another disk"])
def test_a_file_is_taken_and_gone_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_far: bool
) -> None:
    def refused(*_: object) -> None:
        raise OSError("on another disk")

    blobs = Blobs(tmp_path / "media")
    blobs.put("a.mp4", b"what was there before")
    made = tmp_path / "made"
    made.write_bytes(b"0123456789" * 100_000)
    number = made.stat().st_ino
    if is_far:
        monkeypatch.setattr(os, "replace", refused)
    blobs.take("a.mp4", made)
    assert not made.exists()
    assert asyncio.run(blobs.get("a.mp4", 999_995, 1_000_000)) == b"56789"
    assert [path.name for path in (tmp_path / "media").iterdir()] == ["a.mp4"]
    # A large one is not read again where that is not needed.
    assert ((tmp_path / "media" / "a.mp4").stat().st_ino == number) is not is_far


def test_a_file_that_is_not_there_is_not_taken(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "media")
    with pytest.raises(FileNotFoundError):
        blobs.take("a.mp4", tmp_path / "none")
    assert list((tmp_path / "media").iterdir()) == []


def test_a_blob_is_copied_to_a_file(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "media")
    blobs.put("a", b"0123456789")
    blobs.copy_to("a", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"0123456789"
    blobs.delete("a")
    blobs.delete("a")
    with pytest.raises(FileNotFoundError):
        blobs.copy_to("a", tmp_path / "copy")
