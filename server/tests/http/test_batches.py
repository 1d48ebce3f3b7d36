"""A batch starts many generations as one: all or none, with one quote, one hold and one run to poll."""

from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from support.application import Application, Client
from support.envelope import assert_refused, rejected_fields
from support.server import Account
from terrarium_server import accounts, ledger
from terrarium_server.store import metadata

START = {"type": "text", "prompt": "a fern", "model": "t2t-rehearsal"}
PRICE = 250_000
KEY = {"idempotency-key": "once"}


@pytest.fixture
def account(api_only: Application) -> Account:
    return api_only.account()


@pytest.fixture
def client(api_only: Application, account: Account) -> Client:
    return api_only.client(account.api_key)


def batch(account: Account, *starts: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The body that starts a batch in the account's project."""
    target = {"workspace_id": account.workspace_id, "project_id": account.project_id}
    return {**target, "starts": list(starts), **more}


def send(client: Client, account: Account, count: int, **headers: str) -> httpx.Response:
    """Start a batch of so many texts."""
    return client.post("/runs/batch", json=batch(account, *[START] * count), headers=headers)


def balance(application: Application, account: Account) -> int:
    with application.services.database.transaction() as tx:
        assert ledger.check(tx) == []
        return ledger.read_balance(tx, account.workspace_id)


def everything(application: Application) -> dict[str, list[str]]:
    """All rows of all tables."""
    with application.services.database.transaction() as tx:
        return {
            table.name: sorted(map(repr, tx.execute(sa.select(table)))) for table in metadata.sorted_tables
        }


def limits(answer: httpx.Response) -> tuple[int, int]:
    return int(answer.headers["ratelimit-limit"]), int(answer.headers["ratelimit-remaining"])


def listed(client: Client, path: str, name: str) -> list[dict[str, Any]]:
    """All rows of a list."""
    rows: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client.get(path, params={"limit": 100, "cursor": cursor}).raise_for_status().json()
        rows += page[name]
        cursor = page["meta"]["next_cursor"]
    return rows


@pytest.mark.parametrize("count", [1, 200])
def test_all_are_started_in_the_order_of_the_request(
    api_only: Application, client: Client, account: Account, count: int
) -> None:
    prompts = [f"fern number {number}" for number in range(count)]
    starts = [{**START, "prompt": prompt} for prompt in prompts]
    answer = client.post("/runs/batch", json=batch(account, *starts))
    assert answer.status_code == 201
    started = answer.json()
    assert set(started) == {
        "run_id",
        "type",
        "charged_cost",
        "estimated_seconds",
        "poll_url",
        "project_id",
        "runs",
    }
    assert (started["type"], started["project_id"]) == ("batch", account.project_id)
    assert started["poll_url"] == f"http://terrarium.test/api/v1/runs/{started['run_id']}"
    run_ids = [run["run_id"] for run in started["runs"]]
    assert len(set(run_ids)) == count
    assert run_ids == sorted(run_ids)

    # The members are on the canvas and in the history, and the batch itself in neither.
    nodes = listed(client, f"/projects/{account.project_id}/nodes", "nodes")
    assert [node["label"] for node in nodes] == prompts
    rows = listed(client, "/generations", "generations")
    assert [row["run_id"] for row in rows] == run_ids[::-1]
    steps = client.get(f"/runs/{started['run_id']}").json()["steps"]
    assert [step["run_id"] for step in steps] == run_ids
    assert client.get(f"/runs/{run_ids[-1]}").json()["prompt"] == prompts[-1]


def test_each_run_is_described_as_the_start_of_one(client: Client, account: Account) -> None:
    other = {"type": "image", "prompt": "a mug", "params": {"num_images": 2}}
    started = client.post("/runs/batch", json=batch(account, START, other)).json()
    for start, run in zip((START, other), started["runs"], strict=True):
        body = {"workspace_id": account.workspace_id, "project_id": account.project_id, **start}
        alone = client.post("/generate", json=body).json()
        assert set(run) == set(alone)
        own = {"run_id", "poll_url"}
        assert {name: run[name] for name in set(run) - own} == {name: alone[name] for name in set(run) - own}
        assert run["poll_url"].endswith(f"/runs/{run['run_id']}")


def test_there_is_one_quote_and_one_hold(api_only: Application, account: Account) -> None:
    before = balance(api_only, account)
    client = api_only.client(account.api_key)
    dear = {"type": "image", "prompt": "a mug", "params": {"num_images": 4}}
    started = client.post("/runs/batch", json=batch(account, START, dear, START)).json()
    quotes = [run["charged_cost"] for run in started["runs"]]
    assert quotes == [0.25, 0.016, 0.25]
    assert started["charged_cost"] == pytest.approx(sum(quotes))
    assert before - balance(api_only, account) == 516_000
    with api_only.services.database.transaction() as tx:
        mine = ledger.entries.c.workspace_id == account.workspace_id
        rows = tx.execute(sa.select(ledger.entries).where(mine, ledger.entries.c.kind == "hold")).all()
    assert [(row.run_id, row.amount_micros) for row in rows] == [(started["run_id"], -516_000)]


@pytest.mark.parametrize(("max_parallel", "seconds"), [(None, 2), (3, 2), (2, 3), (1, 5), (200, 2)])
def test_the_estimate_follows_from_how_many_run_at_a_time(
    client: Client, account: Account, max_parallel: int | None, seconds: int
) -> None:
    # The texts take a second each, the picture two.
    starts = [START, {"type": "image", "prompt": "a mug"}, START, START]
    body = batch(account, *starts, max_parallel=max_parallel)
    assert client.post("/runs/batch", json=body).json()["estimated_seconds"] == seconds


WRONG_STARTS: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "picture"}, "type", "Must be one of: image, video, audio, text"),
    ({"type": "video"}, "model", "t2t-rehearsal makes text"),
    ({"prompt": ""}, "prompt", "Must not be empty"),
    ({"prompt": None}, "prompt", "Required"),
    ({"prompt": "a\0b"}, "prompt", "Must not contain NUL characters"),
    ({"prompt": "x" * 100_001, "model": "t2t-spare"}, "prompt", "Must have at most 1,000 characters"),
    ({"model": "none"}, "model", "Unknown model"),
    ({"params": 5}, "params", "Must be an object"),
    ({"params": {"sed": 1}}, "params.sed", "Unknown parameter"),
    ({"params": {"seconds": -1}}, "params.seconds", "Must be between 0 and 60"),
    ({"params": {"outcome": "splendid"}}, "params.outcome", "Must be one of"),
    ({"colour": "red"}, "colour", "Unknown field"),
    ({"priority": 1}, "priority", "Unknown field"),
    (
        {"type": "image", "model": "i2i-rehearsal", "params": {"image_url": "run_none"}},
        "params.image_url",
        "",
    ),
    (
        {"type": "image", "model": "i2i-rehearsal", "params": {"image_url": "https://127.0.0.1/a.png"}},
        "params.image_url",
        "",
    ),
]


