"""What a run shows: what was asked for, who started it, its place in the queue; and priorities."""

from typing import Any

import pytest
import sqlalchemy as sa

from support.application import Application, Client
from support.envelope import rejected_fields
from support.server import Account
from terrarium_server import accounts

from .manual_worker import ManualWorker

TEXT = {"type": "text", "prompt": "a fern", "model": "t2t-rehearsal"}
# Fields that FLORA's runs have too, while they are pending.
FLORAS = {"run_id", "status", "progress", "created_at", "charged_cost", "poll_url"}
OURS = {"type", "project_id", "prompt", "model", "params", "seed", "priority", "actor"}
WAITING = {"queue_position", "estimated_start_seconds"}


@pytest.fixture
def account(api_only: Application) -> Account:
    return api_only.account()


@pytest.fixture
def client(api_only: Application, account: Account) -> Client:
    return api_only.client(account.api_key)


@pytest.fixture
def worker(api_only: Application) -> ManualWorker:
    """A worker, after everything that other tests have left has ended."""
    manual = ManualWorker(api_only)
    manual.end_all()
    return manual


def start(application: Application, account: Account, **body: Any) -> str:
    """Start a run and return its id."""
    target = {"workspace_id": account.workspace_id, "project_id": account.project_id}
    client = application.client(account.api_key)
    return client.post("/generate", json={**target, **TEXT, **body}).raise_for_status().json()["run_id"]


def shown(application: Application, account: Account, run_id: str) -> dict[str, Any]:
    return application.client(account.api_key).get(f"/runs/{run_id}").raise_for_status().json()


def test_a_run_shows_what_was_asked_for(api_only: Application, account: Account) -> None:
    key = api_only.key(account)
    mine = Account(account.workspace_id, account.project_id, key.api_key)
    params = {"aspect_ratio": "landscape_16_9", "seed": 7}
    run_id = start(
        api_only, mine, type="image", model="t2i-sketch", prompt="a mug", params=params, priority=2
    )
    run = shown(api_only, account, run_id)
    assert set(run) == FLORAS | OURS | WAITING
    assert {name: run[name] for name in OURS} == {
        "type": "generation",
        "project_id": account.project_id,
        "prompt": "a mug",
        "model": {"model_id": "t2i-sketch"},
        "params": {
            "aspect_ratio": "16:9",
            "resolution": "1k",
            "seed": 7,
            "num_images": 1,
            "style": "auto",
        },
        "seed": 7,
        "priority": 2,
        "actor": f"key:{key.key_id}",
    }


def test_a_run_without_a_seed_shows_the_one_that_is_used(api_only: Application, account: Account) -> None:
    runs = [shown(api_only, account, start(api_only, account)) for _ in range(3)]
    assert len({run["seed"] for run in runs}) == 3
    assert all(0 <= run["seed"] < 2**48 and "seed" not in run["params"] for run in runs)


def test_the_default_model_is_named(api_only: Application, account: Account) -> None:
    run = shown(api_only, account, start(api_only, account, model=None))
    assert run["model"] == {"model_id": "t2t-sketch"}


def test_what_was_asked_for_stays_until_the_end(
    api_only: Application, account: Account, worker: ManualWorker
) -> None:
    run_id = start(api_only, account)
    before = shown(api_only, account, run_id)
    [run] = worker.claim()
    running = shown(api_only, account, run_id)
    assert set(running) == FLORAS | OURS | {"started_at"}
    worker.complete(run)
    completed = shown(api_only, account, run_id)
    assert set(completed) == FLORAS | OURS | {"started_at", "completed_at", "outputs"}
    for name in OURS:
        assert before[name] == running[name] == completed[name]


def test_the_history_shows_what_it_showed_before(api_only: Application, account: Account) -> None:
    start(api_only, account)
    [row] = api_only.client(account.api_key).get("/generations").json()["generations"]
    assert set(row) == FLORAS | {"generation_id", "workspace_id", "project_id", "model"}


def position(application: Application, account: Account, run_id: str) -> tuple[int | None, int | None]:
    run = shown(application, account, run_id)
    return run.get("queue_position"), run.get("estimated_start_seconds")


def test_a_pending_run_shows_its_place_among_those_of_its_workspace(
    api_only: Application, account: Account, worker: ManualWorker
) -> None:
    run_ids = [start(api_only, account) for _ in range(3)]
    assert [position(api_only, account, run_id)[0] for run_id in run_ids] == [0, 1, 2]
    urgent = start(api_only, account, priority=1)
    assert [position(api_only, account, run_id)[0] for run_id in (urgent, *run_ids)] == [0, 1, 2, 3]
    assert [run.run_id for run in worker.claim()] == [urgent, *run_ids]
    for run_id in run_ids:
        assert position(api_only, account, run_id) == (None, None)


