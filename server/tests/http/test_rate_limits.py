"""Two limits for each workspace: starts and other requests. Every answer shows the one that it counts for."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from support.application import Application, Client, open_application
from support.envelope import assert_refused
from support.server import Account, StartServer
from terrarium_server import accounts

STARTS = ("/generate", "/runs/generation")


def limits(answer: httpx.Response) -> tuple[int, int]:
    assert 0 <= int(answer.headers["ratelimit-reset"]) <= 60
    return int(answer.headers["ratelimit-limit"]), int(answer.headers["ratelimit-remaining"])


@pytest.fixture
def account(api_only: Application) -> Account:
    return api_only.account(rate_limit=3)


@pytest.fixture
def client(api_only: Application, account: Account) -> Client:
    return api_only.client(account.api_key)


def test_starts_and_other_requests_are_counted_apart(client: Client, account: Account) -> None:
    assert limits(client.get("/workspaces")) == (30, 29)
    assert limits(client.post("/generate", json=account.body())) == (3, 2)
    assert limits(client.post("/runs/estimate", json=account.body())) == (30, 28)
    assert limits(client.get("/runs/run_none")) == (30, 27)
    assert limits(client.post("/runs/generation", json=account.body())) == (3, 1)
    assert limits(client.post("/generate", json=account.body())) == (3, 0)
    refused = client.post("/generate", json=account.body())
    error = assert_refused(refused, 429, "rate_limited")
    assert error["message"] == "Rate limit exceeded."
    assert limits(refused) == (3, 0)
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    # The refused start took nothing of the other limit, and polling goes on.
    assert limits(client.get("/workspaces")) == (30, 26)


@pytest.mark.parametrize("path", STARTS)
@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"params": {"x": 1}}, 400),
        ({"model": "none"}, 400),
        ({"prompt": 5}, 400),
        ({"project_id": "prj_none"}, 404),
    ],
)
def test_a_refused_start_does_not_count(
    client: Client, account: Account, path: str, wrong: dict[str, object], status: int
) -> None:
    for _ in range(5):
        refused = client.post(path, json=account.body() | wrong)
        assert (refused.status_code, limits(refused)) == (status, (3, 3))
    assert limits(client.post(path, json=account.body())) == (3, 2)


def test_a_start_without_credits_does_not_count(api_only: Application) -> None:
    account = api_only.account(rate_limit=3, credits=0)
    client = api_only.client(account.api_key)
    for _ in range(5):
        refused = client.post("/generate", json=account.body(model="t2t-rehearsal"))
        assert (refused.status_code, limits(refused)) == (402, (3, 3))


def test_a_body_that_is_no_json_does_not_count(client: Client) -> None:
    refused = client.post("/generate", content=b"{", headers={"content-type": "application/json"})
    assert (refused.status_code, limits(refused)) == (400, (3, 3))


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


def test_a_duplicate_does_not_count(client: Client, account: Account) -> None:
    headers = {"idempotency-key": "k"}
    answers = [client.post("/generate", json=account.body(), headers=headers) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [201, 409, 409, 409, 409]
    assert [limits(answer) for answer in answers] == [(3, 2)] * 5


def test_too_many_other_requests_are_refused_and_starts_go_on(client: Client, account: Account) -> None:
    answers = [client.get("/workspaces") for _ in range(31)]
    assert [answer.status_code for answer in answers] == [200] * 30 + [429]
    error = assert_refused(answers[-1], 429, "rate_limited")
    assert error["message"] == "Rate limit exceeded."
    assert limits(answers[-1]) == (30, 0)
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 2
    for write in (
        client.post("/projects", json={"workspace_id": account.workspace_id, "name": "More"}),
        client.post("/runs/run_none/cancel"),
    ):
        assert_refused(write, 429, "rate_limited")
    assert client.post("/generate", json=account.body()).status_code == 201


def test_attempts_to_start_are_bounded_too(client: Client, account: Account) -> None:
    answers = [client.post("/generate", json=account.body(prompt="")) for _ in range(31)]
    assert [answer.status_code for answer in answers] == [400] * 30 + [429]
    assert limits(answers[-1]) == (3, 3)
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 2
    # Other requests are counted apart.
    assert limits(client.get("/workspaces")) == (30, 29)


def test_a_new_limit_is_shown_at_once(api_only: Application, client: Client, account: Account) -> None:
    assert limits(client.post("/generate", json=account.body(prompt=""))) == (3, 3)
    with api_only.services.database.transaction() as tx:
        accounts.set_rate_limit(tx, account.workspace_id, 1)
    assert limits(client.post("/generate", json=account.body())) == (1, 0)
    refused = client.post("/generate", json=account.body())
    assert (refused.status_code, limits(refused)) == (429, (1, 0))


@pytest.mark.parametrize("spent", ["rate", "credits", "cap"])
def test_an_unknown_project_is_reported_before_what_is_spent(api_only: Application, spent: str) -> None:
    account = api_only.account(rate_limit=1, credits=0 if spent == "credits" else 100)
    body = account.body(model="t2t-rehearsal")
    api_key = account.api_key
    if spent == "rate":
        assert api_only.client(api_key).post("/generate", json=body).status_code == 201
    if spent == "cap":
        api_key = api_only.key(account, spending_cap_micros=0).api_key
    unknown = {**body, "project_id": "prj_none"}
    assert api_only.client(api_key).post("/generate", json=unknown).status_code == 404


def test_the_owner_sets_the_limit_of_other_requests(tmp_path_factory: pytest.TempPathFactory) -> None:
    with open_application(tmp_path_factory.mktemp("data"), workers=False, request_rate_limit=2) as opened:
        account = opened.account()
        client = opened.client(account.api_key)
        answers = [client.get("/workspaces") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert limits(answers[0]) == (2, 1)
        assert limits(client.post("/generate", json=account.body())) == (600, 599)


def test_an_invalid_key_gets_no_limits(api_only: Application) -> None:
    answer = api_only.anonymous.get("/api/v1/models", headers={"authorization": "Bearer bad"})
    assert answer.status_code == 401
    assert "ratelimit-limit" not in answer.headers


def test_a_workspace_without_a_limit_has_the_servers_default(api_only: Application) -> None:
    account = api_only.account()
    client = api_only.client(account.api_key)
    assert limits(client.get("/models")) == (6000, 5999)
    assert limits(client.post("/generate", json=account.body())) == (600, 599)


def test_two_servers_accept_as_many_starts_as_one(start_server: StartServer, postgres_url: str) -> None:
    servers = [
        start_server(database_url=postgres_url, workers=False, bootstrap_key="sk_live_first_key")
        for _ in range(2)
    ]
    account = servers[0].new_account(rate_limit=5)
    with servers[0].client(account.api_key) as one, servers[1].client(account.api_key) as other:

        def start(number: int) -> httpx.Response:
            return (one, other)[number % 2].post("/generate", json=account.body())

        began = time.monotonic()
        with ThreadPoolExecutor(16) as pool:
            answers = list(pool.map(start, range(120)))
        # On a slow machine, one more after each twelve seconds.
        refilled = int((time.monotonic() - began) / 12)
    assert sorted({answer.status_code for answer in answers}) == [201, 429]
    accepted = sum(answer.is_success for answer in answers)
    assert 5 <= accepted <= 5 + refilled
    with servers[0].client(account.api_key) as client:
        assert len(client.get("/generations").json()["generations"]) == accepted
