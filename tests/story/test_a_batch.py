"""Many generations are started as one batch: one request, one quote, one run to poll."""

import httpx

from support.server import Server, finished

PROMPTS = ["A lighthouse at dawn", "A lighthouse in a storm"]


def test_a_series_of_pictures_is_started_and_followed_as_one(server: Server) -> None:
    account = server.new_account()
    params = {"resolution": "0.5k", "seed": 7}
    body = {
        "workspace_id": account.workspace_id,
        "project_id": account.project_id,
        "starts": [{"type": "image", "prompt": prompt, "params": params} for prompt in PROMPTS],
    }
    with server.client(account.api_key) as terrarium:
        answer = terrarium.post("/runs/batch", json=body)
        assert answer.status_code == 201
        started = answer.json()
        assert started["charged_cost"] == sum(run["charged_cost"] for run in started["runs"])

        # The batch is polled like any run until it is over, and tells how each of its runs goes.
        batch = finished(terrarium, started["run_id"])
        assert (batch["type"], batch["status"], batch["progress"]) == ("batch", "completed", 100)
        assert batch["counts"]["completed"] == 2
        assert [step["step"] for step in batch["steps"]] == ["starts[0]", "starts[1]"]
        for step, prompt in zip(batch["steps"], PROMPTS, strict=True):
            run = terrarium.get(f"/runs/{step['run_id']}").json()
            assert (run["prompt"], run["seed"]) == (prompt, 7)
            assert httpx.get(run["outputs"][0]["url"]).content.startswith(b"\x89PNG")

        # Each has its place in the history and on the canvas, in the order of the request.
        rows = terrarium.get("/generations").json()["generations"]
        assert [row["run_id"] for row in rows] == [step["run_id"] for step in batch["steps"]][::-1]
        nodes = terrarium.get(f"/projects/{account.project_id}/nodes").json()["nodes"]
        assert [node["label"] for node in nodes] == PROMPTS


def test_what_fails_costs_nothing_and_the_others_go_on(server: Server) -> None:
    account = server.new_account(credits=1.0)
    outcomes = ["completed", "moderated", "completed"]
    body = {
        "workspace_id": account.workspace_id,
        "project_id": account.project_id,
        "starts": [
            {"type": "text", "prompt": "a fern", "model": "t2t-rehearsal", "params": {"outcome": outcome}}
            for outcome in outcomes
        ],
    }
    with server.client(account.api_key) as terrarium:
        started = terrarium.post("/runs/batch", json=body, headers={"Prefer": "wait=30"}).json()
        batch = started["run"]
        assert (batch["status"], batch["charged_cost"]) == ("completed", 0.5)
        [failed] = [step for step in batch["steps"] if step["status"] == "failed"]
        assert failed["step"] == "starts[1]"
        assert failed["error_code"] == "GENERATION_PROMPT_MODERATED"
    assert server.admin("credits", "check")["balanced"] is True


def test_one_mistake_starts_nothing_and_is_named(server: Server) -> None:
    account = server.new_account()
    start = {"type": "image", "prompt": "A lighthouse"}
    body = {
        "workspace_id": account.workspace_id,
        "project_id": account.project_id,
        "starts": [start, {**start, "params": {"sed": 7}}],
    }
    with server.client(account.api_key) as terrarium:
        refused = terrarium.post("/runs/batch", json=body)
        assert refused.status_code == 400
        [field] = refused.json()["error"]["fields"]
        assert field["field"] == "starts[1].params.sed"
        assert terrarium.get("/generations").json()["generations"] == []


def test_a_batch_that_is_no_longer_wanted_is_cancelled_as_one(server: Server) -> None:
    account = server.new_account(credits=1.0)
    slow = {"type": "text", "prompt": "a fern", "model": "t2t-rehearsal", "params": {"seconds": 60}}
    body = {"workspace_id": account.workspace_id, "project_id": account.project_id, "starts": [slow] * 4}
    with server.client(account.api_key) as terrarium:
        started = terrarium.post("/runs/batch", json=body).json()
        cancelled = terrarium.post(f"/runs/{started['run_id']}/cancel").json()
        assert (cancelled["status"], cancelled["charged_cost"]) == ("failed", 0)
        assert cancelled["counts"]["failed"] == 4

        # Its credits are back, so that as much can be started again.
        quick = [{**slow, "params": {}}] * 4
        again = terrarium.post("/runs/batch", json={**body, "starts": quick}, headers={"Prefer": "wait=30"})
        assert again.json()["run"]["status"] == "completed"