@pytest.mark.parametrize(("change", "field", "message"), WRONG_STARTS, ids=lambda value: str(value)[:40])
def test_one_invalid_start_refuses_the_whole_batch_and_is_named(
    api_only: Application, client: Client, account: Account, change: dict[str, Any], field: str, message: str
) -> None:
    before = everything(api_only)
    starts = [START, START, START, {**START, **change}]
    answer = client.post("/runs/batch", json=batch(account, *starts), headers=KEY)
    rejected = rejected_fields(answer)
    assert set(rejected) == {f"starts[3].{field}"}
    assert message in rejected[f"starts[3].{field}"]
    # Nothing was written, nothing was counted, and the key is free.
    assert limits(answer) == (600, 600)
    assert everything(api_only) == before
    assert send(client, account, 1, **KEY).status_code == 201


def test_several_invalid_starts_are_all_named(client: Client, account: Account) -> None:
    wrong = [
        {**START, "params": {"seconds": 61, "sed": 1}},
        START,
        {**START, "model": "none"},
        {**START, "type": "audio"},
    ]
    rejected = rejected_fields(client.post("/runs/batch", json=batch(account, *wrong)))
    # In the order of the request, whatever is wrong with each.
    assert [*rejected] == [
        "starts[0].params.sed",
        "starts[0].params.seconds",
        "starts[2].model",
        "starts[3].model",
    ]
    rejected = rejected_fields(client.post("/runs/batch", json=batch(account, {}, START, {"prompt": 5})))
    assert [*rejected] == ["starts[0].type", "starts[0].prompt", "starts[2].type", "starts[2].prompt"]


