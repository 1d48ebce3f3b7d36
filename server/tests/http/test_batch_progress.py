"""How a batch goes: its steps, its end, partial failures, cancelling, waiting for it."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from support.application import Application, Client
from support.server import DEADLINE, Account, finished
from terrarium_server import accounts, ledger
from terrarium_server.runs import Run

from .manual_worker import ManualWorker
from .waiting_request import WAIT, WaitingRequest

START = {"type": "text", "prompt": "a fern", "model": "t2t-rehearsal"}
PRICE = 250_000


@pytest.fixture
def account(api_only: Application) -> Account:
    return api_only.account(credits=2.0)


@pytest.fixture
def client(api_only: Application, account: Account) -> Client:
    return api_only.client(account.api_key)


@pytest.fixture
def worker(api_only: Application) -> ManualWorker:
    return ManualWorker(api_only)


def start(client: Client, account: Account, *starts: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Start a batch and return the answer."""
    target = {"workspace_id": account.workspace_id, "project_id": account.project_id}
    body = {**target, "starts": list(starts), **more}
    return client.post("/runs/batch", json=body).raise_for_status().json()


def get(client: Client, started: dict[str, Any]) -> dict[str, Any]:
    return client.get(f"/runs/{started['run_id']}").raise_for_status().json()


def counts(run: dict[str, Any]) -> dict[str, int]:
    """The counts of a batch that are not 0."""
    return {state: count for state, count in run["counts"].items() if count}


def claimed(worker: ManualWorker, started: dict[str, Any]) -> list[Run]:
    """Claim what is ready; return what belongs to this batch."""
    return [run for run in worker.claim() if run.root_run_id == started["run_id"]]


def balance(application: Application, account: Account) -> int:
    with application.services.database.transaction() as tx:
        assert ledger.check(tx) == []
        return ledger.read_balance(tx, account.workspace_id)


def test_a_batch_is_followed_from_its_start_to_its_end(
    client: Client, account: Account, worker: ManualWorker
) -> None:
    started = start(client, account, *[{**START, "prompt": f"fern {number}"} for number in range(3)])
    run = get(client, started)
    assert (run["type"], run["status"], run["progress"]) == ("batch", "pending", 0)
    assert run["charged_cost"] == 0.75
    assert {"started_at", "completed_at", "outputs", "prompt", "model", "seed"} & set(run) == set()
    assert run["counts"] == {"pending": 3, "running": 0, "completed": 0, "failed": 0, "skipped": 0}
    assert run["steps"] == [
        {
            "step": f"starts[{number}]",
            "run_id": member["run_id"],
            "status": "pending",
            "progress": 0,
            "type": "text",
            "model": {"model_id": "t2t-rehearsal"},
            "charged_cost": 0.25,
        }
        for number, member in enumerate(started["runs"])
    ]

    first, second, third = claimed(worker, started)
    run = get(client, started)
    assert (run["status"], counts(run)) == ("running", {"running": 3})
    assert run["started_at"] == first.started_at

    worker.complete(second)
    worker.show(third, 40)
    run = get(client, started)
    assert (run["status"], counts(run)) == ("running", {"running": 2, "completed": 1})
    assert [step["progress"] for step in run["steps"]] == [0, 100, 40]
    assert run["progress"] == 46
    member = client.get(f"/runs/{second.run_id}").json()
    assert (member["status"], member["outputs"][0]["url"]) == ("completed", "a fern")

    worker.complete(first)
    worker.complete(third)
    run = get(client, started)
    assert (run["status"], run["progress"], counts(run)) == ("completed", 100, {"completed": 3})
    assert run["created_at"] <= run["started_at"] == first.started_at <= run["completed_at"]
    assert run["charged_cost"] == 0.75
    assert "error_code" not in run


def test_progress_is_weighted_by_what_each_run_takes(
    client: Client, account: Account, worker: ManualWorker
) -> None:
    # The picture takes two seconds, a text one.
    started = start(client, account, START, {"type": "image", "prompt": "a mug"}, START)
    first, _ = claimed(worker, started)
    worker.complete(first)
    assert get(client, started)["progress"] == 25


