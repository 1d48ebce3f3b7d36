"""A house with an engine of the test's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from support.databases import copy_of_built
from support.server import CARDS, new_account
from support.stage import GRANT_USD, MakeStage, Stage
from terrarium_server.app import House
from terrarium_server.engines import Engine, Engines
from terrarium_server.settings import Settings


def launched_once(url: str) -> None:
    """Let a worker make its tables."""
    with TemporaryDirectory() as folder:
        house = House(Settings(data_dir=Path(folder), database_url=url), engines=Engines([]))
        house.start_workers()
        house.close()


@pytest.fixture(params=["sqlite", "postgres"])
def launched_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database on which a worker was started before; once SQLite, once PostgreSQL."""
    with copy_of_built(request, tmp_path, "launched", launched_once) as url:
        yield url


@pytest.fixture
def make_stage(launched_url: str, tmp_path: Path) -> MakeStage:
    """Opens a house with one engine and the given settings; ``workers=False`` starts none."""

    @contextmanager
    def make(engine: Engine, *, workers: bool = True, **settings: Any) -> Iterator[Stage]:
        chosen: dict[str, Any] = {
            "data_dir": tmp_path,
            "database_url": launched_url,
            "cards_dir": CARDS,
            **settings,
        }
        house = House(Settings(**chosen), engines=Engines([engine]))
        try:
            with house.database.transaction() as tx:
                account = new_account(tx, credits=GRANT_USD)
            if workers:
                house.start_workers()
            yield Stage(house, account)
        finally:
            house.close()

    return make
