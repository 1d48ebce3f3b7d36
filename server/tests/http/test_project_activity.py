"""Whatever happens in a project makes it the first one of `GET /projects`, also within one second."""

from support.application import Application, Client
from support.server import Account, finished


def first_project(client: Client, account: Account) -> str:
    page = client.get("/projects", params={"workspace_id": account.workspace_id, "limit": 1})
    return page.json()["projects"][0]["project_id"]


def another_project(client: Client, account: Account) -> str:
    body = {"workspace_id": account.workspace_id, "name": "Another"}
    return client.post("/projects", json=body).json()["project_id"]


def test_starting_and_cancelling_runs_moves_their_project_up(api_only: Application) -> None:
    account = api_only.account()
    client = api_only.client(account.api_key)
    other = another_project(client, account)
    assert first_project(client, account) == other
    run_ids: list[str] = []
    for project_id in (account.project_id, other, account.project_id, account.project_id, other):
        body = {**account.body(), "project_id": project_id}
        run_ids.append(client.post("/generate", json=body).json()["run_id"])
        assert first_project(client, account) == project_id
    client.post(f"/runs/{run_ids[0]}/cancel")
    assert first_project(client, account) == account.project_id
    client.post("/runs/estimate", json={**account.body(), "project_id": other})
    client.get(f"/projects/{other}/nodes")
    assert first_project(client, account) == account.project_id


def test_the_end_of_a_run_moves_its_project_up(application: Application) -> None:
    account = application.account()
    client = application.client(account.api_key)
    for outcome in ("completed", "failed"):
        params = {"outcome": outcome, "seconds": 0.2}
        body = account.body(model="t2t-rehearsal", params=params)
        run_id = client.post("/generate", json=body).raise_for_status().json()["run_id"]
        other = another_project(client, account)
        assert finished(client, run_id)["status"] == outcome
        assert first_project(client, account) == account.project_id != other
