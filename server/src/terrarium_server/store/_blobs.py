"""Bytes by key, in a local folder (object stores come with many machines)."""

import os
from contextlib import suppress
from pathlib import Path

from obstore.store import LocalStore


class Blobs:
    """Whole objects in, byte ranges out. Keys are relative paths of safe characters that we mint."""

    def __init__(self, folder: Path) -> None:
        """Keep blobs under ``folder``, which is made if missing."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder.resolve()
        self._store = LocalStore(self._folder)

    def put(self, key: str, data: bytes) -> None:
        """Keep ``data``; putting the same key again replaces it whole, never half."""
        self._store.put(key, data)

    def take(self, key: str, path: Path) -> None:
        """Keep a file, which is gone afterwards. On the same disk it is moved, else read piece by piece."""
        try:
            os.replace(path, self._folder / key)
        except OSError:
            self._store.put(key, path)
            path.unlink()

    def delete(self, key: str) -> None:
        """Forget a blob; one that is not there is none."""
        with suppress(FileNotFoundError):
            self._store.delete(key)

    def copy_to(self, key: str, path: Path) -> None:
        """Write a whole blob to a file. Raises FileNotFoundError."""
        with path.open("wb") as file:
            for chunk in self._store.get(key):
                file.write(chunk)

    async def get(self, key: str, start: int, end: int) -> bytes:
        """Return bytes ``start`` (inclusive) to ``end`` (exclusive). Raises FileNotFoundError."""
        return bytes(await self._store.get_range_async(key, start=start, end=end))
