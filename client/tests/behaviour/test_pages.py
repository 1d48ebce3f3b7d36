"""Lists over several pages."""

from typing import Any

import pytest

from .scripted import RUN, Clients, Response, ScriptedServer

PROJECTS = [
    {
        "project_id": f"prj_{number}",
        "name": f"Project {number}",
        "workspace_id": "ws_1",
        "origin": "api",
        "last_modified": None,
        "created_at": 1,
    }
    for number in range(5)
]


def page(items: list[Any], cursor: str | None, key: str = "projects") -> Response:
    return Response(200, {key: items, "meta": {"next_cursor": cursor}}, {"request-id": "req_p"})


@pytest.fixture
def three_pages(server: ScriptedServer) -> ScriptedServer:
    server.script = [page(PROJECTS[:2], "c2"), page(PROJECTS[2:4], "c3"), page(PROJECTS[4:], None)]
    return server


def projects(client: Any) -> Any:
    return client.projects.list(workspace_id="ws_1", query="mug", limit=2)


def test_items_of_all_pages_are_listed(flora: Clients, three_pages: ScriptedServer) -> None:
    assert [item.project_id for item in flora.all(projects)] == [p["project_id"] for p in PROJECTS]
    query = {"workspace_id": "ws_1", "query": "mug", "limit": "2"}
    assert [request.query for request in three_pages.requests] == [
        query,
        {**query, "cursor": "c2"},
        {**query, "cursor": "c3"},
    ]


def test_pages_are_listed_one_by_one(flora: Clients, three_pages: ScriptedServer) -> None:
    first, second, third = flora.pages(projects)
    assert [len(each.items) for each in (first, second, third)] == [2, 2, 1]
    assert first.next_page_info() == {"cursor": "c2"}
    assert (second.has_next_page(), third.has_next_page(), third.next_page_info()) == (True, False, None)
    assert first.body["projects"][0]["name"] == "Project 0"


def test_there_is_no_page_after_the_last(flora: Clients, server: ScriptedServer) -> None:
    server.script = [page(PROJECTS, None)]
    (last,) = flora.pages(projects)
    with pytest.raises(RuntimeError, match="last page"):
        last.get_next_page() if flora.mode == "sync" else last.get_next_page().send(None)


@pytest.mark.parametrize(
    "body",
    [
        {"projects": [], "meta": {"next_cursor": "more"}},  # or the client would request pages for ever
        {"meta": {"next_cursor": None}},
        {"projects": PROJECTS[:1], "meta": {"next_cursor": ""}},
        {"projects": PROJECTS[:1], "meta": {}},
        {"projects": PROJECTS[:1]},
    ],
)
def test_lists_that_end_without_a_null_cursor(flora: Clients, server: ScriptedServer, body: Any) -> None:
    server.script = [Response(200, body)]
    assert len(flora.all(projects)) == len(body.get("projects", []))


def test_a_list_can_start_at_a_cursor(flora: Clients, server: ScriptedServer) -> None:
    row = RUN | {"generation_id": "run_1", "workspace_id": "ws_1", "project_id": "prj_1"}
    server.script = [page([row], "b", "generations"), page([], None, "generations")]
    listed = flora.all(lambda c: c.generations.list(status="running", cursor="a", extra_query={"x": 1}))
    assert [item.generation_id for item in listed] == ["run_1"]
    assert [request.query["cursor"] for request in server.requests] == ["a", "b"]
    assert server.requests[1].query["status"] == "running"
    assert server.requests[1].query["x"] == "1"


def test_nodes_are_listed(flora: Clients, server: ScriptedServer) -> None:
    body = {
        "project_id": "prj_1",
        "canvas_url": "http://x",
        "nodes": [{"node_id": "n1", "type": "image"}],
        "meta": {"next_cursor": None},
    }
    server.script = [Response(200, body)]
    (only,) = flora.pages(lambda client: client.projects.list_nodes("prj_1", limit=1))
    assert only.items[0].node_id == "n1"
    assert only.body["canvas_url"] == "http://x"
    assert server.requests[0].path == "/api/v1/projects/prj_1/nodes"


def test_raw_pages_have_headers(flora: Clients, three_pages: ScriptedServer) -> None:
    response = flora(lambda client: client.projects.with_raw_response.list(workspace_id="ws_1"))
    assert response.request_id == "req_p"
    assert [item.project_id for item in response.parse().items] == ["prj_0", "prj_1"]
    assert response.parse().has_next_page()


def test_projects_are_created_and_read(flora: Clients, server: ScriptedServer) -> None:
    server.script = [Response(201, PROJECTS[0]), Response(200, PROJECTS[0])]
    created = flora(lambda client: client.projects.create(name="Project 0", workspace_id="ws_1"))
    read = flora(lambda client: client.projects.retrieve("prj_0"))
    assert created == read
    assert server.requests[0].body == {"name": "Project 0", "workspace_id": "ws_1"}
    assert "idempotency-key" in server.requests[0].headers
