"""A client that does not know whether its request arrived sends it again, with the same key."""

import uuid

import httpx

from support.server import Account, Server, finished


def credits_of(server: Server, account: Account) -> float:
    [shown] = [
        one for one in server.admin("workspaces", "list") if one["workspace_id"] == account.workspace_id
    ]
    return shown["credits"]


def test_sending_it_again_starts_nothing_twice(server: Server) -> None:
    account = server.new_account(credits=1.0)
    key = {"Idempotency-Key": str(uuid.uuid4())}
    body = account.body("A lighthouse", model="t2t-rehearsal")
    with server.client(account.api_key) as terrarium:
        first = terrarium.post("/runs/generation", json=body, headers=key)
        assert first.status_code == 201

        again = terrarium.post("/runs/generation", json=body, headers=key)
        assert again.status_code == 409
        assert again.json()["error"]["code"] == "idempotency_duplicate"
        # No client needs to retry this, and the answer leads to the run that was started.
        assert again.headers["x-should-retry"] == "false"
        run = httpx.get(again.headers["location"], headers=terrarium.headers).json()
        assert run["run_id"] == first.json()["run_id"]

        finished(terrarium, run["run_id"])
        assert len(terrarium.get("/generations").json()["generations"]) == 1
    assert credits_of(server, account) == 0.75


def test_a_refused_request_may_be_sent_again_with_its_key(server: Server) -> None:
    account = server.new_account()
    key = {"Idempotency-Key": "order-17"}
    with server.client(account.api_key) as terrarium:
        wrong = terrarium.post("/generate", json=account.body(params={"sed": 1}), headers=key)
        assert wrong.status_code == 400
        right = terrarium.post("/generate", json=account.body(params={"seed": 1}), headers=key)
        assert right.status_code == 201


def test_every_request_that_writes_takes_a_key(server: Server) -> None:
    account = server.new_account()
    key = {"Idempotency-Key": "once"}
    body = {"workspace_id": account.workspace_id, "name": "Lighthouses"}
    with server.client(account.api_key) as terrarium:
        made = terrarium.post("/projects", json=body, headers=key).json()
        again = terrarium.post("/projects", json=body, headers=key)
        assert again.status_code == 409
        assert httpx.get(again.headers["location"], headers=terrarium.headers).json() == made

        # A key counts for one project: the same one starts a run in another.
        for project_id in (account.project_id, made["project_id"]):
            start = {**account.body("A lighthouse"), "project_id": project_id}
            assert terrarium.post("/generate", json=start, headers=key).status_code == 201
            assert terrarium.post("/generate", json=start, headers=key).status_code == 409