def test_workspaces_take_turns(api_only: Application, worker: ManualWorker) -> None:
    first, second, third = (api_only.account() for _ in range(3))
    many = [start(api_only, first) for _ in range(4)]
    two = [start(api_only, second) for _ in range(2)]
    one = start(api_only, third)
    queue = [(first, many[0]), (second, two[0]), (third, one), (first, many[1]), (second, two[1])]
    queue += [(first, many[2]), (first, many[3])]
    assert [position(api_only, account, run_id)[0] for account, run_id in queue] == [*range(7)]
    assert [run.run_id for run in worker.claim()] == [run_id for _, run_id in queue]


def test_runs_of_other_engines_do_not_count(
    api_only: Application, account: Account, worker: ManualWorker
) -> None:
    for _ in range(3):
        start(api_only, account, model="t2t-sketch")
    assert position(api_only, account, start(api_only, account))[0] == 0


def test_the_estimate_follows_from_the_position_and_what_runs(
    api_only: Application, account: Account, worker: ManualWorker
) -> None:
    # Each of these takes about a second. As many as run now run at a time, and those are half done.
    run_ids = [start(api_only, account) for _ in range(5)]
    assert [position(api_only, account, run_id) for run_id in run_ids] == [
        (place, place) for place in range(5)
    ]
    worker.claim()
    later = [start(api_only, account) for _ in range(7)]
    assert position(api_only, account, later[0]) == (0, 1)
    assert position(api_only, account, later[4]) == (4, 1)
    assert position(api_only, account, later[5]) == (5, 2)


def test_a_run_of_a_batch_that_waits_for_its_place_has_no_position(
    api_only: Application, client: Client, account: Account, worker: ManualWorker
) -> None:
    target = {"workspace_id": account.workspace_id, "project_id": account.project_id}
    body = {**target, "starts": [TEXT] * 3, "max_parallel": 1}
    batch = client.post("/runs/batch", json=body).raise_for_status().json()
    places = [position(api_only, account, run["run_id"])[0] for run in batch["runs"]]
    assert places == [0, None, None]
    assert WAITING & set(client.get(f"/runs/{batch['run_id']}").json()) == set()


def test_runs_of_a_higher_priority_start_first(
    api_only: Application, client: Client, account: Account, worker: ManualWorker
) -> None:
    started = {priority: start(api_only, account, priority=priority) for priority in (0, -10, 10, 3, -1)}
    target = {"workspace_id": account.workspace_id, "project_id": account.project_id}
    body = {**target, "starts": [TEXT, TEXT], "priority": 5}
    batch = client.post("/runs/batch", json=body).raise_for_status().json()["runs"]
    in_order = [started[10], *(run["run_id"] for run in batch), *(started[each] for each in (3, 0, -1, -10))]
    assert [run.run_id for run in worker.claim()] == in_order


def cap(application: Application, account: Account, max_priority: int | None) -> None:
    with application.services.database.transaction() as tx:
        mine = accounts.workspaces.c.workspace_id == account.workspace_id
        tx.execute(sa.update(accounts.workspaces).where(mine).values(max_priority=max_priority))


def test_the_owner_caps_the_priorities_of_a_workspace(
    api_only: Application, client: Client, account: Account
) -> None:
    before = start(api_only, account, priority=10)
    cap(api_only, account, 2)
    run_ids = [start(api_only, account, priority=priority) for priority in (10, 2, 1, -3)]
    target = {"workspace_id": account.workspace_id, "project_id": account.project_id}
    body = {**target, "starts": [TEXT], "priority": 9}
    run_ids.append(client.post("/runs/batch", json=body).json()["runs"][0]["run_id"])
    run_ids.append(client.post(f"/runs/{before}/rerun").json()["run_id"])
    assert [shown(api_only, account, run_id)["priority"] for run_id in run_ids] == [2, 2, 1, -3, 2, 2]
    assert shown(api_only, account, before)["priority"] == 10
    # The default counts too: a workspace may be put behind all others of its own.
    cap(api_only, account, -5)
    assert shown(api_only, account, start(api_only, account))["priority"] == -5
    cap(api_only, account, None)
    assert shown(api_only, account, start(api_only, account, priority=10))["priority"] == 10


@pytest.mark.parametrize("priority", [11, -11, 1.0, 0.5, "1", True, [], 10**400])
def test_a_wrong_priority_is_named_by_every_start(
    api_only: Application, client: Client, account: Account, priority: object
) -> None:
    run_id = start(api_only, account)
    body = {"workspace_id": account.workspace_id, "project_id": account.project_id}
    starts = [
        ("/generate", {**body, **TEXT}),
        ("/runs/generation", {**body, **TEXT}),
        ("/runs/estimate", {**body, **TEXT}),
        ("/runs/batch", {**body, "starts": [TEXT]}),
        (f"/runs/{run_id}/rerun", {}),
    ]
    for path, whole in starts:
        answer = client.post(path, json={**whole, "priority": priority})
        assert set(rejected_fields(answer)) == {"priority"}, path
