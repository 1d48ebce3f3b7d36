"""A server's services with the test's own engines."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.server import CARDS, new_account
from support.workspace import GRANT_USD, OpenWorkspace, Workspace
from terrarium_server.app import Services
from terrarium_server.engines import Engine
from terrarium_server.engines.registry import Engines
from terrarium_server.settings import Settings


@pytest.fixture
def open_workspace(migrated_url: str, tmp_path: Path) -> OpenWorkspace:
    """Returns a function that opens services with its engines and settings, and starts their worker."""

    @contextmanager
    def make(*engines: Engine, workers: bool = True, **settings: Any) -> Iterator[Workspace]:
        values: dict[str, Any] = {
            "data_dir": tmp_path,
            "database_url": migrated_url,
            "cards_dir": CARDS,
            **settings,
        }
        services = Services(Settings(**values), engines=Engines(engines))
        try:
            with services.database.transaction() as tx:
                account = new_account(tx, credits=GRANT_USD)
            if workers:
                services.start_workers()
            yield Workspace(services, account)
        finally:
            services.close()

    return make
