"""Every route refuses callers without a valid key, and shows nothing to those of another workspace.

The routes come from the application. A new one needs an entry in `CASES`, or in `PUBLIC` if it needs no key.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from support.application import Application
from support.envelope import assert_refused
from support.server import Account, finished
from terrarium_server import accounts

SECRET = "a confidential prompt"

# Routes without a key: links to outputs cannot be guessed, the others show no data of a workspace.
PUBLIC = {"/media/{link}", "/healthz", "/openapi.json"}


@dataclass(frozen=True)
class Owner:
    """A workspace with a finished run, and the texts that no other workspace may see."""

    account: Account
    run_id: str
    secrets: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """How the owner calls a route; ``lists_own`` routes show every caller the caller's own data."""

    call: Callable[[Owner], dict[str, Any]]
    lists_own: bool = False


def _project(suffix: str = "") -> Callable[[Owner], dict[str, Any]]:
    return lambda owner: {"path": f"/projects/{owner.account.project_id}{suffix}"}


def _body(owner: Owner) -> dict[str, Any]:
    return {"json": owner.account.body(SECRET)}


def _batch(owner: Owner) -> dict[str, Any]:
    target = {"workspace_id": owner.account.workspace_id, "project_id": owner.account.project_id}
    return {"json": {**target, "starts": [{"type": "text", "prompt": SECRET}]}}


CASES = {
    "runs_start_generation": Case(_body),
    "generations_create": Case(_body),
    "runs_estimate": Case(_body),
    "runs_start_batch": Case(_batch),
    "runs_rerun": Case(lambda owner: {"path": f"/runs/{owner.run_id}/rerun"}),
    "runs_retrieve": Case(lambda owner: {"path": f"/runs/{owner.run_id}"}),
    "runs_events": Case(lambda owner: {"path": f"/runs/{owner.run_id}/events"}),
    "runs_cancel": Case(lambda owner: {"path": f"/runs/{owner.run_id}/cancel"}),
    "generations_list": Case(lambda owner: {"params": {"project_id": owner.account.project_id}}, True),
    "models_list": Case(lambda _owner: {}, lists_own=True),
    "workspaces_list": Case(lambda _owner: {}, lists_own=True),
    "projects_list": Case(lambda owner: {"params": {"workspace_id": owner.account.workspace_id}}),
    "projects_create": Case(
        lambda owner: {"json": {"name": SECRET, "workspace_id": owner.account.workspace_id}}
    ),
    "projects_retrieve": Case(_project()),
    "projects_list_nodes": Case(_project("/nodes")),
    "projects_events": Case(_project("/events")),
}


@pytest.fixture(scope="module", autouse=True)
def closed_feed(application: Application) -> None:
    """Streams of events end after their beginning, as when the server stops."""
    application.services.feed.close()


@pytest.fixture(scope="module")
def owner(application: Application) -> Owner:
    return new_owner(application)


def new_owner(application: Application) -> Owner:
    account = application.account()
    client = application.client(account.api_key)
    run_id = client.post("/generate", json=account.body(SECRET, model="t2t-rehearsal")).json()["run_id"]
    run = finished(client, run_id)
    [node] = client.get(f"/projects/{account.project_id}/nodes").json()["nodes"]
    secrets = (run_id, node["node_id"], run["outputs"][0]["output_id"], SECRET)
    return Owner(account, run_id, (*secrets, account.workspace_id, account.project_id))


def operations(application: Application) -> dict[str, tuple[str, str]]:
    """Every operation of the application's OpenAPI document: method and path by operation id."""
    return {
        operation["operationId"]: (method.upper(), path)
        for path, methods in application.app.openapi()["paths"].items()
        for method, operation in methods.items()
    }


def call(
    application: Application, operation_id: str, owner: Owner, headers: dict[str, str]
) -> httpx.Response:
    method, path = operations(application)[operation_id]
    options = CASES[operation_id].call(owner)
    path = "/api/v1" + options.pop("path", path.removeprefix("/api/v1"))
    return application.anonymous.request(method, path, headers=headers, **options)


