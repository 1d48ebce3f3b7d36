"""Fixtures: deployments whose processes the tests kill, and the results of the modules' scenarios."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from crash.deployment import Deployment, Launcher, running_launcher
from crash.provider import Provider, serving
from crash.scenarios import Deployments, MakeDeployment, Results, Scenarios, run_concurrently, selected_cases
from support.postgres import Postgres
from terrarium_server import migrations
from terrarium_server.store import Database


def _build(url: str) -> None:
    """Create all tables."""
    with closing(Database(url)) as database:
        migrations.upgrade(database, migrations.Facts({}, {}))


@pytest.fixture(scope="session")
def launcher() -> Iterator[Launcher]:
    with running_launcher() as started:
        yield started


@pytest.fixture(scope="session")
def template_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose SQLite file has all tables."""
    folder = tmp_path_factory.mktemp("template")
    _build(f"sqlite:///{folder / 'data' / 'terrarium.db'}")
    return folder


@pytest.fixture(scope="session")
def template_database(postgres: Postgres) -> str:
    """The name of a PostgreSQL database that has all tables."""
    url = postgres.fresh_database()
    _build(url)
    return url.rpartition("/")[2]


@pytest.fixture(scope="session")
def sqlite_deployment(
    launcher: Launcher, template_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> MakeDeployment:
    """Returns a function that opens a deployment on SQLite."""

    @contextmanager
    def make(provider: Provider) -> Iterator[Deployment]:
        folder = tmp_path_factory.mktemp("deployment")
        shutil.copytree(template_folder / "data", folder / "data")
        with (
            serving(provider) as address,
            closing(Deployment(folder, None, launcher, address, provider)) as deployment,
        ):
            yield deployment

    return make


@pytest.fixture(scope="session")
def postgres_deployment(
    launcher: Launcher, postgres: Postgres, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> MakeDeployment:
    """Returns a function that opens a deployment on PostgreSQL."""

    @contextmanager
    def make(provider: Provider) -> Iterator[Deployment]:
        url = postgres.fresh_database(template_database)
        folder = tmp_path_factory.mktemp("deployment")
        with ExitStack() as stack:
            stack.callback(postgres.drop, url)
            address = stack.enter_context(serving(provider))
            yield stack.enter_context(closing(Deployment(folder, url, launcher, address, provider)))

    return make


@pytest.fixture(scope="session")
def deployments(sqlite_deployment: MakeDeployment, postgres_deployment: MakeDeployment) -> Deployments:
    """The functions that open deployments, by the name of the database."""
    return {"sqlite": sqlite_deployment, "postgres": postgres_deployment}


@pytest.fixture(scope="module")
def results(request: pytest.FixtureRequest, deployments: Deployments) -> Iterator[Results]:
    """The results of the module's scenarios."""
    scenarios: Scenarios = request.module.SCENARIOS
    cases = selected_cases(request.session, request.module)
    with run_concurrently(cases, lambda case: scenarios.run(case, deployments)) as futures:
        yield futures