def test_a_hundred_wrong_starts_are_listed_at_most(client: Client, account: Account) -> None:
    wrong = [{**START, "params": {"sed": 1}}] * 200
    error = assert_refused(
        client.post("/runs/batch", json=batch(account, *wrong)), 400, "input_validation_error"
    )
    assert len(error["fields"]) == 100
    assert error["fields"][99]["field"] == "starts[99].params.sed"


@pytest.mark.parametrize("count", [0, 201])
def test_the_number_of_starts_is_bounded(client: Client, account: Account, count: int) -> None:
    assert set(rejected_fields(send(client, account, count))) == {"starts"}


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"starts": None}, "starts"),
        ({"starts": {"0": START}}, "starts"),
        ({"starts": [START, "a fern"]}, "starts[1]"),
        ({"max_parallel": 0}, "max_parallel"),
        ({"max_parallel": 201}, "max_parallel"),
        ({"max_parallel": "2"}, "max_parallel"),
        ({"max_parallel": 2.0}, "max_parallel"),
        ({"max_parallel": True}, "max_parallel"),
        ({"prompt": "for all of them"}, "prompt"),
        ({"project_id": "project"}, "project_id"),
    ],
)
def test_wrong_fields_of_the_batch_are_named(
    client: Client, account: Account, more: dict[str, Any], field: str
) -> None:
    answer = client.post("/runs/batch", json={**batch(account, START), **more})
    assert set(rejected_fields(answer)) == {field}


def test_a_batch_stays_in_its_workspace(api_only: Application, client: Client, account: Account) -> None:
    other = api_only.account()
    elsewhere: list[dict[str, Any]] = [
        {"project_id": other.project_id},
        {"project_id": "prj_none"},
        {"workspace_id": other.workspace_id},
        {"workspace_id": other.workspace_id, "project_id": other.project_id},
    ]
    before = everything(api_only)
    for change in elsewhere:
        answer = client.post("/runs/batch", json={**batch(account, START), **change})
        assert_refused(answer, 404, "not_found")
    started = client.post("/runs/batch", json=batch(account, START)).json()["run_id"]
    for path in (f"/runs/{started}", f"/runs/{started}/cancel", f"/runs/{started}/rerun"):
        method = "GET" if path.count("/") == 2 else "POST"
        answer = api_only.client(other.api_key).request(method, path)
        assert_refused(answer, 404, "not_found")
    assert len(everything(api_only)["runs"]) == len(before["runs"]) + 2


def test_viewers_start_and_cancel_no_batch(api_only: Application, client: Client, account: Account) -> None:
    viewer = api_only.client(api_only.key(account, role="viewer").api_key)
    started = send(client, account, 2).json()["run_id"]
    before = everything(api_only)
    assert_refused(send(viewer, account, 2), 403, "forbidden")
    assert_refused(viewer.post(f"/runs/{started}/cancel"), 403, "forbidden")
    assert_refused(viewer.post(f"/runs/{started}/rerun"), 403, "forbidden")
    assert everything(api_only) == before
    assert viewer.get(f"/runs/{started}").json()["type"] == "batch"


