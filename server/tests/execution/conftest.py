"""A house with an engine of the test's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.server import CARDS, new_account
from support.stage import GRANT_USD, MakeStage, Stage
from terrarium_server.app import House
from terrarium_server.engines import Engine, Engines
from terrarium_server.settings import Settings


@pytest.fixture
def make_stage(migrated_url: str, tmp_path: Path) -> MakeStage:
    """Opens a house with one engine and the given settings; ``workers=False`` starts none."""

    @contextmanager
    def make(*engines: Engine, workers: bool = True, **settings: Any) -> Iterator[Stage]:
        chosen: dict[str, Any] = {
            "data_dir": tmp_path,
            "database_url": migrated_url,
            "cards_dir": CARDS,
            **settings,
        }
        house = House(Settings(**chosen), engines=Engines(engines))
        try:
            with house.database.transaction() as tx:
                account = new_account(tx, credits=GRANT_USD)
            if workers:
                house.start_workers()
            yield Stage(house, account)
        finally:
            house.close()

    return make
