"""The blob store: bytes by name, in a local folder."""

import os
import shutil
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from obstore.store import LocalStore

_PAGE = 500


class Blobs:
    """Writes whole objects, reads byte ranges.

    The server mints the names: safe characters, at most one slash, each used for one write only. When `put`
    and `take` return, file and folder are flushed to the disk, so that a record that survives a power cut has
    its bytes.
    """

    def __init__(self, folder: Path) -> None:
        """Store blobs under ``folder``, which is created if missing."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder.resolve()
        self._store = LocalStore(self._folder)
        # A new folder must survive a power cut too.
        _flush(self._folder.parent)

    def put(self, name: str, data: bytes) -> None:
        """Store ``data``. Raises OSError, and FileExistsError for a name that was used before."""
        with self._new(name) as file:
            file.write(data)

    def take(self, name: str, path: Path) -> None:
        """Move a file into the store; from another disk it is copied piece by piece. Raises OSError."""
        with path.open("rb") as source:
            os.fsync(source.fileno())
            target = self._prepare(name)
            try:
                os.replace(path, target)
            except OSError:
                with self._new(name) as file:
                    shutil.copyfileobj(source, file)
                path.unlink()
            else:
                _flush(target.parent)

    def delete(self, name: str) -> None:
        """Delete a blob, if there is one of this name."""
        with suppress(FileNotFoundError):
            self._store.delete(name)

    def copy_to(self, name: str, path: Path) -> None:
        """Copy a whole blob to a file. Raises OSError, and FileNotFoundError for an unknown name."""
        shutil.copyfile(self._folder / name, path)

    async def size(self, name: str) -> int | None:
        """Return the size of a blob in bytes, None for an unknown name."""
        try:
            return (await self._store.head_async(name))["size"]
        except FileNotFoundError:
            return None

    async def get(self, name: str, start: int, end: int) -> bytes:
        """Return bytes ``start`` (inclusive) to ``end`` (exclusive). Raises FileNotFoundError."""
        return bytes(await self._store.get_range_async(name, start=start, end=end))

    def pages(self) -> Iterator[list[str]]:
        """Yield the names of all blobs, some hundreds at a time, in no particular order."""
        # The other overload of `list` returns Arrow tables, whose types are unknown.
        for page in self._store.list(chunk_size=_PAGE):  # pyright: ignore[reportUnknownMemberType]
            yield [entry["path"] for entry in page]

    @contextmanager
    def _new(self, name: str) -> Generator[BinaryIO]:
        """Open a new file that is flushed after the block, or deleted if the block fails."""
        target = self._prepare(name)
        with target.open("xb") as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
            except BaseException:
                target.unlink()
                raise
        _flush(target.parent)

    def _prepare(self, name: str) -> Path:
        """Return the path of a new blob, after creating its folder."""
        target = self._folder / name
        if not target.parent.is_dir():
            target.parent.mkdir(exist_ok=True)
            _flush(self._folder)
        return target


def _flush(folder: Path) -> None:
    """Flush the names in a folder, which flushing its files does not include."""
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
