"""What a request reads does not grow with what the server has stored, on both databases.

Every statement of every route is explained while it is sent, with tens of thousands of runs in the database.
The routes come from the application: a new one needs an entry in `REQUESTS`.
"""

from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi.routing import iter_route_contexts

from support.application import Application, Client
from support.filling import OTHER_PROJECTS, RARE, add_runs, add_tenants, link, run_id
from support.query_work import recorded_work
from support.server import Account
from terrarium_server.http.paging import encode_cursor

RUNS = 60_000
# For one statement, in rows and in steps (see `recorded_work`). A full page of runs takes 360 rows, or 700 if
# the planner reads a whole page of each state, and 20,000 steps. The whole table is 60,000 rows or more than
# 300,000 steps.
MOST = {"postgresql": 1_000, "sqlite": 30_000}
# Tables of a few rows, however long the server runs.
SMALL = {"workers", "alembic_version"}

LISTS = [
    f"/api/v1/generations?limit=100{place}{status}{cursor}"
    for place in ("", "&project_id={project}", "&project_id=prj_more_2999", "&project_id=prj_none")
    for status in ("", *(f"&status={state}" for state in ("pending", "running", "completed", "failed")))
    for cursor in ("", "&cursor={run_cursor}")
]
START = {"workspace_id": "{workspace}", "project_id": "{project}", "type": "text", "prompt": "a fern"}
REQUESTS: dict[tuple[str, str], list[tuple[str, Any]]] = {
    ("GET", "/api/v1/generations"): [(path, None) for path in LISTS],
    ("GET", "/api/v1/models"): [("/api/v1/models?all=true", None)],
    ("GET", "/api/v1/projects"): [
        ("/api/v1/projects?limit=100&workspace_id={workspace}", None),
        ("/api/v1/projects?limit=100&workspace_id={workspace}&cursor={project_cursor}", None),
        ("/api/v1/projects?limit=100&workspace_id={workspace}&query=number", None),
    ],
    ("GET", "/api/v1/projects/{project_id}"): [("/api/v1/projects/{project}", None)],
    ("GET", "/api/v1/projects/{project_id}/nodes"): [
        ("/api/v1/projects/{project}/nodes?limit=100", None),
        ("/api/v1/projects/{project}/nodes?limit=100&cursor={node_cursor}", None),
    ],
    ("GET", "/api/v1/runs/{run_id}"): [("/api/v1/runs/{run}", None), ("/api/v1/runs/{running}", None)],
    ("GET", "/api/v1/workspaces"): [("/api/v1/workspaces", None)],
    ("GET", "/media/{link}"): [("/media/{link}", None)],
    ("GET", "/healthz"): [("/healthz", None)],
    ("GET", "/openapi.json"): [("/openapi.json", None)],
    ("POST", "/api/v1/generate"): [("/api/v1/generate", START)],
    ("POST", "/api/v1/runs/generation"): [
        ("/api/v1/runs/generation", START),
        (
            "/api/v1/runs/generation",
            {**START, "type": "image", "model": "i2i-rehearsal", "params": {"image_url": "{run}"}},
        ),
        (
            "/api/v1/runs/generation",
            {**START, "type": "image", "model": "i2i-rehearsal", "params": {"image_url": "{picture}"}},
        ),
    ],
    ("POST", "/api/v1/runs/estimate"): [("/api/v1/runs/estimate", START)],
    ("POST", "/api/v1/runs/{run_id}/cancel"): [
        ("/api/v1/runs/{pending}/cancel", None),
        ("/api/v1/runs/{run}/cancel", None),
    ],
    ("POST", "/api/v1/projects"): [("/api/v1/projects", {"workspace_id": "{workspace}", "name": "Mugs"})],
}


@pytest.fixture(scope="module")
def account(api_only: Application) -> Account:
    """An account with many runs and projects, on a server with many workspaces."""
    account = api_only.account(rate_limit=100_000)
    database = api_only.services.database
    add_tenants(database, account)
    add_runs(database, account, subject="t2t-rehearsal", first=1, last=RUNS)
    if not database.is_sqlite:
        # As autovacuum does in production; SQLite has no such process.
        with database.transaction() as tx:
            tx.execute(sa.text("ANALYZE"))
    return account


@pytest.fixture
def names(account: Account) -> dict[str, str]:
    """What the names in `REQUESTS` stand for; the cursors point into the middle of the lists."""
    return {
        "workspace": account.workspace_id,
        "project": account.project_id,
        "run": run_id(RUNS),
        "pending": run_id(2 * RARE),
        "running": run_id(3 * RARE),
        "link": link(RUNS),
        "picture": f"http://terrarium.test/media/{link(RUNS)}",
        "run_cursor": encode_cursor(run_id(RUNS // 2)),
        "node_cursor": encode_cursor(RUNS // 2, 0),
        "project_cursor": encode_cursor(OTHER_PROJECTS // 2, "prj_more_1"),
    }


def filled_in(value: Any, names: dict[str, str]) -> Any:
    """Return a path or a body with the names in braces replaced."""
    if isinstance(value, dict):
        return {key: filled_in(part, names) for key, part in value.items()}
    return value.format(**names) if value is not None else None


def routes(application: Application) -> set[tuple[str, str]]:
    """Every route of the application with its methods; HEAD does what GET does."""
    return {
        (method, str(route.path))
        for route in iter_route_contexts(application.app.routes)
        for method in (route.methods or {"GET"}) - {"HEAD"}
    }


def test_every_route_is_here(api_only: Application) -> None:
    assert routes(api_only) == set(REQUESTS)


@pytest.mark.parametrize("route", REQUESTS, ids=" ".join)
def test_a_request_reads_little_however_much_is_stored(
    api_only: Application, account: Account, names: dict[str, str], route: tuple[str, str]
) -> None:
    client, engine = api_only.client(account.api_key), api_only.services.database.engine
    most = MOST[engine.dialect.name]
    for path, body in REQUESTS[route]:
        with recorded_work(engine.url) as done:
            answer = send(client, route[0], filled_in(path, names), filled_in(body, names))
        # The filled in media have no files.
        assert answer.is_success or route[1] == "/media/{link}", answer.text
        assert [work for work in done if work.scanned - SMALL or work.amount > most] == [], path


def test_lists_of_a_new_workspace_read_nothing_of_the_others(api_only: Application, account: Account) -> None:
    new, engine = api_only.account(), api_only.services.database.engine
    client = api_only.client(new.api_key)
    for place in ("", f"project_id={new.project_id}", f"project_id={account.project_id}"):
        for status in ("", "&status=completed", "&status=failed"):
            with recorded_work(engine.url) as done:
                assert client.get(f"/generations?{place}{status}").json()["generations"] == []
            most = MOST[engine.dialect.name]
            assert [work for work in done if work.scanned - SMALL or work.amount > most] == []


def test_a_search_for_a_name_reads_the_projects_of_the_workspace_at_most(
    api_only: Application, account: Account
) -> None:
    """No index of both databases finds a part of a name, so this is bounded by the workspace alone."""
    client, engine = api_only.client(account.api_key), api_only.services.database.engine
    with recorded_work(engine.url) as done:
        path = f"/projects?workspace_id={account.workspace_id}&query=nothing like it"
        assert client.get(path).json()["projects"] == []
    [search] = [work for work in done if "LIKE" in work.statement.upper()]
    assert search.amount < 20 * OTHER_PROJECTS


def send(client: Client, method: str, path: str, body: dict[str, Any] | None) -> httpx.Response:
    headers = {"authorization": f"Bearer {client.api_key}"}
    return client.anonymous.request(method, path, json=body, headers=headers)