def test_the_credits_must_cover_the_whole_batch(api_only: Application) -> None:
    account = api_only.account(credits=(3 * PRICE - 1) / 1e6)
    client = api_only.client(account.api_key)
    before = everything(api_only)
    answer = send(client, account, 3, **KEY)
    assert_refused(answer, 402, "insufficient_credits")
    assert limits(answer) == (600, 600)
    assert everything(api_only) == before
    with api_only.services.database.transaction() as tx:
        ledger.grant(tx, account.workspace_id, 1)
    assert send(client, account, 3, **KEY).status_code == 201
    assert balance(api_only, account) == 0


def test_the_keys_cap_must_cover_the_whole_batch(api_only: Application, account: Account) -> None:
    key = api_only.key(account, spending_cap_micros=3 * PRICE - 1)
    client = api_only.client(key.api_key)
    before = everything(api_only)
    refused = assert_refused(send(client, account, 3), 402, "insufficient_credits")
    assert "spending cap" in refused["message"]
    assert everything(api_only) == before
    assert send(client, account, 2).status_code == 201
    with api_only.services.database.transaction() as tx:
        spent = {one.key_id: one.spent_micros for one in accounts.list_keys(tx, account.workspace_id)}
    assert spent[key.key_id] == 2 * PRICE


def test_a_batch_counts_as_so_many_starts(api_only: Application) -> None:
    account = api_only.account(rate_limit=6)
    client = api_only.client(account.api_key)
    assert limits(send(client, account, 4)) == (6, 2)
    before = everything(api_only)
    refused = send(client, account, 5)
    assert_refused(refused, 429, "rate_limited")
    assert limits(refused) == (6, 2)
    assert everything(api_only) == before
    # A start becomes free every ten seconds, and three are missing.
    seconds = int(refused.headers["retry-after"])
    assert 20 < seconds <= 30
    pass_time(api_only, account, seconds)
    assert send(client, account, 5).status_code == 201


def pass_time(application: Application, account: Account, seconds: int) -> None:
    """Let the workspace's rate be as it is so many seconds later."""
    mine = ledger.balances.c.workspace_id == account.workspace_id
    full_at = ledger.balances.c.starts_full_at - seconds * 1_000_000
    with application.services.database.transaction() as tx:
        tx.execute(sa.update(ledger.balances).where(mine).values(starts_full_at=full_at))


def test_a_batch_larger_than_the_limit_would_never_start(api_only: Application) -> None:
    account = api_only.account(rate_limit=6)
    client = api_only.client(account.api_key)
    answer = send(client, account, 7)
    assert rejected_fields(answer) == {
        "starts": "7 runs are more than the 6 that this workspace may start per minute"
    }
    assert limits(answer) == (6, 6)
    assert limits(send(client, account, 6)) == (6, 0)


@pytest.mark.parametrize("spent", ["rate", "credits", "cap"])
def test_an_unknown_project_is_reported_before_what_is_spent(api_only: Application, spent: str) -> None:
    account = api_only.account(rate_limit=2, credits=0 if spent == "credits" else 100)
    client = api_only.client(account.api_key)
    if spent == "rate":
        assert send(client, account, 2).status_code == 201
    if spent == "cap":
        client = api_only.client(api_only.key(account, spending_cap_micros=0).api_key)
    answer = client.post("/runs/batch", json={**batch(account, START, START), "project_id": "prj_none"})
    assert_refused(answer, 404, "not_found")


def test_a_duplicate_is_told_of_the_batch(client: Client, account: Account) -> None:
    started = send(client, account, 2, **KEY).json()
    duplicate = send(client, account, 3, **KEY)
    assert_refused(duplicate, 409, "idempotency_duplicate")
    assert duplicate.headers["location"] == started["poll_url"]
    assert len(listed(client, "/generations", "generations")) == 2
    # A batch is another operation than a single start.
    assert client.post("/generate", json=account.body(), headers=KEY).status_code == 201