def test_the_members_are_rows_of_the_history(client: Client, account: Account, worker: ManualWorker) -> None:
    started = start(client, account, *[START] * 4)
    mine = claimed(worker, started)
    worker.complete(mine[0])
    worker.fail(mine[1])
    start(client, account, START)

    def listed(status: str) -> list[str]:
        rows = client.get("/generations", params={"status": status}).json()["generations"]
        return [row["run_id"] for row in rows]

    run_ids = [run["run_id"] for run in started["runs"]]
    assert listed("completed") == [run_ids[0]]
    assert listed("failed") == [run_ids[1]]
    assert listed("running") == [run_ids[3], run_ids[2]]
    assert len(listed("pending")) == 1
    assert len(listed("")) == 5
    rows = {row["run_id"]: row for row in client.get("/generations").json()["generations"]}
    assert [rows[run_id]["charged_cost"] for run_id in run_ids] == [0.25, 0, 0.25, 0.25]


def test_what_fails_is_reported_and_only_what_completes_is_charged(application: Application) -> None:
    account = application.account(credits=2.0)
    key = application.key(account, spending_cap_micros=2_000_000)
    client = application.client(key.api_key)
    outcomes = ["completed", "moderated", "failed", "completed", "refused"]
    started = start(client, account, *[{**START, "params": {"outcome": outcome}} for outcome in outcomes])
    run = finished(client, started["run_id"])
    assert (run["status"], run["progress"], run["charged_cost"]) == ("completed", 100, 0.5)
    assert counts(run) == {"completed": 2, "failed": 3}
    assert "error_code" not in run
    assert [step["status"] for step in run["steps"]] == [
        "completed",
        "failed",
        "failed",
        "completed",
        "failed",
    ]
    assert [step.get("error_code") for step in run["steps"]] == [
        None,
        "GENERATION_PROMPT_MODERATED",
        "GENERATION_GENERIC_ERROR",
        None,
        "GENERATION_INVALID_PARAMS",
    ]
    assert [step["charged_cost"] for step in run["steps"]] == [0.25, 0, 0, 0.25, 0]
    for step in run["steps"]:
        member = client.get(f"/runs/{step['run_id']}").json()
        assert member["batch_id"] == started["run_id"]
        assert {name: member.get(name) for name in ("status", "error_message", "charged_cost")} == {
            name: step.get(name) for name in ("status", "error_message", "charged_cost")
        }
    assert balance(application, account) == 1_500_000
    with application.services.database.transaction() as tx:
        spent = {one.key_id: one.spent_micros for one in accounts.list_keys(tx, account.workspace_id)}
    assert spent[key.key_id] == 500_000
    # Only completed ones show a picture or a text on the canvas.
    nodes = client.get(f"/projects/{account.project_id}/nodes").json()["nodes"]
    assert [node["url"] is not None for node in nodes] == [outcome == "completed" for outcome in outcomes]


def test_a_batch_of_which_nothing_completes_fails_as_its_first_run(
    api_only: Application, client: Client, account: Account, worker: ManualWorker
) -> None:
    started = start(client, account, START, START)
    first, second = claimed(worker, started)
    worker.fail(second, "GENERATION_GENERIC_ERROR")
    assert get(client, started)["status"] == "running"
    worker.fail(first, "GENERATION_PROMPT_MODERATED")
    run = get(client, started)
    assert (run["status"], run["error_code"]) == ("failed", "GENERATION_PROMPT_MODERATED")
    assert run["error_message"].startswith("None of the 2 runs completed.")
    assert (run["charged_cost"], run["progress"], counts(run)) == (0, 100, {"failed": 2})
    assert balance(api_only, account) == 2_000_000


