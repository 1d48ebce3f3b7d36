"""The eight refusals of a start, each with the code and message that FLORA documents."""

import logging

import pytest

from support.application import Application
from support.envelope import assert_refused
from terrarium_server import ledger
from terrarium_server.store import Transaction

START = "/runs/generation"


def test_400_names_the_missing_field(api_only: Application) -> None:
    account = api_only.account()
    body = account.body()
    del body["prompt"]
    error = assert_refused(
        api_only.client(account.api_key).post(START, json=body), 400, "input_validation_error"
    )
    assert error == {
        "code": "input_validation_error",
        "message": "prompt: Required",
        "fields": [{"field": "prompt", "message": "Required"}],
    }


def test_400_for_a_body_that_is_not_json(api_only: Application) -> None:
    client = api_only.client(api_only.account().api_key)
    answer = client.post(START, content=b"{", headers={"content-type": "application/json"})
    assert set(assert_refused(answer, 400, "invalid_json")) == {"code", "message"}


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Basic sk", "Bearer sk_live_no_such_key"])
def test_401_without_a_valid_key(api_only: Application, header: str | None) -> None:
    headers = {} if header is None else {"authorization": header}
    answer = api_only.anonymous.post(f"/api/v1{START}", json=api_only.account().body(), headers=headers)
    assert assert_refused(answer, 401, "unauthorized") == {
        "code": "unauthorized",
        "message": "Invalid API key.",
    }
    assert answer.headers["www-authenticate"] == "Bearer"


def test_402_when_the_balance_does_not_cover_the_quote(api_only: Application) -> None:
    account = api_only.account(credits=0.0009)
    answer = api_only.client(account.api_key).post(START, json=account.body())
    assert assert_refused(answer, 402, "insufficient_credits") == {
        "code": "insufficient_credits",
        "message": "Insufficient credits.",
    }
    with api_only.services.database.transaction() as tx:
        assert ledger.read_balance(tx, account.workspace_id) == 900


def test_403_for_a_key_that_may_only_read(api_only: Application) -> None:
    account = api_only.account(role="viewer")
    answer = api_only.client(account.api_key).post(START, json=account.body())
    assert assert_refused(answer, 403, "forbidden") == {"code": "forbidden", "message": "Forbidden."}


@pytest.mark.parametrize("field", ["workspace_id", "project_id"])
def test_404_for_another_workspaces_resources(api_only: Application, field: str) -> None:
    mine, other = api_only.account(), api_only.account()
    body = {**mine.body(), field: getattr(other, field)}
    answer = api_only.client(mine.api_key).post(START, json=body)
    assert assert_refused(answer, 404, "not_found") == {"code": "not_found", "message": "Not found."}


@pytest.mark.parametrize("second", [START, "/generate"])
def test_409_names_the_run_that_has_the_key(api_only: Application, second: str) -> None:
    account = api_only.account()
    client = api_only.client(account.api_key)
    headers = {"idempotency-key": "the same"}
    run_id = client.post(START, json=account.body(), headers=headers).json()["run_id"]
    answer = client.post(second, json=account.body(), headers=headers)
    assert assert_refused(answer, 409, "idempotency_duplicate") == {
        "code": "idempotency_duplicate",
        "message": "Duplicate idempotency key.",
    }
    assert answer.headers["x-should-retry"] == "false"
    run = client.anonymous.get(
        answer.headers["location"], headers={"authorization": f"Bearer {account.api_key}"}
    )
    assert run.json()["run_id"] == run_id


def test_429_says_when_to_try_again(api_only: Application) -> None:
    account = api_only.account(rate_limit=2)
    client = api_only.client(account.api_key)
    answers = [client.post(START, json=account.body()) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert assert_refused(answers[2], 429, "rate_limited") == {
        "code": "rate_limited",
        "message": "Rate limit exceeded.",
    }
    assert 1 <= int(answers[2].headers["retry-after"]) <= 60


def test_500_shows_only_the_request_id(
    api_only: Application, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("the disk of prj_secret is full")

    account = api_only.account()
    monkeypatch.setattr(Transaction, "publish", broken)
    with caplog.at_level(logging.ERROR):
        answer = api_only.client(account.api_key).post(START, json=account.body())
    assert assert_refused(answer, 500, "unknown_error") == {
        "code": "unknown_error",
        "message": "An unknown error occurred.",
    }
    assert "prj_secret" not in answer.text + str(answer.headers)
    request_id = answer.headers["request-id"]
    [record] = [record for record in caplog.records if request_id in record.getMessage()]
    assert record.exc_info and "prj_secret" in str(record.exc_info[1])


def test_a_start_that_fails_writes_nothing(api_only: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    account = api_only.account(credits=1.0)
    client = api_only.client(account.api_key)
    headers = {"idempotency-key": "k"}
    with monkeypatch.context() as patch:
        patch.setattr(Transaction, "publish", broken)
        assert client.post(START, json=account.body(), headers=headers).status_code == 500
    assert client.get("/generations").json()["generations"] == []
    assert client.get(f"/projects/{account.project_id}/nodes").json()["nodes"] == []
    with api_only.services.database.transaction() as tx:
        assert ledger.read_balance(tx, account.workspace_id) == 1_000_000
    assert client.post(START, json=account.body(), headers=headers).status_code == 201
