"""Every answer to a key has the state of its workspace's rate limit."""

import pytest

from support.application import Application
from support.server import Account


def limits(headers: object) -> tuple[int, int]:
    assert hasattr(headers, "__getitem__")
    values: dict[str, str] = headers  # type: ignore[assignment]
    assert 0 <= int(values["ratelimit-reset"]) <= 60
    return int(values["ratelimit-limit"]), int(values["ratelimit-remaining"])


@pytest.fixture
def account(api_only: Application) -> Account:
    return api_only.account(rate_limit=3)


def test_only_starts_count(api_only: Application, account: Account) -> None:
    client = api_only.client(account.api_key)
    assert limits(client.get("/workspaces").headers) == (3, 3)
    assert limits(client.post("/generate", json=account.body()).headers) == (3, 2)
    assert limits(client.post("/runs/estimate", json=account.body()).headers) == (3, 2)
    assert limits(client.get("/runs/run_none").headers) == (3, 2)
    client.post("/generate", json=account.body())
    client.post("/runs/generation", json=account.body())
    refused = client.post("/generate", json=account.body())
    assert refused.status_code == 429
    assert limits(refused.headers) == (3, 0)
    assert int(refused.headers["retry-after"]) <= 60


def test_all_keys_of_a_workspace_share_its_limit(api_only: Application, account: Account) -> None:
    keys = [account.api_key, api_only.key(account).api_key]
    statuses = [
        api_only.client(keys[number % 2]).post("/generate", json=account.body()).status_code
        for number in range(4)
    ]
    assert statuses == [201, 201, 201, 429]


def test_one_workspace_does_not_slow_another(api_only: Application, account: Account) -> None:
    for _ in range(4):
        api_only.client(account.api_key).post("/generate", json=account.body())
    other = api_only.account(rate_limit=3)
    assert api_only.client(other.api_key).post("/generate", json=other.body()).status_code == 201


def test_a_duplicate_does_not_count(api_only: Application, account: Account) -> None:
    client = api_only.client(account.api_key)
    headers = {"idempotency-key": "k"}
    statuses = [client.post("/generate", json=account.body(), headers=headers).status_code for _ in range(5)]
    assert statuses == [201, 409, 409, 409, 409]
    assert limits(client.get("/models").headers) == (3, 2)


def test_an_invalid_key_gets_no_limits(api_only: Application) -> None:
    answer = api_only.anonymous.get("/api/v1/models", headers={"authorization": "Bearer bad"})
    assert answer.status_code == 401
    assert "ratelimit-limit" not in answer.headers


def test_a_workspace_without_a_limit_has_the_servers_default(api_only: Application) -> None:
    account = api_only.account()
    assert limits(api_only.client(account.api_key).get("/models").headers) == (600, 600)