def test_cancelling_a_batch_ends_what_has_not_ended(
    api_only: Application, client: Client, account: Account, worker: ManualWorker
) -> None:
    started = start(client, account, *[START] * 4, max_parallel=2)
    done, running = claimed(worker, started)
    worker.complete(done)
    cancelled = client.post(f"/runs/{started['run_id']}/cancel")
    assert cancelled.status_code == 200
    run = cancelled.json()
    assert (run["status"], run["error_code"]) == ("failed", "GENERATION_CANCELLED")
    assert (run["charged_cost"], counts(run)) == (0.25, {"completed": 1, "failed": 3})
    assert [step.get("error_code") for step in run["steps"]] == [None, *["GENERATION_CANCELLED"] * 3]
    assert balance(api_only, account) == 2_000_000 - PRICE
    # Cancelling again changes nothing, and nothing of it starts any more.
    assert client.post(f"/runs/{started['run_id']}/cancel").json() == run == get(client, started)
    assert claimed(worker, started) == []
    assert client.get(f"/runs/{running.run_id}").json()["status"] == "failed"


def test_cancelling_one_run_leaves_the_others(
    api_only: Application, client: Client, account: Account, worker: ManualWorker
) -> None:
    started = start(client, account, *[START] * 3)
    run_ids = [run["run_id"] for run in started["runs"]]
    assert client.post(f"/runs/{run_ids[1]}/cancel").json()["status"] == "failed"
    run = get(client, started)
    assert (run["status"], counts(run)) == ("pending", {"pending": 2, "failed": 1})
    for one in worker.claim():
        if one.run_id in run_ids:
            worker.complete(one)
    run = get(client, started)
    assert (run["status"], run["charged_cost"]) == ("completed", 0.5)
    assert run["steps"][1]["error_code"] == "GENERATION_CANCELLED"
    assert balance(api_only, account) == 2_000_000 - 2 * PRICE


def test_cancelling_each_run_ends_the_batch(api_only: Application, client: Client, account: Account) -> None:
    started = start(client, account, START, START)
    for run in started["runs"]:
        client.post(f"/runs/{run['run_id']}/cancel").raise_for_status()
    run = get(client, started)
    assert (run["status"], run["error_code"]) == ("failed", "GENERATION_CANCELLED")
    assert "started_at" not in run
    assert balance(api_only, account) == 2_000_000


def test_cancelling_a_batch_stops_its_work(application: Application) -> None:
    account = application.account(credits=2.0)
    client = application.client(account.api_key)
    slow = {**START, "params": {"seconds": 60}}
    started = start(client, account, *[slow] * 3)
    deadline = time.monotonic() + DEADLINE
    while counts(get(client, started)) != {"running": 3}:
        assert time.monotonic() < deadline
    assert client.post(f"/runs/{started['run_id']}/cancel").json()["error_code"] == "GENERATION_CANCELLED"
    assert balance(application, account) == 2_000_000
    # Their places at the worker are free again.
    after = client.post("/generate", json=account.body(model="t2t-rehearsal"), headers={"prefer": "wait=30"})
    assert after.json()["run"]["status"] == "completed"


def test_starts_and_cancels_at_the_same_time_do_not_disturb_each_other(api_only: Application) -> None:
    account = api_only.account(credits=100.0)
    client = api_only.client(account.api_key)

    def work(number: int) -> list[int]:
        batch = start(client, account, *[START] * 5, max_parallel=2)
        answers = [
            client.post(f"/runs/{batch['runs'][number % 5]['run_id']}/cancel"),
            client.post(f"/runs/{batch['run_id']}/rerun"),
            client.post("/generate", json=account.body(model="t2t-rehearsal")),
            client.post(f"/runs/{batch['run_id']}/cancel"),
        ]
        return [answer.status_code for answer in answers]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(24))) == [[200, 201, 201, 200]] * 24
    # Those that were started again and the single ones are pending.
    assert balance(api_only, account) == 100_000_000 - 24 * 6 * PRICE


