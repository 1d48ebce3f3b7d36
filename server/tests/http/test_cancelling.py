"""Cancelling ends a run at once and wakes the requests that wait for it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.application import Application, Client
from support.envelope import assert_refused
from support.server import Account, finished
from terrarium_server import accounts, assets, ledger, runs, settlement
from terrarium_server.runs import Run

from .waiting_request import WaitingRequest


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as opened:
        yield opened


@pytest.fixture
def account(api_only: Application) -> Account:
    return api_only.account(credits=1.0)


@pytest.fixture
def client(api_only: Application, account: Account) -> Client:
    return api_only.client(account.api_key)


def start(client: Client, account: Account, **params: object) -> str:
    body = account.body(model="t2t-rehearsal", params=params)
    return client.post("/generate", json=body).raise_for_status().json()["run_id"]


def claimed(api_only: Application, run_id: str) -> Run:
    """Claim all pending runs; return this one."""
    with api_only.services.database.transaction() as tx:
        return {run.run_id: run for run in runs.claim(tx, "wrk_test", 1000, {"rehearsal": 1000})}[run_id]


def balance(api_only: Application, account: Account) -> int:
    with api_only.services.database.transaction() as tx:
        assert ledger.check(tx) == []
        return ledger.read_balance(tx, account.workspace_id)


def result(waiting: WaitingRequest) -> tuple[str, str | None]:
    """The state and the error of the run that a request waited for."""
    run = waiting.result().json()
    return run["status"], run.get("error_code")


@pytest.mark.parametrize("is_running", [False, True], ids=["pending", "running"])
def test_cancelling_ends_a_wait_at_once(
    api_only: Application,
    client: Client,
    account: Account,
    pool: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_running: bool,
) -> None:
    run_id = start(client, account)
    if is_running:
        claimed(api_only, run_id)
    waiting = WaitingRequest(api_only, pool, monkeypatch, client, run_id)
    cancelled = client.post(f"/runs/{run_id}/cancel")
    assert cancelled.status_code == 200
    shown = cancelled.json()
    assert (shown["status"], shown["error_code"]) == ("failed", "GENERATION_CANCELLED")
    assert (shown["progress"], shown["charged_cost"]) == (100, 0)
    assert result(waiting) == ("failed", "GENERATION_CANCELLED")
    assert balance(api_only, account) == 1_000_000


def test_a_run_that_ends_in_this_process_ends_a_wait_at_once(
    application: Application, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = application.account()
    client = application.client(account.api_key)
    run_id = start(client, account, seconds=0.5)
    assert result(WaitingRequest(application, pool, monkeypatch, client, run_id)) == ("completed", None)


def test_cancelling_stops_the_work_on_a_run(application: Application) -> None:
    account = application.account(credits=1.0)
    client = application.client(account.api_key)
    run_id = start(client, account, seconds=60)
    while client.get(f"/runs/{run_id}").json()["status"] == "pending":
        pass
    assert client.post(f"/runs/{run_id}/cancel").json()["error_code"] == "GENERATION_CANCELLED"
    assert finished(client, run_id)["error_code"] == "GENERATION_CANCELLED"
    assert balance(application, account) == 1_000_000


def test_cancelling_twice_changes_nothing_more(
    api_only: Application, client: Client, account: Account
) -> None:
    run_id = start(client, account)
    first = client.post(f"/runs/{run_id}/cancel").json()
    assert client.post(f"/runs/{run_id}/cancel").json() == first
    assert balance(api_only, account) == 1_000_000


def test_a_completed_run_stays_completed(api_only: Application, client: Client, account: Account) -> None:
    run_id = start(client, account)
    run = claimed(api_only, run_id)
    blobs, workspace_id = api_only.services.blobs, run.workspace_id
    text = assets.keep(
        blobs, run_id, workspace_id, 0, type="text", content_type="text/plain", data="a fern", now_ms=1
    )
    with api_only.services.database.transaction() as tx:
        assert settlement.complete(tx, run, [text])
    before = client.get(f"/runs/{run_id}").json()
    answer = client.post(f"/runs/{run_id}/cancel")
    assert (answer.status_code, answer.json()) == (200, before)
    assert answer.json()["status"] == "completed"
    assert balance(api_only, account) == 750_000


def test_viewers_and_other_workspaces_cannot_cancel(
    api_only: Application, client: Client, account: Account
) -> None:
    run_id = start(client, account)
    viewer = api_only.client(api_only.key(account, role="viewer").api_key)
    assert_refused(viewer.post(f"/runs/{run_id}/cancel"), 403, "forbidden")
    other = api_only.client(api_only.account().api_key)
    assert_refused(other.post(f"/runs/{run_id}/cancel"), 404, "not_found")
    assert_refused(client.post("/runs/run_none/cancel"), 404, "not_found")
    assert client.get(f"/runs/{run_id}").json()["status"] == "pending"


def test_cancelling_with_another_key_refunds_the_key_that_started_the_run(
    api_only: Application, client: Client, account: Account
) -> None:
    capped = api_only.client(api_only.key(account, spending_cap_micros=250_000).api_key)
    for _ in range(3):
        run_id = start(capped, account)
        assert client.post(f"/runs/{run_id}/cancel").status_code == 200
        with api_only.services.database.transaction() as tx:
            assert {key.spent_micros for key in accounts.list_keys(tx, account.workspace_id)} == {0}


def test_every_answer_to_racing_cancels_shows_the_end(
    pool: ThreadPoolExecutor, client: Client, account: Account
) -> None:
    for _ in range(10):
        run_id = start(client, account, seconds=30)
        answers = list(pool.map(lambda _, run_id=run_id: client.post(f"/runs/{run_id}/cancel"), range(8)))
        assert {answer.json()["status"] for answer in answers} == {"failed"}
