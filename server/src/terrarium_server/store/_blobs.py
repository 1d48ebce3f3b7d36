"""Bytes by name, in a local folder (object stores come with many machines)."""

import os
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from obstore.store import LocalStore

_PAGE = 500


class Blobs:
    """Whole objects in, byte ranges out.

    Names are minted by us: safe characters, at most one slash. A name is given to one write only. What `put`
    and `take` return from is there for good: file and folder are flushed, so that no record outlives a power
    cut without its bytes.
    """

    def __init__(self, folder: Path) -> None:
        """Keep blobs under ``folder``, which is made if missing."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder.resolve()
        self._store = LocalStore(self._folder)
        # A folder that was just made has to be there after a power cut too.
        _flush(self._folder.parent)

    def put(self, name: str, data: bytes) -> None:
        """Keep ``data``. Raises OSError, FileExistsError for a name that was given before."""
        with self._new(name) as file:
            file.write(data)

    def take(self, name: str, path: Path) -> None:
        """Keep a file, which is gone afterwards. Raises OSError.

        On the same disk it is moved, else copied piece by piece.
        """
        with path.open("rb") as source:
            os.fsync(source.fileno())
            place = self._place(name)
            try:
                os.replace(path, place)
            except OSError:
                with self._new(name) as file:
                    shutil.copyfileobj(source, file)
                path.unlink()
            else:
                _flush(place.parent)

    def delete(self, name: str) -> None:
        """Forget a blob; one that is not there is none."""
        with suppress(FileNotFoundError):
            self._store.delete(name)

    def copy_to(self, name: str, path: Path) -> None:
        """Write a whole blob to a file. Raises OSError, FileNotFoundError where there is no such blob."""
        shutil.copyfile(self._folder / name, path)

    async def size(self, name: str) -> int | None:
        """Return how many bytes a blob has, None if it is not there."""
        try:
            return (await self._store.head_async(name))["size"]
        except FileNotFoundError:
            return None

    async def get(self, name: str, start: int, end: int) -> bytes:
        """Return bytes ``start`` (inclusive) to ``end`` (exclusive). Raises FileNotFoundError."""
        return bytes(await self._store.get_range_async(name, start=start, end=end))

    def pages(self) -> Iterator[list[str]]:
        """Give the names of all blobs, some hundreds at a time, in no order."""
        # Its other form, which is not typed, answers with Arrow tables.
        for page in self._store.list(chunk_size=_PAGE):  # pyright: ignore[reportUnknownMemberType]
            yield [found["path"] for found in page]

    @contextmanager
    def _new(self, name: str) -> Generator[BinaryIO]:
        """Open a new file that is flushed after the block; if the block fails, it is removed."""
        place = self._place(name)
        with place.open("xb") as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
            except BaseException:
                place.unlink()
                raise
        _flush(place.parent)

    def _place(self, name: str) -> Path:
        """Return where a new blob goes; its folder is there."""
        place = self._folder / name
        if not place.parent.is_dir():
            place.parent.mkdir(exist_ok=True)
            _flush(self._folder)
        return place


def _flush(folder: Path) -> None:
    """Write down a folder's names, as a file's own flush does not."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
