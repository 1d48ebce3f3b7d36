"""Who has no good key, or one of another workspace, learns nothing: proven for every route there is.

The routes come from the application itself. A new one needs an entry in `CASES` (or in `PUBLIC`, if it is
meant for everybody) before these tests pass again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from support.envelope import assert_refused
from support.house import Inside
from support.server import Account, finished
from terrarium_server import accounts

SECRET = "a prompt that is nobody else's business"

# Routes that need no key: the links to outputs cannot be guessed, the others say nothing of anybody.
PUBLIC = {"/media/{link}", "/healthz", "/openapi.json"}


@dataclass(frozen=True)
class Owner:
    """A workspace with a finished run, and everything in it that a stranger must not see."""

    account: Account
    run_id: str
    secrets: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """How the owner would call a route; ``lists_own`` routes answer a stranger with the stranger's own."""

    call: Callable[[Owner], dict[str, Any]]
    lists_own: bool = False


def _project(suffix: str = "") -> Callable[[Owner], dict[str, Any]]:
    return lambda owner: {"path": f"/projects/{owner.account.project_id}{suffix}"}


def _body(owner: Owner) -> dict[str, Any]:
    return {"json": owner.account.body(SECRET)}


CASES = {
    "runs_start_generation": Case(_body),
    "generations_create": Case(_body),
    "runs_estimate": Case(_body),
    "runs_retrieve": Case(lambda owner: {"path": f"/runs/{owner.run_id}"}),
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
}


@pytest.fixture(scope="module")
def owner(inside: Inside) -> Owner:
    return new_owner(inside)


def new_owner(inside: Inside) -> Owner:
    account = inside.account()
    client = inside.client(account.api_key)
    run_id = client.post("/generate", json=account.body(SECRET, model="t2t-rehearsal")).json()["run_id"]
    run = finished(client, run_id)
    [node] = client.get(f"/projects/{account.project_id}/nodes").json()["nodes"]
    secrets = (run_id, node["node_id"], run["outputs"][0]["output_id"], SECRET)
    return Owner(account, run_id, (*secrets, account.workspace_id, account.project_id))


def operations(inside: Inside) -> dict[str, tuple[str, str]]:
    """Every operation of the application's own description: method and path by operation id."""
    return {
        operation["operationId"]: (method.upper(), path)
        for path, methods in inside.app.openapi()["paths"].items()
        for method, operation in methods.items()
    }


def call(inside: Inside, operation_id: str, owner: Owner, headers: dict[str, str]) -> httpx.Response:
    method, path = operations(inside)[operation_id]
    options = CASES[operation_id].call(owner)
    path = "/api/v1" + options.pop("path", path.removeprefix("/api/v1"))
    return inside.anonymous.request(method, path, headers=headers, **options)


def bearer(api_key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {api_key}"}


def state(inside: Inside, owner: Owner) -> list[Any]:
    """Everything of the owner that a write could have changed."""
    client = inside.client(owner.account.api_key)
    return [
        client.get("/projects", params={"workspace_id": owner.account.workspace_id}).json(),
        client.get("/generations").json(),
        client.get(f"/projects/{owner.account.project_id}/nodes").json(),
    ]


def test_every_operation_has_a_case(inside: Inside) -> None:
    assert set(operations(inside)) == set(CASES)


def test_every_other_route_is_meant_for_everybody(inside: Inside) -> None:
    described = {path for _method, path in operations(inside).values()}
    routes = {route.path for route in iter_route_contexts(inside.app.routes)}
    assert routes - described == PUBLIC


@pytest.mark.parametrize("operation_id", CASES)
def test_the_owner_may(inside: Inside, operation_id: str) -> None:
    owner = new_owner(inside)
    assert call(inside, operation_id, owner, bearer(owner.account.api_key)).is_success


def bad_headers(inside: Inside, owner: Owner) -> dict[str, dict[str, str]]:
    revoked = inside.key(owner.account)
    expired = inside.key(owner.account, expires_at=time.time_ns() // 1_000_000 - 1)
    with inside.house.database.transaction() as tx:
        accounts.revoke_key(tx, revoked.key_id)
    return {
        "none": {},
        "bad": bearer("sk_live_nobodys"),
        "revoked": bearer(revoked.api_key),
        "expired": bearer(expired.api_key),
        "another scheme": {"authorization": f"Basic {owner.account.api_key}"},
    }


@pytest.mark.parametrize("operation_id", CASES)
def test_nobody_without_a_good_key_may(inside: Inside, owner: Owner, operation_id: str) -> None:
    before = state(inside, owner)
    for headers in bad_headers(inside, owner).values():
        answer = call(inside, operation_id, owner, headers)
        assert assert_refused(answer, 401, "unauthorized")["message"] == "Invalid API key."
    assert state(inside, owner) == before


@pytest.mark.parametrize("operation_id", CASES)
def test_a_stranger_with_a_good_key_sees_nothing(inside: Inside, owner: Owner, operation_id: str) -> None:
    before = state(inside, owner)
    answer = call(inside, operation_id, owner, bearer(inside.account().api_key))
    if CASES[operation_id].lists_own:
        assert answer.status_code == 200
        assert not any(secret in answer.text for secret in owner.secrets)
    else:
        assert assert_refused(answer, 404, "not_found") == {"code": "not_found", "message": "Not found."}
    assert state(inside, owner) == before


@pytest.mark.parametrize("filters", [{}, {"workspace_id": "own"}, {"project_id": "own"}])
def test_a_list_without_the_owners_filter_shows_a_stranger_nothing(
    inside: Inside, owner: Owner, filters: dict[str, str]
) -> None:
    stranger = inside.account()
    chosen = {name: getattr(stranger, name) for name in filters}
    answer = inside.client(stranger.api_key).get("/generations", params=chosen)
    assert answer.json() == {"generations": [], "meta": {"next_cursor": None}}
    assert inside.client(owner.account.api_key).get("/generations").json()["generations"] != []


def test_a_stranger_is_told_the_same_as_for_what_never_was(inside: Inside, owner: Owner) -> None:
    client = inside.client(inside.account().api_key)
    answers = [client.get(f"/runs/{run_id}") for run_id in (owner.run_id, "run_that_never_was")]
    assert answers[0].json() == answers[1].json()
    assert answers[0].status_code == answers[1].status_code == 404


def test_a_key_works_until_the_moment_it_expires(inside: Inside, owner: Owner) -> None:
    lasting = inside.key(owner.account, expires_at=time.time_ns() // 1_000_000 + 3_600_000)
    assert inside.client(lasting.api_key).get("/workspaces").status_code == 200


def test_a_revoked_key_ends_at_once(inside: Inside, owner: Owner) -> None:
    key = inside.key(owner.account)
    client = inside.client(key.api_key)
    assert client.get("/workspaces").status_code == 200
    with inside.house.database.transaction() as tx:
        accounts.revoke_key(tx, key.key_id)
    assert client.get("/workspaces").status_code == 401