def test_no_more_than_max_parallel_run_at_a_time(application: Application) -> None:
    account = application.account()
    client = application.client(account.api_key)
    starts = [{**START, "params": {"seconds": 0.05 * (number % 3)}} for number in range(12)]
    # One is moderated, so that a failure passes its place on too.
    starts[3] = {**START, "params": {"outcome": "moderated"}}
    started = start(client, account, *starts, max_parallel=3)
    seen: set[int] = set()
    deadline = time.monotonic() + DEADLINE
    while (run := get(client, started))["status"] not in ("completed", "failed"):
        seen.add(run["counts"]["running"])
        assert time.monotonic() < deadline
    assert max(seen, default=0) <= 3
    assert counts(run) == {"completed": 11, "failed": 1}


def test_the_next_run_may_start_when_another_ends(
    client: Client, account: Account, worker: ManualWorker
) -> None:
    started = start(client, account, *[START] * 5, max_parallel=2)
    run_ids = [run["run_id"] for run in started["runs"]]
    first, second = claimed(worker, started)
    assert [first.run_id, second.run_id] == run_ids[:2]
    assert claimed(worker, started) == []
    worker.fail(second)
    [third] = claimed(worker, started)
    # A run that waits for its place may be cancelled, and one that could start gives its place to the next.
    assert client.post(f"/runs/{run_ids[3]}/cancel").is_success
    assert claimed(worker, started) == []
    worker.complete(first)
    worker.complete(third)
    [fifth] = claimed(worker, started)
    assert [third.run_id, fifth.run_id] == [run_ids[2], run_ids[4]]
    worker.complete(fifth)
    assert get(client, started)["status"] == "completed"


def test_a_start_that_waits_is_answered_with_the_finished_batch(application: Application) -> None:
    account = application.account()
    client = application.client(account.api_key)
    target = {"workspace_id": account.workspace_id, "project_id": account.project_id}
    body = {**target, "starts": [{**START, "params": {"seconds": 0.2}}, START]}
    answer = client.post("/runs/batch", json=body, headers={"prefer": "wait=30"})
    assert (answer.status_code, answer.headers["preference-applied"]) == (201, "wait=30")
    reply = answer.json()
    run = reply.pop("run")
    assert (run["status"], counts(run)) == ("completed", {"completed": 2})
    assert run == get(client, reply)
    assert set(reply) == set(start(client, account, START))


def test_a_request_that_waits_is_answered_at_the_end_of_the_batch(application: Application) -> None:
    account = application.account()
    client = application.client(account.api_key)
    started = start(client, account, {**START, "params": {"seconds": 0.3}}, START)
    answer = client.get(f"/runs/{started['run_id']}", headers=WAIT)
    assert (answer.json()["status"], counts(answer.json())) == ("completed", {"completed": 2})


def test_waiting_with_a_tag_ends_at_every_change_of_a_member(
    api_only: Application,
    client: Client,
    account: Account,
    worker: ManualWorker,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started = start(client, account, START, START)
    mine: list[Run] = []
    changes: list[Callable[[], object]] = [
        lambda: mine.extend(claimed(worker, started)),
        lambda: worker.show(mine[0], 50),
        lambda: worker.complete(mine[0]),
        lambda: client.post(f"/runs/{mine[1].run_id}/cancel"),
    ]
    tag = client.get(f"/runs/{started['run_id']}").headers["etag"]
    shown: list[dict[str, int]] = []
    with ThreadPoolExecutor(1) as pool:
        for change in changes:
            headers = {"if-none-match": tag}
            waiting = WaitingRequest(api_only, pool, monkeypatch, client, started["run_id"], **headers)
            change()
            answer = waiting.result()
            assert answer.headers["etag"] != tag
            tag = answer.headers["etag"]
            shown.append(counts(answer.json()))
    assert shown == [
        {"running": 2},
        {"running": 2},
        {"running": 1, "completed": 1},
        {"completed": 1, "failed": 1},
    ]
    unchanged = client.get(f"/runs/{started['run_id']}", headers={"if-none-match": tag})
    assert unchanged.status_code == 304
