"""Bytes by key, in a local folder (object stores come with many machines)."""

from pathlib import Path

from obstore.store import LocalStore


class Blobs:
    """Whole objects in, byte ranges out. Keys are relative paths of safe characters that we mint."""

    def __init__(self, folder: Path) -> None:
        """Keep blobs under ``folder``, which is made if missing."""
        folder.mkdir(parents=True, exist_ok=True)
        self._store = LocalStore(folder.resolve())

    def put(self, key: str, data: bytes) -> None:
        """Keep ``data``; putting the same key again replaces it whole, never half."""
        self._store.put(key, data)

    async def get(self, key: str, start: int, end: int) -> bytes:
        """Return bytes ``start`` (inclusive) to ``end`` (exclusive). Raises FileNotFoundError."""
        return bytes(await self._store.get_range_async(key, start=start, end=end))
