"""Books on SQLite and on PostgreSQL."""

from pathlib import Path

import pytest

from terrarium_server.store import Database

from .books import Books


@pytest.fixture
def books(database: Database, tmp_path: Path) -> Books:
    return Books(database, tmp_path)