def bearer(api_key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {api_key}"}


def state(application: Application, owner: Owner) -> list[Any]:
    """Everything of the owner that a write could change."""
    client = application.client(owner.account.api_key)
    return [
        client.get("/projects", params={"workspace_id": owner.account.workspace_id}).json(),
        client.get("/generations").json(),
        client.get(f"/projects/{owner.account.project_id}/nodes").json(),
    ]


def test_every_operation_has_a_case(application: Application) -> None:
    assert set(operations(application)) == set(CASES)


def test_every_other_route_is_public(application: Application) -> None:
    documented = {path for _method, path in operations(application).values()}
    routes = {route.path for route in iter_route_contexts(application.app.routes)}
    assert routes - documented == PUBLIC


@pytest.mark.parametrize("operation_id", CASES)
def test_the_owner_may_call_it(application: Application, operation_id: str) -> None:
    owner = new_owner(application)
    assert call(application, operation_id, owner, bearer(owner.account.api_key)).is_success


def invalid_headers(application: Application, owner: Owner) -> dict[str, dict[str, str]]:
    revoked = application.key(owner.account)
    expired = application.key(owner.account, expires_at=time.time_ns() // 1_000_000 - 1)
    with application.services.database.transaction() as tx:
        accounts.revoke_key(tx, revoked.key_id)
    return {
        "none": {},
        "unknown": bearer("sk_live_unknown"),
        "revoked": bearer(revoked.api_key),
        "expired": bearer(expired.api_key),
        "another scheme": {"authorization": f"Basic {owner.account.api_key}"},
    }


@pytest.mark.parametrize("operation_id", CASES)
def test_callers_without_a_valid_key_are_refused(
    application: Application, owner: Owner, operation_id: str
) -> None:
    before = state(application, owner)
    for headers in invalid_headers(application, owner).values():
        answer = call(application, operation_id, owner, headers)
        assert assert_refused(answer, 401, "unauthorized")["message"] == "Invalid API key."
    assert state(application, owner) == before


@pytest.mark.parametrize("operation_id", CASES)
def test_a_key_of_another_workspace_sees_nothing(
    application: Application, owner: Owner, operation_id: str
) -> None:
    before = state(application, owner)
    answer = call(application, operation_id, owner, bearer(application.account().api_key))
    if CASES[operation_id].lists_own:
        assert answer.status_code == 200
        assert not any(secret in answer.text for secret in owner.secrets)
    else:
        assert assert_refused(answer, 404, "not_found") == {"code": "not_found", "message": "Not found."}
    assert state(application, owner) == before


@pytest.mark.parametrize("filters", [{}, {"workspace_id": "own"}, {"project_id": "own"}])
def test_a_list_shows_another_workspace_nothing_of_the_owner(
    application: Application, owner: Owner, filters: dict[str, str]
) -> None:
    other = application.account()
    chosen = {name: getattr(other, name) for name in filters}
    answer = application.client(other.api_key).get("/generations", params=chosen)
    assert answer.json() == {"generations": [], "meta": {"next_cursor": None}}
    assert application.client(owner.account.api_key).get("/generations").json()["generations"] != []


def test_another_workspaces_run_looks_like_one_that_does_not_exist(
    application: Application, owner: Owner
) -> None:
    client = application.client(application.account().api_key)
    answers = [client.get(f"/runs/{run_id}") for run_id in (owner.run_id, "run_that_does_not_exist")]
    assert answers[0].json() == answers[1].json()
    assert answers[0].status_code == answers[1].status_code == 404


def test_a_key_works_until_it_expires(application: Application, owner: Owner) -> None:
    lasting = application.key(owner.account, expires_at=time.time_ns() // 1_000_000 + 3_600_000)
    assert application.client(lasting.api_key).get("/workspaces").status_code == 200


def test_a_revoked_key_ends_at_once(application: Application, owner: Owner) -> None:
    key = application.key(owner.account)
    client = application.client(key.api_key)
    assert client.get("/workspaces").status_code == 200
    with application.services.database.transaction() as tx:
        accounts.revoke_key(tx, key.key_id)
    assert client.get("/workspaces").status_code == 401
