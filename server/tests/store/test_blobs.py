"""Blobs: written as a whole, read in ranges, flushed to the disk before a write returns."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from terrarium_server.store import Blobs


def test_a_blob_is_read_in_ranges(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "new" / "folder")
    blobs.put("a.png", b"0123456789")
    assert asyncio.run(blobs.get("a.png", 0, 10)) == b"0123456789"
    assert asyncio.run(blobs.get("a.png", 3, 5)) == b"34"
    assert asyncio.run(blobs.size("a.png")) == 10


def test_a_name_is_used_once(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    blobs.put("a", b"first")
    with pytest.raises(FileExistsError):
        blobs.put("a", b"second")
    assert asyncio.run(blobs.get("a", 0, 5)) == b"first"


def test_an_unknown_name_is_not_found(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    with pytest.raises(FileNotFoundError):
        asyncio.run(blobs.get("none", 0, 1))
    assert asyncio.run(blobs.size("none")) is None
    assert asyncio.run(blobs.size("none/either")) is None


def test_blobs_survive_the_process(tmp_path: Path) -> None:
    Blobs(tmp_path).put("a", b"kept")
    assert asyncio.run(Blobs(tmp_path).get("a", 0, 4)) == b"kept"


@pytest.mark.parametrize("is_far", [False, True], ids=["on the same disk", "on another disk"])
def test_a_file_is_moved_into_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_far: bool
) -> None:
    def refused(*_: object) -> None:
        raise OSError("on another disk")

    blobs = Blobs(tmp_path / "media")
    made = tmp_path / "made"
    made.write_bytes(b"0123456789" * 100_000)
    number = made.stat().st_ino
    if is_far:
        monkeypatch.setattr(os, "replace", refused)
    blobs.take("a.mp4", made)
    assert not made.exists()
    assert asyncio.run(blobs.get("a.mp4", 999_995, 1_000_000)) == b"56789"
    assert [path.name for path in (tmp_path / "media").iterdir()] == ["a.mp4"]
    # On the same disk a file is not copied.
    assert ((tmp_path / "media" / "a.mp4").stat().st_ino == number) is not is_far


def test_a_missing_file_is_not_moved(tmp_path: Path) -> None:
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


def test_all_names_are_listed(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    assert list(blobs.pages()) == []
    names = {"a", *(f"ws_{number % 3}/{number}" for number in range(700))}
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    pages = list(blobs.pages())
    assert len(pages) > 1
    assert sorted(name for page in pages for name in page) == sorted(names)


class Flushes:
    """All flushes in order: of a file with its size, or of a folder with its names, at that moment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.entries: list[tuple[str, int | list[str]]] = []
        self._flush = os.fsync
        monkeypatch.setattr(os, "fsync", self._note)

    def _note(self, number: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{number}"))
        content = sorted(child.name for child in path.iterdir()) if path.is_dir() else path.stat().st_size
        self.entries.append((path.name, content))
        self._flush(number)


@pytest.mark.parametrize("is_far", [False, True], ids=["on the same disk", "on another disk"])
def test_file_and_folders_are_flushed_before_a_write_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_far: bool
) -> None:
    replace = os.replace

    def replaced(*paths: Any) -> None:
        if is_far:
            raise OSError("on another disk")
        replace(*paths)

    monkeypatch.setattr(os, "replace", replaced)
    flushes = Flushes(monkeypatch)
    blobs = Blobs(tmp_path / "media")
    assert flushes.entries.pop() == (tmp_path.name, ["media"])
    blobs.put("ws_1/a.png", b"0123456789")
    assert flushes.entries == [("media", ["ws_1"]), ("a.png", 10), ("ws_1", ["a.png"])]
    flushes.entries.clear()
    (tmp_path / "made").write_bytes(b"01234")
    blobs.take("ws_1/b.png", tmp_path / "made")
    assert ("b.png" if is_far else "made", 5) in flushes.entries
    assert flushes.entries[-1] == ("ws_1", ["a.png", "b.png"])


def test_a_write_that_fails_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_number: int) -> None:
        raise OSError(28, "No space left on device")

    blobs = Blobs(tmp_path)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        blobs.put("a", b"0123456789")
    assert list(tmp_path.iterdir()) == []
