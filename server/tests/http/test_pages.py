"""Lists come in pages; together the pages are the list, and an invalid cursor is refused."""

import base64
import json
from typing import Any

import pytest

from support.application import Application, Client
from support.envelope import rejected_fields
from support.server import Account
from terrarium_server import runs
from terrarium_server.runs import RunOutcome

LISTS = ["generations", "projects", "nodes"]


@pytest.fixture(scope="module")
def account(api_only: Application) -> Account:
    """Seven runs in the first project, one in another."""
    account = api_only.account()
    client = api_only.client(account.api_key)
    for number in range(7):
        client.post("/generate", json=account.body(f"number {number}"))
    made = {"name": "100% other_", "workspace_id": account.workspace_id}
    project_id = client.post("/projects", json=made).json()["project_id"]
    client.post("/generate", json={**account.body("elsewhere"), "project_id": project_id})
    for number in range(5):
        client.post("/projects", json={**made, "name": f"empty {number}"})
    return account


@pytest.fixture
def client(api_only: Application, account: Account) -> Client:
    return api_only.client(account.api_key)


def path_of(name: str, account: Account) -> str:
    return {
        "generations": "/generations?",
        "projects": f"/projects?workspace_id={account.workspace_id}&",
        "nodes": f"/projects/{account.project_id}/nodes?",
    }[name]


def pages(client: Client, name: str, path: str, limit: int) -> list[list[dict[str, Any]]]:
    rows: list[list[dict[str, Any]]] = []
    cursor = ""
    while True:
        page = client.get(f"{path}limit={limit}&cursor={cursor}").raise_for_status().json()
        rows.append(page[name])
        cursor = page["meta"]["next_cursor"]
        if cursor is None:
            return rows


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("limit", [1, 2, 3, 7, 100])
def test_the_pages_together_are_the_list(client: Client, account: Account, name: str, limit: int) -> None:
    path = path_of(name, account)
    whole = client.get(path).json()
    assert whole["meta"] == {"next_cursor": None}
    split = pages(client, name, path, limit)
    assert [row for page in split for row in page] == whole[name]
    assert all(len(page) == limit for page in split[:-1])
    assert 1 <= len(split[-1]) <= limit


def test_the_order_of_each_list(client: Client, account: Account) -> None:
    generations = client.get("/generations").json()["generations"]
    ids = [run["run_id"] for run in generations]
    assert len(ids) == 8 and ids == sorted(ids, reverse=True)
    nodes = client.get(path_of("nodes", account)).json()["nodes"]
    assert [node["label"] for node in nodes] == [f"number {number}" for number in range(7)]
    projects = client.get(path_of("projects", account)).json()["projects"]
    used = [project["last_modified"] for project in projects]
    assert used == sorted(used, reverse=True)


def test_a_page_has_twenty_rows_by_default(api_only: Application) -> None:
    account = api_only.account()
    client = api_only.client(account.api_key)
    for _ in range(21):
        client.post("/generate", json=account.body())
    page = client.get("/generations").json()
    assert len(page["generations"]) == 20
    assert page["meta"]["next_cursor"]


def test_a_row_added_meanwhile_neither_repeats_nor_hides_another(api_only: Application) -> None:
    account = api_only.account()
    client = api_only.client(account.api_key)
    first = [client.post("/generate", json=account.body()).json()["run_id"] for _ in range(4)]
    page = client.get("/generations?limit=2").json()
    client.post("/generate", json=account.body())
    rest = client.get(f"/generations?limit=10&cursor={page['meta']['next_cursor']}").json()
    listed = [run["run_id"] for run in page["generations"] + rest["generations"]]
    assert listed == first[::-1]


def encoded(position: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


INVALID = ["x", "!!!", "é", "e30", "a" * 5000, "W10", encoded(None), encoded([[]]), encoded({"offset": 20})]
INVALID += [
    encoded([1, 2, 3]),
    encoded([True, True]),
    encoded([2**70, 1]),
    encoded(["a\0"]),
    encoded([1.5, "x"]),
]


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("cursor", [*INVALID, encoded(["run_1"]), encoded([1, "prj_1"]), encoded([1, 1])])
def test_an_invalid_cursor_is_refused(client: Client, account: Account, name: str, cursor: str) -> None:
    own = {"generations": ["run_1"], "projects": [1, "prj_1"], "nodes": [1, 1]}[name]
    answer = client.get(path_of(name, account), params={"cursor": cursor} | dict(parameters(name, account)))
    if cursor == encoded(own):
        assert answer.status_code == 200
    else:
        assert rejected_fields(answer) == {"cursor": "Must be the next_cursor of a page"}


def parameters(name: str, account: Account) -> list[tuple[str, str]]:
    return [("workspace_id", account.workspace_id)] if name == "projects" else []


def test_generations_are_filtered(api_only: Application, client: Client, account: Account) -> None:
    def prompts(query: str) -> int:
        return len(client.get(f"/generations?limit=100&{query}").json()["generations"])

    assert prompts(f"project_id={account.project_id}") == 7
    assert prompts(f"workspace_id={account.workspace_id}") == 8
    assert prompts("project_id=prj_none") == 0
    assert [prompts(f"status={status}") for status in ("pending", "running", "completed", "failed")] == [
        8,
        0,
        0,
        0,
    ]
    newest = client.get("/generations?limit=1").json()["generations"][0]["run_id"]
    with api_only.services.database.transaction() as tx:
        assert runs.give_up(tx, newest, RunOutcome("GENERATION_CANCELLED", "Stopped by a test."))
    assert [prompts(f"status={status}") for status in ("pending", "failed")] == [7, 1]
    assert prompts(f"status=failed&project_id={account.project_id}") == 0


@pytest.mark.parametrize(
    ("text", "count"),
    [("empty", 5), ("EMPTY 3", 1), ("%", 1), ("_", 1), ("0% O", 1), ("nothing like it", 0), ("", 7)],
)
def test_projects_are_found_by_a_part_of_their_name(
    client: Client, account: Account, text: str, count: int
) -> None:
    answer = client.get("/projects", params={"workspace_id": account.workspace_id, "query": text})
    assert len(answer.json()["projects"]) == count
