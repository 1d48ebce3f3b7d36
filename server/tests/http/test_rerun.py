"""Starting a run again: exactly, with the same seed, or with changes."""

from typing import Any

import httpx
import pytest

from support.application import Application, Client
from support.envelope import assert_refused, rejected_fields
from support.server import Account, finished
from terrarium_server import runs

from .manual_worker import ManualWorker

PICTURE = {"type": "image", "prompt": "a mug", "model": "t2i-sketch"}
SMALL = {"resolution": "0.5k"}
TEXT = {"type": "text", "prompt": "a fern", "model": "t2t-rehearsal"}
ASKED = ("type", "project_id", "prompt", "model", "params", "seed", "priority")
JSON = {"content-type": "application/json"}


@pytest.fixture
def account(api_only: Application) -> Account:
    return api_only.account()


@pytest.fixture
def client(api_only: Application, account: Account) -> Client:
    return api_only.client(account.api_key)


def start(client: Client, account: Account, body: dict[str, Any], **params: Any) -> str:
    """Start a run and return its id."""
    target = {"workspace_id": account.workspace_id, "project_id": account.project_id}
    answer = client.post("/generate", json={**target, **body, "params": params})
    return answer.raise_for_status().json()["run_id"]


def rerun(client: Client, run_id: str, **changes: Any) -> dict[str, Any]:
    """Start a run again and return the new one."""
    answer = client.post(f"/runs/{run_id}/rerun", json=changes)
    assert answer.status_code == 201, answer.text
    assert answer.json()["run_id"] != run_id
    return client.get(f"/runs/{answer.json()['run_id']}").json()


def asked(run: dict[str, Any]) -> dict[str, Any]:
    """What was asked for."""
    return {name: run[name] for name in ASKED}


def shown(client: Client, run_id: str) -> dict[str, Any]:
    return client.get(f"/runs/{run_id}").raise_for_status().json()


def test_the_same_run_gives_the_same_output(application: Application) -> None:
    account = application.account()
    client = application.client(account.api_key)
    sketched = {"type": "text", "prompt": "a lighthouse in a storm", "model": "t2t-sketch"}
    for seed in ({}, {"seed": 42}):
        first = finished(client, start(client, account, sketched, **seed))
        again = finished(client, rerun(client, first["run_id"])["run_id"])
        assert asked(again) == asked(first)
        assert again["outputs"][0]["url"] == first["outputs"][0]["url"]


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"aspect_ratio": "landscape_16_9", "resolution": 512, "style": "watercolour"},
        {"num_images": 2.0, "seed": 2**53 - 1},
    ],
)
def test_a_run_is_repeated_as_it_was(client: Client, account: Account, params: dict[str, Any]) -> None:
    first = shown(client, start(client, account, PICTURE, **params))
    again = rerun(client, first["run_id"])
    assert asked(again) == asked(first)
    assert again["charged_cost"] == first["charged_cost"]
    # A repeated one can be repeated too.
    assert asked(rerun(client, again["run_id"])) == asked(first)


@pytest.mark.parametrize("content", [b"", b"{}", b"null"])
def test_the_body_may_be_left_out(client: Client, account: Account, content: bytes) -> None:
    run_id = start(client, account, TEXT)
    headers = JSON if content else {}
    answer = client.post(f"/runs/{run_id}/rerun", content=content, headers=headers)
    assert answer.status_code == 201
    started = answer.json()
    assert asked(shown(client, started["run_id"])) == asked(shown(client, run_id))
    # It is answered as the first start was.
    body = {"workspace_id": account.workspace_id, "project_id": account.project_id, **TEXT}
    first = client.post("/generate", json=body).json()
    own = {"run_id", "poll_url"}
    assert {name: started[name] for name in set(started) - own} == {
        name: first[name] for name in set(first) - own
    }


@pytest.mark.parametrize(
    ("changes", "different"),
    [
        ({"prompt": "a cup"}, {"prompt": "a cup"}),
        ({"priority": -4}, {"priority": -4}),
        (
            {"params": {"style": "neon", "num_images": 3}},
            {"params": {"style": "neon", "num_images": 3, "aspect_ratio": "16:9", "resolution": "0.5k"}},
        ),
        # A parameter that is null is removed, so that it has its default again.
        (
            {"params": {"aspect_ratio": None}},
            {"params": {"aspect_ratio": "1:1", "resolution": "0.5k", "num_images": 1, "style": "auto"}},
        ),
        ({"prompt": None, "model": None, "params": None, "priority": None}, {}),
    ],
)
def test_what_is_changed_is_different_and_the_rest_is_the_same(
    client: Client, account: Account, changes: dict[str, Any], different: dict[str, Any]
) -> None:
    first = shown(client, start(client, account, PICTURE, **SMALL, aspect_ratio="16:9"))
    assert asked(rerun(client, first["run_id"], **changes)) == {**asked(first), **different}


