"""Fixtures: the whole application in the test's own process, on SQLite and on PostgreSQL."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from support.postgres import Postgres
from support.server import CARDS, CONFIG, Account, new_account
from terrarium_server import accounts
from terrarium_server.app import Services, create_app
from terrarium_server.settings import Settings


@dataclass(frozen=True)
class Application:
    """An application and its services; every test creates an account of its own."""

    services: Services
    app: FastAPI
    anonymous: TestClient

    def account(self, **options: Any) -> Account:
        """Create a workspace, see `new_account`."""
        with self.services.database.transaction() as tx:
            return new_account(tx, **options)

    def key(self, account: Account, **options: Any) -> accounts.NewKey:
        """Create another key for a workspace, see `accounts.create_key`."""
        with self.services.database.transaction() as tx:
            return accounts.create_key(tx, account.workspace_id, **options)

    def client(self, api_key: str) -> "Client":
        """Return a client with this key."""
        return Client(self.anonymous, api_key)


@dataclass(frozen=True)
class Client:
    """Sends requests to the API with one key."""

    anonymous: TestClient
    api_key: str

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Send one request; ``path`` is below /api/v1."""
        headers = {"authorization": f"Bearer {self.api_key}", **options.pop("headers", {})}
        return self.anonymous.request(method, f"/api/v1{path}", headers=headers, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Send a GET."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """Send a POST."""
        return self.request("POST", path, **options)


@contextmanager
def open_application(folder: Path, *, workers: bool, **settings: Any) -> Iterator[Application]:
    """Open the services and start their application; ``settings`` by their names."""
    chosen: dict[str, Any] = {
        "cards_dir": CARDS,
        "config": CONFIG,
        "sketch_processes": 1,
        **settings,
        "data_dir": folder,
    }
    services = Services(Settings(**chosen))
    app = create_app(services, workers=workers)
    # The client does not raise: the answers to unexpected errors are tested too.
    with TestClient(app, base_url="http://terrarium.test", raise_server_exceptions=False) as client:
        yield Application(services, app, client)


@contextmanager
def empty_database(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """The URL of an empty database, None for SQLite in the data folder."""
    if request.param == "sqlite":
        yield None
        return
    cluster: Postgres = request.getfixturevalue("postgres")
    url = cluster.fresh_database()
    yield url
    cluster.drop(url)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def application(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Application]:
    """The application with workers."""
    with (
        empty_database(request) as url,
        open_application(tmp_path_factory.mktemp("data"), workers=True, database_url=url) as opened,
    ):
        yield opened


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def api_only(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Application]:
    """The application without workers: what is admitted stays pending."""
    with (
        empty_database(request) as url,
        open_application(tmp_path_factory.mktemp("data"), workers=False, database_url=url) as opened,
    ):
        yield opened
