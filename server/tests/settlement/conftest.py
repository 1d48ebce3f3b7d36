"""A tenant on SQLite and one on PostgreSQL."""

from pathlib import Path

import pytest

from terrarium_server.store import Database

from .tenant import Tenant


@pytest.fixture
def tenant(database: Database, tmp_path: Path) -> Tenant:
    return Tenant(database, tmp_path)
