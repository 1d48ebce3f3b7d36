"""A tenant on SQLite and one on PostgreSQL, and two sessions of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from terrarium_server.store import Database

from .interleaving import Interleaving
from .tenant import Tenant


@pytest.fixture
def tenant(database: Database, tmp_path: Path) -> Tenant:
    return Tenant(database, tmp_path)


@pytest.fixture
def interleaving(tenant: Tenant, migrated_url: str) -> Iterator[Interleaving]:
    opened = Interleaving(tenant, migrated_url)
    yield opened
    opened.close()
