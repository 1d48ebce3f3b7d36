"""A house with an engine of the test's own."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from support.postgres import Postgres
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


@pytest.fixture(scope="session")
def launched_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("launched") / "terrarium.sqlite"
    launched_once(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgres"])
def launched_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database on which a worker was started before; once SQLite, once PostgreSQL."""
    if request.param == "sqlite":
        copy = tmp_path / "launched.sqlite"
        shutil.copy(request.getfixturevalue("launched_file"), copy)
        yield f"sqlite:///{copy}"
        return
    cluster: Postgres = request.getfixturevalue("postgres")
    url = cluster.copy_of("launched", launched_once)
    yield url
    cluster.drop(url)


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
