"""`Prefer: wait` and ETags: an answer when something changes, instead of polling."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.application import Application, Client
from support.server import Account, finished
from terrarium_server import accounts
from terrarium_server.http import _waiting

from .manual_worker import ManualWorker
from .waiting_request import WAIT, WaitingRequest

KEY = {"idempotency-key": "once"}


@pytest.fixture
def account(application: Application) -> Account:
    return application.account()


@pytest.fixture
def client(application: Application, account: Account) -> Client:
    return application.client(account.api_key)


def start(client: Client, account: Account, **params: object) -> str:
    body = account.body(model="t2t-rehearsal", params=params)
    return client.post("/generate", json=body).json()["run_id"]


def test_the_answer_comes_when_the_run_is_over(client: Client, account: Account) -> None:
    run_id = start(client, account, seconds=0.3)
    answer = client.get(f"/runs/{run_id}", headers=WAIT)
    assert answer.json()["status"] == "completed"
    assert answer.headers["preference-applied"] == "wait=60"


def test_the_answer_comes_when_the_time_is_up(api_only: Application) -> None:
    account = api_only.account()
    client = api_only.client(account.api_key)
    run_id = start(client, account)
    began = time.monotonic()
    answer = client.get(f"/runs/{run_id}", headers={"prefer": "wait=1"})
    assert time.monotonic() - began >= 1
    assert answer.json()["status"] == "pending"
    assert answer.headers["preference-applied"] == "wait=1"


@pytest.mark.parametrize(
    ("preference", "applied"),
    [
        ("wait=3600", "wait=60"),
        ("wait=61", "wait=60"),
        (f"wait={'9' * 5000}", "wait=60"),
        ("respond-async, wait=7", "wait=7"),
        ("Wait = 7; foo", "wait=7"),
        ('wait="7"', "wait=7"),
        ("wait=0", "wait=0"),
        ("wait=-1", None),
        ("wait=soon", None),
        ("await=7", None),
        ("respond-async", None),
    ],
)
def test_the_answer_names_the_applied_preference(
    client: Client, account: Account, preference: str, applied: str | None
) -> None:
    run_id = start(client, account)
    finished(client, run_id)
    answer = client.get(f"/runs/{run_id}", headers={"prefer": preference})
    assert answer.headers.get("preference-applied") == applied
    assert answer.json()["status"] == "completed"


def test_a_run_of_another_workspace_is_not_waited_for(api_only: Application) -> None:
    account = api_only.account()
    run_id = start(api_only.client(account.api_key), account)
    answer = api_only.client(api_only.account().api_key).get(f"/runs/{run_id}", headers=WAIT)
    assert answer.status_code == 404


def test_an_unchanged_run_is_304(client: Client, account: Account) -> None:
    run_id = start(client, account)
    finished(client, run_id)
    first = client.get(f"/runs/{run_id}")
    tag = first.headers["etag"]
    for known_tags in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = client.get(f"/runs/{run_id}", headers={"if-none-match": known_tags})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
        assert again.headers["request-id"] != first.headers["request-id"]
    other = client.get(f"/runs/{run_id}", headers={"if-none-match": '"other"'})
    assert (other.status_code, other.json()) == (200, first.json())


def test_a_change_gives_another_tag(api_only: Application) -> None:
    account = api_only.account()
    client = api_only.client(account.api_key)
    run_id = start(client, account)
    before = client.get(f"/runs/{run_id}")
    ManualWorker(api_only).claim()
    after = client.get(f"/runs/{run_id}", headers={"if-none-match": before.headers["etag"]})
    assert after.status_code == 200
    assert after.headers["etag"] != before.headers["etag"]


def test_waiting_with_a_tag_ends_at_the_first_change(
    api_only: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = api_only.account()
    client = api_only.client(account.api_key)
    run_id = start(client, account)
    before = client.get(f"/runs/{run_id}")
    tag = {"if-none-match": before.headers["etag"]}
    with ThreadPoolExecutor(1) as pool:
        waiting = WaitingRequest(api_only, pool, monkeypatch, client, run_id, **tag)
        ManualWorker(api_only).claim()
        answer = waiting.result()
    assert (before.json()["status"], answer.json()["status"]) == ("pending", "running")


def test_a_key_revoked_meanwhile_ends_the_wait(
    api_only: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_waiting, "_READ_AGAIN_SECONDS", 0.2)
    account = api_only.account()
    run_id = start(api_only.client(account.api_key), account)
    key = api_only.key(account)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(api_only.client(key.api_key).get, f"/runs/{run_id}", headers=WAIT)
        with api_only.services.database.transaction() as tx:
            accounts.revoke_key(tx, key.key_id)
        assert waiting.result().status_code == 401


@pytest.mark.parametrize("path", ["/generate", "/runs/generation"])
def test_a_start_that_waits_is_answered_with_the_finished_run(
    client: Client, account: Account, path: str
) -> None:
    body = account.body(model="t2t-rehearsal", params={"seconds": 0.3})
    answer = client.post(path, json=body, headers={"prefer": "wait=30"})
    assert (answer.status_code, answer.headers["preference-applied"]) == (201, "wait=30")
    reply = answer.json()
    run = reply.pop("run")
    assert run == client.get(f"/runs/{run['run_id']}").json()
    assert (run["status"], len(run["outputs"])) == ("completed", 1)
    without = client.post(path, json=body).json()
    assert set(reply) == set(without) and reply["run_id"] == run["run_id"]


def test_a_start_that_waits_is_answered_when_the_run_failed(client: Client, account: Account) -> None:
    body = account.body(model="t2t-rehearsal", params={"outcome": "moderated"})
    run = client.post("/generate", json=body, headers={"prefer": "wait=30"}).json()["run"]
    assert (run["status"], run["charged_cost"]) == ("failed", 0) and run["error_code"]


def test_a_start_that_waits_is_answered_without_the_run_when_the_time_is_up(api_only: Application) -> None:
    account = api_only.account()
    client = api_only.client(account.api_key)
    answer = client.post("/generate", json=account.body(), headers={**KEY, "prefer": "wait=1"})
    assert (answer.status_code, answer.headers["preference-applied"]) == (201, "wait=1")
    assert "run" not in answer.json()
    # The start was committed before the wait, so it has its key.
    assert client.post("/generate", json=account.body(), headers=KEY).status_code == 409


@pytest.mark.parametrize("preference", ["respond-async", "wait", "handling=strict", ""])
def test_other_preferences_change_nothing(api_only: Application, preference: str) -> None:
    account = api_only.account()
    client = api_only.client(account.api_key)
    answer = client.post("/generate", json=account.body(), headers={"prefer": preference})
    assert answer.status_code == 201 and "preference-applied" not in answer.headers
    assert "run" not in answer.json()


def test_a_start_waits_at_most_thirty_seconds(client: Client, account: Account) -> None:
    body = account.body(model="t2t-rehearsal")
    answer = client.post("/generate", json=body, headers={"prefer": "respond-async, wait=3600"})
    assert answer.headers["preference-applied"] == "wait=30"
