"""`Idempotency-Key` on every route that writes: a key does its work once, and a refusal frees it.

The routes come from the application. A new one needs an entry in `CASES`, or in `READS` if it writes nothing.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from support.application import Application
from support.envelope import assert_refused
from support.server import Account, StartServer
from terrarium_server.idempotency import idempotency_keys
from terrarium_server.store import metadata

DUPLICATES = 200
# Requests with a body that write nothing.
READS = {"runs_estimate"}

Post = Callable[..., httpx.Response]


@dataclass(frozen=True)
class Prepared:
    """A request, one that is refused, one to another destination, and what a duplicate is told of.

    ``location`` is None where the request makes a resource, with ``made`` rows in ``table``.
    """

    path: str
    body: dict[str, Any] | None
    refused: tuple[str, dict[str, Any] | None]
    elsewhere: tuple[str, dict[str, Any] | None] | None
    table: str
    location: str | None = None
    made: int = 1


def _start(path: str) -> Callable[[Account, Post, Account], Prepared]:
    def prepare(account: Account, post: Post, _other: Account) -> Prepared:
        second = post("/projects", json={"workspace_id": account.workspace_id, "name": "Second"}).json()
        return Prepared(
            path,
            account.body(),
            refused=(path, account.body(model="none")),
            elsewhere=(path, {**account.body(), "project_id": second["project_id"]}),
            table="runs",
        )

    return prepare


def _create_project(account: Account, _post: Post, other: Account) -> Prepared:
    return Prepared(
        "/projects",
        {"workspace_id": account.workspace_id, "name": "Once"},
        refused=("/projects", {"workspace_id": other.workspace_id, "name": "Once"}),
        elsewhere=None,
        table="projects",
    )


def _cancel(account: Account, post: Post, _other: Account) -> Prepared:
    first, second = (post("/generate", json=account.body()).json()["run_id"] for _ in range(2))
    return Prepared(
        f"/runs/{first}/cancel",
        None,
        refused=("/runs/run_none/cancel", None),
        elsewhere=(f"/runs/{second}/cancel", None),
        table="runs",
        location=f"/api/v1/runs/{first}",
    )


def _batch(body: dict[str, Any]) -> dict[str, Any]:
    target = {name: body.pop(name) for name in ("workspace_id", "project_id")}
    return {**target, "starts": [body, body]}


def _start_batch(account: Account, post: Post, other: Account) -> Prepared:
    single = _start("/runs/batch")(account, post, other)
    assert single.body and single.refused[1] and single.elsewhere and single.elsewhere[1]
    return Prepared(
        single.path,
        _batch(single.body),
        refused=(single.path, _batch(single.refused[1])),
        elsewhere=(single.path, _batch(single.elsewhere[1])),
        table="runs",
        # Two runs, and the batch.
        made=3,
    )


def _rerun(account: Account, post: Post, _other: Account) -> Prepared:
    first, second = (post("/generate", json=account.body()).json()["run_id"] for _ in range(2))
    return Prepared(
        f"/runs/{first}/rerun",
        None,
        refused=(f"/runs/{first}/rerun", {"model": "none"}),
        elsewhere=(f"/runs/{second}/rerun", None),
        table="runs",
    )


CASES: dict[str, Callable[[Account, Post, Account], Prepared]] = {
    "runs_start_generation": _start("/runs/generation"),
    "generations_create": _start("/generate"),
    "projects_create": _create_project,
    "runs_cancel": _cancel,
    "runs_start_batch": _start_batch,
    "runs_rerun": _rerun,
}
KEY = {"idempotency-key": "once"}


@pytest.fixture
def account(api_only: Application) -> Account:
    return api_only.account(credits=1_000, rate_limit=100_000)


@pytest.fixture
def post(api_only: Application, account: Account) -> Post:
    return api_only.client(account.api_key).post


@pytest.fixture(params=CASES)
def prepared(request: pytest.FixtureRequest, api_only: Application, account: Account, post: Post) -> Prepared:
    return CASES[request.param](account, post, api_only.account())


def rows(application: Application, table: str) -> int:
    with application.services.database.transaction() as tx:
        return tx.execute(sa.select(sa.func.count()).select_from(metadata.tables[table])).scalar_one()


def test_every_route_that_writes_has_a_case(api_only: Application) -> None:
    operations = {
        operation["operationId"]: operation
        for methods in api_only.app.openapi()["paths"].values()
        for method, operation in methods.items()
        if method not in ("get", "head", "options")
    }
    assert set(operations) - READS == set(CASES)
    for name in CASES:
        headers = [p["name"] for p in operations[name].get("parameters", ()) if p["in"] == "header"]
        assert "idempotency-key" in headers, name


def test_a_duplicate_is_refused_and_told_what_the_first_request_made(
    api_only: Application, account: Account, post: Post, prepared: Prepared
) -> None:
    first = post(prepared.path, json=prepared.body, headers=KEY)
    assert first.is_success, first.text
    before = rows(api_only, prepared.table)
    duplicate = post(prepared.path, json=prepared.body, headers=KEY)
    error = assert_refused(duplicate, 409, "idempotency_duplicate")
    assert error["message"] == "Duplicate idempotency key."
    assert duplicate.headers["x-should-retry"] == "false"
    assert rows(api_only, prepared.table) == before
    location = duplicate.headers["location"].removeprefix("http://terrarium.test")
    assert prepared.location in (None, location)
    made = api_only.client(account.api_key).get(location.removeprefix("/api/v1"))
    name = "run_id" if prepared.table == "runs" else "project_id"
    assert made.is_success and made.json()[name] == first.json()[name]


def test_a_refused_request_frees_its_key(api_only: Application, post: Post, prepared: Prepared) -> None:
    path, body = prepared.refused
    assert post(path, json=body, headers=KEY).status_code in (400, 404)
    assert post(prepared.path, json=prepared.body, headers=KEY).is_success


def test_a_key_counts_for_one_destination(post: Post, prepared: Prepared) -> None:
    if prepared.elsewhere is None:
        # Such a request has no destination, so that its key counts whatever its body says.
        assert post(prepared.path, json=prepared.body, headers=KEY).is_success
        other = {**(prepared.body or {}), "name": "Another"}
        assert post(prepared.path, json=other, headers=KEY).status_code == 409
        return
    path, body = prepared.elsewhere
    assert post(prepared.path, json=prepared.body, headers=KEY).is_success
    assert post(path, json=body, headers=KEY).is_success
    assert post(path, json=body, headers=KEY).status_code == 409


def test_a_key_counts_for_one_operation(post: Post, account: Account) -> None:
    body = {"workspace_id": account.workspace_id, "name": "Mine"}
    run_id = post("/generate", json=account.body(), headers=KEY).json()["run_id"]
    assert post("/projects", json=body, headers=KEY).is_success
    assert post(f"/runs/{run_id}/cancel", headers=KEY).is_success
    # The two names of starting are one operation.
    assert post("/runs/generation", json=account.body(), headers=KEY).status_code == 409


@pytest.mark.parametrize("key", ["", " ", "a" * 256, "a\tb"])
def test_an_unusable_key_is_refused_and_named(post: Post, prepared: Prepared, key: str) -> None:
    answer = post(prepared.path, json=prepared.body, headers={"idempotency-key": key})
    error = assert_refused(answer, 400, "input_validation_error")
    assert [field["field"] for field in error["fields"]] == ["Idempotency-Key"]


def test_two_keys_in_one_request_are_refused(
    api_only: Application, account: Account, prepared: Prepared
) -> None:
    headers = [("authorization", f"Bearer {account.api_key}")]
    headers += [("idempotency-key", "one"), ("idempotency-key", "two")]
    answer = api_only.anonymous.post(f"/api/v1{prepared.path}", json=prepared.body, headers=headers)
    error = assert_refused(answer, 400, "input_validation_error")
    assert error["message"] == "Idempotency-Key: Send it once"


def test_of_two_hundred_racing_duplicates_one_is_done(
    api_only: Application, post: Post, prepared: Prepared
) -> None:
    before = rows(api_only, prepared.table)

    def send(_number: int) -> httpx.Response:
        return post(prepared.path, json=prepared.body, headers=KEY)

    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(send, range(DUPLICATES)))
    assert sum(answer.is_success for answer in answers) == 1
    refused = [answer for answer in answers if not answer.is_success]
    assert {answer.status_code for answer in refused} == {409}
    assert len({answer.headers["location"] for answer in refused}) == 1
    assert rows(api_only, prepared.table) - before == (0 if prepared.location else prepared.made)


def test_two_hundred_racing_duplicates_at_two_servers(start_server: StartServer, postgres_url: str) -> None:
    servers = [
        start_server(database_url=postgres_url, workers=False, bootstrap_key="sk_live_first_key")
        for _ in range(2)
    ]
    first = servers[0].first
    with servers[0].client(first.api_key) as one, servers[1].client(first.api_key) as other:

        def send(number: int) -> int:
            client = (one, other)[number % 2]
            return client.post("/generate", json=first.body(), headers=KEY).status_code

        with ThreadPoolExecutor(16) as pool:
            statuses = list(pool.map(send, range(DUPLICATES)))
    assert sorted(set(statuses)) == [201, 409] and statuses.count(201) == 1
    with servers[0].transaction() as tx:
        assert tx.execute(sa.select(sa.func.count()).select_from(idempotency_keys)).scalar_one() == 1