@pytest.mark.parametrize("body", [PICTURE, TEXT], ids=["a seed parameter", "no seed parameter"])
def test_a_seed_that_is_null_gives_a_new_one(client: Client, account: Account, body: dict[str, Any]) -> None:
    first = shown(client, start(client, account, body))
    seeds = {rerun(client, first["run_id"], params={"seed": None})["seed"] for _ in range(3)}
    assert len(seeds) == 3 and first["seed"] not in seeds


def test_a_given_seed_is_replaced(client: Client, account: Account) -> None:
    first = start(client, account, PICTURE, seed=42)
    again = rerun(client, first, params={"seed": 43})
    assert (again["seed"], again["params"]["seed"]) == (43, 43)
    new = rerun(client, first, params={"seed": None})
    assert new["seed"] not in (42, 43) and "seed" not in new["params"]


def test_another_model_takes_the_parameters_that_it_has(client: Client, account: Account) -> None:
    first = shown(client, start(client, account, TEXT, seconds=3, outcome="failed"))
    spare = rerun(client, first["run_id"], model="t2t-spare")
    assert (spare["model"], spare["params"]) == ({"model_id": "t2t-spare"}, {})
    assert (spare["prompt"], spare["seed"]) == (first["prompt"], first["seed"])
    assert spare["charged_cost"] == 0.01
    named = rerun(client, spare["run_id"], model="t2t-rehearsal", params={"seconds": 2})
    assert named["params"] == {"outcome": "completed", "seconds": 2}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"params": {"sed": 1}}, "params.sed"),
        ({"params": {"sed": None}}, "params.sed"),
        ({"params": {"num_images": 9}}, "params.num_images"),
        ({"params": {"seed": -1}}, "params.seed"),
        ({"params": [1]}, "params"),
        ({"model": "t2t-rehearsal"}, "model"),
        ({"model": "none"}, "model"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": "a\0b"}, "prompt"),
        ({"prompt": "x" * 20_001}, "prompt"),
        ({"priority": 11}, "priority"),
        ({"type": "text"}, "type"),
        ({"project_id": "prj_1"}, "project_id"),
        ({"run_id": "run_1"}, "run_id"),
    ],
)
def test_a_wrong_change_is_named(
    client: Client, account: Account, changes: dict[str, Any], field: str
) -> None:
    run_id = start(client, account, PICTURE)
    answer = client.post(f"/runs/{run_id}/rerun", json=changes)
    assert set(rejected_fields(answer)) == {field}
    assert len(client.get("/generations").json()["generations"]) == 1


@pytest.mark.parametrize("content", [b"{", b"[]", b'"again"', b"5", b"\xff"])
def test_an_invalid_body_is_refused(client: Client, account: Account, content: bytes) -> None:
    run_id = start(client, account, TEXT)
    answer = client.post(f"/runs/{run_id}/rerun", content=content, headers=JSON)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in ("input_validation_error", "invalid_json")


def test_other_workspaces_and_viewers_repeat_nothing(
    api_only: Application, client: Client, account: Account
) -> None:
    run_id = start(client, account, TEXT)
    other = api_only.client(api_only.account().api_key)
    assert_refused(other.post(f"/runs/{run_id}/rerun"), 404, "not_found")
    assert_refused(client.post("/runs/run_none/rerun"), 404, "not_found")
    viewer = api_only.client(api_only.key(account, role="viewer").api_key)
    for changes in ({}, {"model": "none"}):
        assert_refused(viewer.post(f"/runs/{run_id}/rerun", json=changes), 403, "forbidden")


def test_a_run_in_any_state_is_repeated(api_only: Application, client: Client, account: Account) -> None:
    worker = ManualWorker(api_only)
    completed, failed, cancelled, running = (start(client, account, TEXT) for _ in range(4))
    client.post(f"/runs/{cancelled}/cancel").raise_for_status()
    claimed = {run.run_id: run for run in worker.claim()}
    worker.complete(claimed[completed])
    worker.fail(claimed[failed])
    pending = start(client, account, TEXT)
    states = [shown(client, run_id)["status"] for run_id in (completed, failed, cancelled, running, pending)]
    assert states == ["completed", "failed", "failed", "running", "pending"]
    for run_id in (completed, failed, cancelled, running, pending):
        before = shown(client, run_id)
        again = rerun(client, run_id)
        assert asked(again) == asked(before)
        assert (again["status"], again["charged_cost"]) == ("pending", 0.25)
        assert shown(client, run_id)["status"] == before["status"]


