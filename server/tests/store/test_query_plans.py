"""What a request reads does not grow with what the server has stored, on both databases.

Every statement of every route is explained while it is sent, with tens of thousands of runs in the database.
The routes come from the application: a new one needs an entry in `REQUESTS`.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from fastapi.routing import iter_route_contexts

from support.application import Application, Client
from support.filling import OTHER_PROJECTS, RARE, add_events, add_runs, add_tenants, link, run_id
from support.query_work import recorded_work
from support.server import Account
from terrarium_server import events, runs
from terrarium_server.events import Selection
from terrarium_server.http.paging import encode_cursor
from terrarium_server.store import Transaction

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


def batch(count: int) -> dict[str, Any]:
    """The body of a batch of so many texts."""
    start = {"type": "text", "prompt": "a fern", "model": "t2t-rehearsal"}
    return {"workspace_id": "{workspace}", "project_id": "{project}", "starts": [start] * count}


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
    ("GET", "/api/v1/runs/{run_id}"): [
        (f"/api/v1/runs/{{{name}}}", None) for name in ("run", "pending", "running", "member", "batch")
    ],
    ("GET", "/api/v1/projects/{project_id}/events"): [
        ("/api/v1/projects/{project}/events", None),
        ("/api/v1/projects/{project}/events?after=5", None),
    ],
    ("GET", "/api/v1/runs/{run_id}/events"): [
        ("/api/v1/runs/{run}/events", None),
        ("/api/v1/runs/{running}/events?after=5", None),
    ],
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
    ("POST", "/api/v1/runs/batch"): [
        ("/api/v1/runs/batch", batch(3)),
        ("/api/v1/runs/batch", {**batch(100), "max_parallel": 2}),
    ],
    ("POST", "/api/v1/runs/{run_id}/rerun"): [
        ("/api/v1/runs/{run}/rerun", {"model": "t2i-sketch"}),
        ("/api/v1/runs/{member}/rerun", None),
        ("/api/v1/runs/{batch}/rerun", None),
    ],
    ("POST", "/api/v1/runs/{run_id}/cancel"): [
        (f"/api/v1/runs/{{{name}}}/cancel", None) for name in ("pending", "run", "member", "batch")
    ],
    ("POST", "/api/v1/projects"): [("/api/v1/projects", {"workspace_id": "{workspace}", "name": "Mugs"})],
}


@pytest.fixture(scope="module")
def account(api_only: Application) -> Account:
    """An account with many runs and projects, on a server with many workspaces."""
    account = api_only.account(rate_limit=100_000, credits=10_000)
    database = api_only.services.database
    add_tenants(database, account)
    add_runs(database, account, subject="t2t-rehearsal", first=1, last=RUNS)
    add_events(database)
    # Streams of events end after their beginning, as when the server stops.
    api_only.services.feed.close()
    if not database.is_sqlite:
        # As autovacuum does in production; SQLite has no such process.
        with database.transaction() as tx:
            tx.execute(sa.text("ANALYZE"))
    return account


@pytest.fixture(scope="module")
def started(api_only: Application, account: Account) -> dict[str, Any]:
    """A batch of 100 runs that wait among the others."""
    target = {"workspace": account.workspace_id, "project": account.project_id}
    body = {**filled_in(batch(100), target), "max_parallel": 50}
    return api_only.client(account.api_key).post("/runs/batch", json=body).raise_for_status().json()


@pytest.fixture
def names(account: Account, started: dict[str, Any]) -> dict[str, str]:
    """What the names in `REQUESTS` stand for; the cursors point into the middle of the lists."""
    return {
        "workspace": account.workspace_id,
        "project": account.project_id,
        "run": run_id(RUNS),
        "pending": run_id(2 * RARE),
        "running": run_id(3 * RARE),
        "batch": started["run_id"],
        "member": started["runs"][20]["run_id"],
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
    if isinstance(value, list):
        return [filled_in(part, names) for part in value]
    return value.format(**names) if isinstance(value, str) else value


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


def test_those_who_listen_read_little_of_what_is_stored(api_only: Application, account: Account) -> None:
    database, project, run = api_only.services.database, account.project_id, run_id(RUNS)
    reads: list[Callable[[Transaction], object]] = [
        lambda tx: events.read(tx, Selection(project), RUNS // 4, 100),
        lambda tx: events.read(tx, Selection(project, run), 0, 100),
        lambda tx: events.last_numbers(tx, [project, "prj_none"]),
        lambda tx: runs.watched_progress(tx, [project, "prj_none"], {}),
    ]
    with recorded_work(database.engine.url) as done:
        asyncio.run(events.Expiry(database).run())
        for read in reads:
            with database.transaction() as tx:
                assert read(tx) is not None
    # SQLite scans the index of the running runs, which has no others.
    assert [work for work in done if work.amount > MOST[database.engine.dialect.name]] == []


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
