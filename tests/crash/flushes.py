"""Records the order in which files, folders and commits reach the disk, in the test's own process."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import sqlalchemy as sa
from sqlalchemy import event

# Device and inode of a file, which do not depend on its name.
_File = tuple[int, int]


@dataclass
class Flushes:
    """Flushes and commits in their order; positions count from 0."""

    # A file and its size, a folder and the names in it, or the values that a transaction wrote.
    _events: list[tuple[_File, int] | tuple[Path, frozenset[str]] | frozenset[str]] = field(
        default_factory=list[Any]
    )

    def content_of(self, path: Path) -> int | None:
        """Return the position of the first flush of a whole file."""
        status = path.stat()
        return self._first(((status.st_dev, status.st_ino), status.st_size))

    def name_of(self, path: Path) -> int | None:
        """Return the position of the first flush of the file's folder with the file's name in it."""
        folder = path.parent.resolve()
        for position, entry in enumerate(self._events):
            if isinstance(entry, tuple) and entry[0] == folder and path.name in entry[1]:  # type: ignore[operator]
                return position
        return None

    def row_with(self, name: str) -> int | None:
        """Return the position of the first commit that wrote this name, or a path that ends in it."""
        for position, entry in enumerate(self._events):
            if isinstance(entry, frozenset) and any(Path(value).name == name for value in entry):
                return position
        return None

    def flushed(self, number: int) -> None:
        """Record the flush of an open file or folder, with what it holds now."""
        status = os.fstat(number)
        path = Path(os.readlink(f"/proc/self/fd/{number}"))
        if path.is_dir():
            self._events.append((path, frozenset(os.listdir(path))))
        else:
            self._events.append(((status.st_dev, status.st_ino), status.st_size))

    def committed(self, values: frozenset[str]) -> None:
        """Record a transaction that is about to be committed."""
        self._events.append(values)

    def _first(self, entry: object) -> int | None:
        return self._events.index(entry) if entry in self._events else None  # type: ignore[arg-type]


@contextmanager
def observed() -> Iterator[Flushes]:
    """Record every flush and every commit of this process."""
    flushes = Flushes()
    written: dict[int, set[str]] = {}
    flush = os.fsync

    def fsync(file: Any) -> None:
        flush(file)
        flushes.flushed(file if isinstance(file, int) else file.fileno())

    def executed(connection: sa.Connection, _cursor: Any, _statement: str, values: Any, *_: Any) -> None:
        written.setdefault(id(connection), set()).update(_texts(values))

    def committed(connection: sa.Connection) -> None:
        flushes.committed(frozenset(written.pop(id(connection), ())))

    def rolled_back(connection: sa.Connection) -> None:
        written.pop(id(connection), None)

    listeners = {"before_cursor_execute": executed, "commit": committed, "rollback": rolled_back}
    for name, listener in listeners.items():
        event.listen(sa.Engine, name, listener)
    try:
        with patch("os.fsync", fsync), patch("os.fdatasync", fsync):
            yield flushes
    finally:
        for name, listener in listeners.items():
            event.remove(sa.Engine, name, listener)


def _texts(values: Any) -> Iterator[str]:
    match values:
        case str():
            yield values
        case dict():
            yield from _texts(list(values.values()))  # pyright: ignore[reportUnknownArgumentType]
        case list() | tuple():
            for value in values:  # pyright: ignore[reportUnknownVariableType]
                yield from _texts(value)
        case _:
            pass
