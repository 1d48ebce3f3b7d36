"""The fixtures for databases, which other tests rely on."""

import os
import subprocess
import sys
import time

import psycopg
import pytest

from support.postgres import Postgres


def one_value(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row
    return row[0]


@pytest.mark.parametrize("setting", ["fsync", "synchronous_commit", "full_page_writes"])
def test_is_as_durable_as_in_production(postgres: Postgres, setting: str) -> None:
    assert one_value(postgres.url("postgres"), f"SHOW {setting}") == "on"


def test_databases_are_independent(postgres: Postgres) -> None:
    first, second = postgres.fresh_database(), postgres.fresh_database()
    with psycopg.connect(first) as connection:
        connection.execute("CREATE TABLE plant (name text)")
    assert one_value(second, "SELECT to_regclass('plant')") is None


def test_a_template_is_built_once(postgres: Postgres) -> None:
    built: list[str] = []

    def build(url: str) -> None:
        built.append(url)
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE plant (name text)")

    copies = [postgres.copy_of("test_a_template_is_built_once", build) for _ in range(2)]
    assert len(built) == 1
    assert [one_value(url, "SELECT count(*) FROM plant") for url in copies] == [0, 0]


def test_the_cluster_ends_with_a_killed_test_process() -> None:
    script = (
        "import time; from support.postgres import running_postgres\n"
        "with running_postgres() as postgres: print(postgres.url('postgres'), flush=True); time.sleep(60)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        process.kill()
    assert url.startswith("postgresql://")

    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            return
        time.sleep(0.1)
    pytest.fail("the server outlived the process that started it")
