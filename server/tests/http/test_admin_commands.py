"""`terrarium admin`: next to a running server, with immediate effect, and on databases of other versions."""

import os
import subprocess
from pathlib import Path

import pytest
import sqlalchemy as sa

from support.server import Server, StartServer, finished, terrarium
from terrarium_server import runs
from terrarium_server.store import Database


@pytest.fixture(scope="module")
def shared(start_server: StartServer, request: pytest.FixtureRequest) -> Server:
    url = request.getfixturevalue("postgres").fresh_database()
    return start_server(database_url=url)


def test_a_workspace_and_a_key_work_as_soon_as_they_are_created(shared: Server) -> None:
    workspace = shared.admin("workspaces", "create", "Studio", "--credits", "0.3", "--rate-limit", "5")
    assert {"workspace_id", "project_id", "name", "credits", "rate_limit", "created_at"} == set(workspace)
    key = shared.admin("keys", "create", "--workspace", workspace["workspace_id"])
    assert {"workspace_id", "key_id", "api_key", "webhook_secret"} == set(key)

    body = {"type": "text", "prompt": "a fern", "model": "t2t-rehearsal"}
    body |= {name: workspace[name] for name in ("workspace_id", "project_id")}
    with shared.client(key["api_key"]) as client:
        started = client.post("/generate", json=body)
        assert started.headers["ratelimit-limit"] == "5"
        assert finished(client, started.json()["run_id"])["status"] == "completed"
        assert client.post("/generate", json=body).status_code == 402

        granted = shared.admin(
            "credits", "grant", "--workspace", workspace["workspace_id"], "1", "--note", "more"
        )
        assert granted["credits"] == pytest.approx(1.05)
        assert client.post("/generate", json=body).status_code == 201

        assert shared.admin("keys", "revoke", key["key_id"]) == {"key_id": key["key_id"], "revoked": True}
        assert client.post("/generate", json=body).status_code == 401
    assert shared.admin("credits", "check") == {"balanced": True, "imbalances": []}


def test_the_highest_priority_of_a_workspace_holds_for_the_next_start(shared: Server) -> None:
    workspace = shared.admin("workspaces", "create", "Studio", "--credits", "10")
    named = ("--workspace", workspace["workspace_id"])
    key = shared.admin("keys", "create", *named)
    body = {"type": "text", "prompt": "a fern", "model": "t2t-rehearsal", "priority": 5}
    body |= {name: workspace[name] for name in ("workspace_id", "project_id")}

    def given_priority() -> int:
        with shared.client(key["api_key"]) as client:
            run_id = client.post("/generate", json=body).json()["run_id"]
            with shared.transaction() as tx:
                return -runs.find_run(tx, workspace["workspace_id"], run_id).rank

    assert shared.admin("limits", "show", *named)["max_priority"] is None
    assert given_priority() == 5
    set_limit = shared.admin("limits", "priority", *named, "2")
    assert set_limit == {"workspace_id": workspace["workspace_id"], "max_priority": 2}
    assert shared.admin("limits", "show", *named) == {**set_limit, "rate_limit": None}
    assert given_priority() == 2
    shared.admin("limits", "priority", *named)
    assert given_priority() == 5


def refusal(database_url: str, folder: Path, *words: str) -> str:
    """The error message of a command that is refused."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TERRARIUM_")}
    environment |= {"TERRARIUM_DATA_DIR": str(folder / "data"), "TERRARIUM_DATABASE_URL": database_url}
    done = subprocess.run(
        [*terrarium("admin"), *words], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("terrarium: ") and done.stderr.count("\n") == 1
    return done.stderr


def tables(database_url: str) -> list[str]:
    database = Database(database_url)
    try:
        return sa.inspect(database.engine).get_table_names()
    finally:
        database.close()


def test_without_a_database_the_error_says_how_to_create_one(database_url: str, tmp_path: Path) -> None:
    for words in (["workspaces", "list"], ["workspaces", "create", "Studio"], ["credits", "check"]):
        assert "start `terrarium serve` once" in refusal(database_url, tmp_path, *words)
    assert tables(database_url) == []


@pytest.mark.parametrize(
    ("version", "advice"),
    [("0002", "start `terrarium serve` (or `worker`) once"), ("9999", "upgrade this one")],
    ids=["older", "newer"],
)
def test_a_database_of_another_version_is_left_alone(
    migrated_url: str, tmp_path: Path, version: str, advice: str
) -> None:
    database = Database(migrated_url)
    with database.transaction() as tx:
        tx.execute(sa.text("UPDATE alembic_version SET version_num = :version"), {"version": version})
    assert advice in refusal(migrated_url, tmp_path, "workspaces", "create", "Studio")
    with database.transaction() as tx:
        assert tx.execute(sa.text("SELECT count(*) FROM workspaces")).scalar_one() == 0
        assert tx.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one() == version
    database.close()