def test_a_run_is_repeated_by_whoever_asks(api_only: Application, client: Client, account: Account) -> None:
    run_id = start(client, account, TEXT)
    key = api_only.key(account)
    again = rerun(api_only.client(key.api_key), run_id)
    assert again["actor"] == f"key:{key.key_id}" != shown(client, run_id)["actor"]


def start_batch(client: Client, account: Account, *starts: dict[str, Any], **more: Any) -> dict[str, Any]:
    target = {"workspace_id": account.workspace_id, "project_id": account.project_id}
    body = {**target, "starts": list(starts), **more}
    return client.post("/runs/batch", json=body).raise_for_status().json()


def test_a_member_of_a_batch_is_repeated_alone(client: Client, account: Account) -> None:
    batch = start_batch(client, account, TEXT, PICTURE, priority=3, max_parallel=1)
    first = shown(client, batch["runs"][1]["run_id"])
    again = rerun(client, first["run_id"])
    assert asked(again) == asked(first)
    assert "batch_id" not in again
    assert again["charged_cost"] == 0.004
    assert len(shown(client, batch["run_id"])["steps"]) == 2


def test_a_batch_is_repeated_as_a_batch(api_only: Application, client: Client, account: Account) -> None:
    starts = [TEXT, {**PICTURE, "params": {"seed": 7}}, PICTURE]
    first = start_batch(client, account, *starts, max_parallel=2, priority=3)
    again = client.post(f"/runs/{first['run_id']}/rerun").raise_for_status().json()
    assert set(again) == set(first)
    assert (again["type"], again["charged_cost"]) == ("batch", first["charged_cost"])
    pairs = zip(first["runs"], again["runs"], strict=True)
    for before, after in pairs:
        assert before["run_id"] != after["run_id"]
        repeated = shown(client, after["run_id"])
        assert asked(repeated) == asked(shown(client, before["run_id"]))
        assert (repeated["batch_id"], repeated["priority"]) == (again["run_id"], 3)
    with api_only.services.database.transaction() as tx:
        assert runs.read_run(tx, again["run_id"]).max_parallel == 2
    # Another priority is that of all of them.
    raised = client.post(f"/runs/{first['run_id']}/rerun", json={"priority": 5}).json()
    assert {shown(client, run["run_id"])["priority"] for run in raised["runs"]} == {5}


@pytest.mark.parametrize("changes", [{"prompt": "a cup"}, {"model": "t2t-spare"}, {"params": {"seed": None}}])
def test_single_runs_of_a_batch_cannot_be_changed(
    client: Client, account: Account, changes: dict[str, Any]
) -> None:
    batch = start_batch(client, account, TEXT)
    answer = client.post(f"/runs/{batch['run_id']}/rerun", json=changes)
    rejected = rejected_fields(answer)
    assert {*rejected} == {*changes}
    assert all("one by one" in message for message in rejected.values())


def limits(answer: httpx.Response) -> tuple[int, int]:
    return int(answer.headers["ratelimit-limit"]), int(answer.headers["ratelimit-remaining"])


def test_it_counts_and_costs_as_a_start(api_only: Application) -> None:
    account = api_only.account(rate_limit=5, credits=1.0)
    client = api_only.client(account.api_key)
    batch = start_batch(client, account, TEXT, TEXT)
    assert limits(client.post(f"/runs/{batch['runs'][0]['run_id']}/rerun")) == (5, 2)
    refused = client.post(f"/runs/{batch['run_id']}/rerun")
    assert_refused(refused, 402, "insufficient_credits")
    assert limits(refused) == (5, 2)
    run_id = batch["runs"][0]["run_id"]
    assert client.post(f"/runs/{run_id}/rerun").status_code == 201
    assert_refused(client.post(f"/runs/{run_id}/rerun"), 402, "insufficient_credits")
    assert_refused(client.post(f"/runs/{batch['run_id']}/rerun"), 429, "rate_limited")


def test_a_start_again_may_wait_for_its_end(application: Application) -> None:
    account = application.account()
    client = application.client(account.api_key)
    run_id = start(client, account, TEXT)
    batch = start_batch(client, account, TEXT, TEXT)
    for path in (f"/runs/{run_id}/rerun", f"/runs/{batch['run_id']}/rerun"):
        answer = client.post(path, headers={"prefer": "wait=30"})
        assert (answer.status_code, answer.headers["preference-applied"]) == (201, "wait=30")
        assert answer.json()["run"]["status"] == "completed"
