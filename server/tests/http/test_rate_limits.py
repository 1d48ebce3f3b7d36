"""How a workspace stands with its limit is on every answer to its keys."""

import pytest

from support.house import Inside
from support.server import Account


def limits(headers: object) -> tuple[int, int]:
    assert hasattr(headers, "__getitem__")
    found: dict[str, str] = headers  # type: ignore[assignment]
    assert 0 <= int(found["ratelimit-reset"]) <= 60
    return int(found["ratelimit-limit"]), int(found["ratelimit-remaining"])


@pytest.fixture
def account(door: Inside) -> Account:
    return door.account(rate_limit=3)


def test_reading_costs_nothing_and_starting_counts(door: Inside, account: Account) -> None:
    client = door.client(account.api_key)
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


def test_all_keys_of_a_workspace_share_its_limit(door: Inside, account: Account) -> None:
    keys = [account.api_key, door.key(account).api_key]
    statuses = [
        door.client(keys[number % 2]).post("/generate", json=account.body()).status_code
        for number in range(4)
    ]
    assert statuses == [201, 201, 201, 429]


def test_one_workspace_does_not_slow_another(door: Inside, account: Account) -> None:
    for _ in range(4):
        door.client(account.api_key).post("/generate", json=account.body())
    other = door.account(rate_limit=3)
    assert door.client(other.api_key).post("/generate", json=other.body()).status_code == 201


def test_a_duplicate_does_not_count(door: Inside, account: Account) -> None:
    client = door.client(account.api_key)
    headers = {"idempotency-key": "k"}
    statuses = [client.post("/generate", json=account.body(), headers=headers).status_code for _ in range(5)]
    assert statuses == [201, 409, 409, 409, 409]
    assert limits(client.get("/models").headers) == (3, 2)


def test_a_stranger_learns_no_limits(door: Inside) -> None:
    answer = door.anonymous.get("/api/v1/models", headers={"authorization": "Bearer bad"})
    assert answer.status_code == 401
    assert "ratelimit-limit" not in answer.headers


def test_a_workspace_without_a_limit_has_the_servers(door: Inside) -> None:
    account = door.account()
    assert limits(door.client(account.api_key).get("/models").headers) == (600, 600)
