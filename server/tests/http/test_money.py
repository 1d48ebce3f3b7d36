"""What a start costs: estimated before, held at the start, charged at the end, and never more."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from support.application import Application, Client
from support.envelope import assert_refused, rejected_fields
from support.server import Account, finished
from terrarium_server import accounts, ledger, money


def balance(application: Application, account: Account) -> float:
    with application.services.database.transaction() as tx:
        assert ledger.check(tx) == []
        return money.to_usd(ledger.read_balance(tx, account.workspace_id))


def spent(application: Application, account: Account, key_id: str) -> float:
    with application.services.database.transaction() as tx:
        keys = accounts.list_keys(tx, account.workspace_id)
    return money.to_usd(next(key.spent_micros for key in keys if key.key_id == key_id))


@pytest.fixture
def account(application: Application) -> Account:
    return application.account(credits=1.0)


@pytest.fixture
def client(application: Application, account: Account) -> Client:
    return application.client(account.api_key)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"model": "t2t-rehearsal"},
        {"type": "image", "params": {"num_images": 3, "resolution": "0.5k"}},
        {"type": "image", "params": {"num_images": 1.0, "resolution": "512"}},
    ],
)
def test_the_estimate_is_the_hold_and_the_charge(
    application: Application, client: Client, account: Account, more: dict[str, Any]
) -> None:
    estimate = client.post("/runs/estimate", json=account.body(**more)).json()
    assert balance(application, account) == 1.0
    started = client.post("/generate", json=account.body(**more)).json()
    assert {name: started[name] for name in estimate} == estimate
    held = 1.0 - balance(application, account)
    assert held == pytest.approx(estimate["charged_cost"], abs=1e-9)
    run = finished(client, started["run_id"])
    assert run["status"] == "completed"
    assert run["charged_cost"] <= estimate["charged_cost"]
    assert balance(application, account) == pytest.approx(1.0 - run["charged_cost"], abs=1e-9)


def test_an_estimate_records_nothing(application: Application, client: Client, account: Account) -> None:
    client.post("/runs/estimate", json=account.body(), headers={"idempotency-key": "k"})
    assert client.get("/generations").json()["generations"] == []
    assert client.get(f"/projects/{account.project_id}/nodes").json()["nodes"] == []
    assert client.post("/generate", json=account.body(), headers={"idempotency-key": "k"}).is_success


def test_the_estimate_refuses_what_the_start_refuses(application: Application, account: Account) -> None:
    client = application.client(account.api_key)
    wrong = account.body(params={"seed": -1, "colour": "red"})
    answers = [client.post(path, json=wrong) for path in ("/runs/estimate", "/generate")]
    assert rejected_fields(answers[0]) == rejected_fields(answers[1]) != {}
    viewer = application.client(application.key(account, role="viewer").api_key)
    assert_refused(viewer.post("/runs/estimate", json=account.body()), 403, "forbidden")


@pytest.mark.parametrize("outcome", ["moderated", "failed", "busy", "refused", "lost"])
def test_a_failed_run_costs_nothing(application: Application, account: Account, outcome: str) -> None:
    client = application.client(account.api_key)
    body = account.body(model="t2t-rehearsal", params={"outcome": outcome})
    run = finished(client, client.post("/generate", json=body).json()["run_id"])
    assert (run["status"], run["progress"], run["charged_cost"]) == ("failed", 100, 0)
    assert run["error_code"].isupper() and run["error_message"]
    assert "outputs" not in run
    assert balance(application, account) == 1.0


def test_credits_are_never_spent_twice_by_starts_at_the_same_time(application: Application) -> None:
    account = application.account(credits=0.80)
    client = application.client(account.api_key)
    body = account.body(model="t2t-rehearsal")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.post("/generate", json=body), range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [402] * 5
    assert balance(application, account) == pytest.approx(0.05)
    assert len(client.get("/generations").json()["generations"]) == 3


def test_one_idempotency_key_starts_one_run_at_the_same_time(
    application: Application, account: Account
) -> None:
    client = application.client(account.api_key)
    headers = {"idempotency-key": "once"}
    with ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(lambda _: client.post("/generate", json=account.body(), headers=headers), range(6))
        )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    [run] = client.get("/generations").json()["generations"]
    run_ids = {answer.headers["location"].rpartition("/")[2] for answer in answers if not answer.is_success}
    assert run_ids == {run["run_id"]}


@pytest.mark.parametrize(
    "refused_by", [{"prompt": ""}, {"model": "none"}, {"params": {"x": 1}}, {"project_id": "prj_none"}]
)
def test_a_refused_start_does_not_use_up_its_idempotency_key(
    client: Client, account: Account, refused_by: dict[str, object]
) -> None:
    headers = {"idempotency-key": "k"}
    wrong = client.post("/generate", json={**account.body(), **refused_by}, headers=headers)
    assert wrong.status_code in (400, 404)
    assert client.post("/generate", json=account.body(), headers=headers).status_code == 201


def test_an_idempotency_key_belongs_to_its_workspace(
    application: Application, client: Client, account: Account
) -> None:
    other = application.account()
    headers = {"idempotency-key": "the same"}
    assert client.post("/generate", json=account.body(), headers=headers).status_code == 201
    answer = application.client(other.api_key).post("/generate", json=other.body(), headers=headers)
    assert answer.status_code == 201


def test_a_key_with_a_cap_spends_no_more_than_that(application: Application, account: Account) -> None:
    key = application.key(account, spending_cap_micros=600_000)
    client = application.client(key.api_key)
    body = account.body(model="t2t-rehearsal")
    runs = [client.post("/generate", json=body) for _ in range(3)]
    assert [run.status_code for run in runs] == [201, 201, 402]
    assert "spending cap" in assert_refused(runs[2], 402, "insufficient_credits")["message"]
    assert spent(application, account, key.key_id) == 0.5
    # The workspace has credits left, and its other keys may spend them.
    assert application.client(account.api_key).post("/generate", json=body).status_code == 201


def test_a_failed_run_is_refunded_to_the_cap(application: Application, account: Account) -> None:
    key = application.key(account, spending_cap_micros=250_000)
    client = application.client(key.api_key)
    failing = account.body(model="t2t-rehearsal", params={"outcome": "failed"})
    for _ in range(3):
        finished(client, client.post("/generate", json=failing).json()["run_id"])
        assert spent(application, account, key.key_id) == 0
    assert client.post("/generate", json=account.body(model="t2t-rehearsal")).status_code == 201
