"""A run that is no longer wanted is ended at once, and whoever waits for it is told at once."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.envelope import assert_refused
from support.house import Client, Inside
from support.server import DEADLINE, Account, finished
from terrarium_server import accounts, assets, ledger, runs, settlement
from terrarium_server.http import runs as runs_door
from terrarium_server.runs import Run

WAIT = {"prefer": "wait=60"}


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as opened:
        yield opened


@pytest.fixture
def account(door: Inside) -> Account:
    return door.account(credits=1.0)


@pytest.fixture
def client(door: Inside, account: Account) -> Client:
    return door.client(account.api_key)


def start(client: Client, account: Account, **params: object) -> str:
    body = account.body(model="t2t-rehearsal", params=params)
    return client.post("/generate", json=body).raise_for_status().json()["run_id"]


def claimed(door: Inside, run_id: str) -> Run:
    """Claim everything that waits; return this one."""
    with door.house.database.transaction() as tx:
        return {run.run_id: run for run in runs.claim(tx, "wrk_test", 1000, {"rehearsal": 1000})}[run_id]


def balance(door: Inside, account: Account) -> int:
    with door.house.database.transaction() as tx:
        assert ledger.check(tx) == []
        return ledger.read_balance(tx, account.workspace_id)


class Waiting:
    """Somebody who waits in this process, where only a word of it ends the wait soon."""

    def __init__(
        self, door: Inside, pool: ThreadPoolExecutor, patch: pytest.MonkeyPatch, client: Client, run_id: str
    ) -> None:
        asked = threading.Event()
        expect = door.house.signals.expect

        def noted(run_id: str) -> object:
            event = expect(run_id)
            asked.set()
            return event

        patch.setattr(runs_door, "_LOOK_EVERY", DEADLINE)
        patch.setattr(door.house.signals, "expect", noted)
        self._answer = pool.submit(client.get, f"/runs/{run_id}", headers=WAIT)
        assert asked.wait(DEADLINE)

    def told(self) -> tuple[str, str | None]:
        """The run's state and error, which come long before the wait is over."""
        run = self._answer.result(DEADLINE / 2).raise_for_status().json()
        return run["status"], run.get("error_code")


@pytest.mark.parametrize("is_running", [False, True], ids=["pending", "running"])
def test_whoever_waits_for_a_cancelled_run_is_told_at_once(
    door: Inside,
    client: Client,
    account: Account,
    pool: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_running: bool,
) -> None:
    run_id = start(client, account)
    if is_running:
        claimed(door, run_id)
    waiting = Waiting(door, pool, monkeypatch, client, run_id)
    cancelled = client.post(f"/runs/{run_id}/cancel")
    assert cancelled.status_code == 200
    shown = cancelled.json()
    assert (shown["status"], shown["error_code"]) == ("failed", "GENERATION_CANCELLED")
    assert (shown["progress"], shown["charged_cost"]) == (100, 0)
    assert waiting.told() == ("failed", "GENERATION_CANCELLED")
    assert balance(door, account) == 1_000_000


def test_whoever_waits_for_a_run_that_ends_here_is_told_at_once(
    inside: Inside, pool: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = inside.account()
    client = inside.client(account.api_key)
    run_id = start(client, account, seconds=0.5)
    assert Waiting(inside, pool, monkeypatch, client, run_id).told() == ("completed", None)


def test_a_run_that_is_made_here_is_not_made_to_its_end(inside: Inside) -> None:
    account = inside.account(credits=1.0)
    client = inside.client(account.api_key)
    run_id = start(client, account, seconds=60)
    while client.get(f"/runs/{run_id}").json()["status"] == "pending":
        pass
    assert client.post(f"/runs/{run_id}/cancel").json()["error_code"] == "GENERATION_CANCELLED"
    assert finished(client, run_id)["error_code"] == "GENERATION_CANCELLED"
    assert balance(inside, account) == 1_000_000


def test_cancelling_twice_changes_nothing_more(door: Inside, client: Client, account: Account) -> None:
    run_id = start(client, account)
    first = client.post(f"/runs/{run_id}/cancel").json()
    assert client.post(f"/runs/{run_id}/cancel").json() == first
    assert balance(door, account) == 1_000_000


def test_a_run_that_is_completed_stays_so(door: Inside, client: Client, account: Account) -> None:
    run_id = start(client, account)
    run = claimed(door, run_id)
    blobs, workspace_id = door.house.blobs, run.workspace_id
    text = assets.keep(
        blobs, run_id, workspace_id, 0, type="text", content_type="text/plain", data="a fern", now_ms=1
    )
    with door.house.database.transaction() as tx:
        assert settlement.complete(tx, run, [text])
    before = client.get(f"/runs/{run_id}").json()
    answer = client.post(f"/runs/{run_id}/cancel")
    assert (answer.status_code, answer.json()) == (200, before)
    assert answer.json()["status"] == "completed"
    assert balance(door, account) == 750_000


def test_who_may_only_look_cancels_nothing_and_a_stranger_finds_nothing(
    door: Inside, client: Client, account: Account
) -> None:
    run_id = start(client, account)
    viewer = door.client(door.key(account, role="viewer").api_key)
    assert_refused(viewer.post(f"/runs/{run_id}/cancel"), 403, "forbidden")
    stranger = door.client(door.account().api_key)
    assert_refused(stranger.post(f"/runs/{run_id}/cancel"), 404, "not_found")
    assert_refused(client.post("/runs/run_none/cancel"), 404, "not_found")
    assert client.get(f"/runs/{run_id}").json()["status"] == "pending"


def test_another_key_cancels_and_the_key_that_started_it_gets_its_cap_back(
    door: Inside, client: Client, account: Account
) -> None:
    capped = door.client(door.key(account, spending_cap_micros=250_000).api_key)
    for _ in range(3):
        run_id = start(capped, account)
        assert client.post(f"/runs/{run_id}/cancel").status_code == 200
        with door.house.database.transaction() as tx:
            assert {key.spent_micros for key in accounts.list_keys(tx, account.workspace_id)} == {0}
