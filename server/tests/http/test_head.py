"""HEAD is answered wherever GET is: the same status and headers, and no body."""

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from support.application import Application
from support.server import Account, Server, finished

# Different in any two answers.
VARYING = {"request-id", "date", "ratelimit-remaining", "ratelimit-reset"}


@pytest.fixture(scope="module", autouse=True)
def closed_feed(application: Application) -> None:
    """Streams of events end after their beginning, as when the server stops."""
    application.services.feed.close()


def paths(application: Application, account: Account) -> dict[str, str]:
    """For every GET route of the application, the path of something that exists."""
    client = application.client(account.api_key)
    started = client.post("/generate", json=account.body(type="image", params={"resolution": "0.5k"})).json()
    run = finished(client, started["run_id"])
    values = {
        "run_id": run["run_id"],
        "project_id": account.project_id,
        "link": run["outputs"][0]["url"].rpartition("/")[2],
    }
    routes = iter_route_contexts(application.app.routes)
    found = {route.path for route in routes if route.path is not None and "GET" in (route.methods or ())}
    filled = {path: path.format_map(values) for path in found}
    filled["/api/v1/projects"] += f"?workspace_id={account.workspace_id}"
    return filled


def headers_of(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in VARYING}


def test_head_works_on_every_get(application: Application) -> None:
    account = application.account()
    headers = {"authorization": f"Bearer {account.api_key}"}
    every = paths(application, account)
    assert {"/healthz", "/openapi.json", "/media/{link}", "/api/v1/runs/{run_id}"} <= set(every)
    for route, path in every.items():
        got = application.anonymous.get(path, headers=headers)
        assert got.status_code == 200, route
        head = application.anonymous.head(path, headers=headers)
        assert (head.status_code, head.content) == (200, b""), route
        assert headers_of(head) == headers_of(got), route
        if got.headers["content-type"].startswith("text/event-stream"):
            assert "content-length" not in head.headers, route
        else:
            assert head.headers["content-length"] == str(len(got.content)), route


@pytest.mark.parametrize(
    "path", ["/api/v1/runs/run_x", "/api/v1/none", "/media/none.png", "/api/v1/generate"]
)
def test_head_is_refused_as_get_is(application: Application, path: str) -> None:
    headers = {"authorization": f"Bearer {application.account().api_key}"}
    for chosen in (headers, {}):
        got = application.anonymous.get(path, headers=chosen)
        head = application.anonymous.head(path, headers=chosen)
        assert (head.status_code, head.content) == (got.status_code, b"")
        assert headers_of(head) == headers_of(got)
        assert head.status_code >= 400


def test_head_of_an_unchanged_run_is_304(application: Application) -> None:
    account = application.account()
    client = application.client(account.api_key)
    run = client.post("/generate", json=account.body(model="t2t-rehearsal")).json()
    finished(client, run["run_id"])
    path = f"/runs/{run['run_id']}"
    tag = client.request("HEAD", path).headers["etag"]
    waiting = {"if-none-match": tag, "prefer": "wait=5"}
    assert client.request("HEAD", path, headers=waiting).status_code == 304


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_server_that_does_not_accept_runs_yet_says_so(
    application: Application, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setattr(application.services, "is_accepting", False)
    answer = application.anonymous.request(method, "/healthz")
    assert answer.status_code == 503
    assert answer.headers["request-id"].startswith("req_")
    assert answer.content == (b'{"status":"starting"}' if method == "GET" else b"")


def test_head_is_not_in_the_description(application: Application) -> None:
    described = application.app.openapi()["paths"].values()
    assert not any("head" in methods for methods in described)


def test_the_connection_can_be_used_after_head(server: Server) -> None:
    with server.client() as client:
        for _ in range(3):
            for path in ("/models", "/workspaces", "/none"):
                got, head = client.get(path), client.head(path)
                assert head.status_code == got.status_code
                assert head.headers["content-length"] == str(len(got.content))
        # A stream that would never end by itself.
        for _ in range(3):
            assert client.head(f"/projects/{server.first.project_id}/events").status_code == 200
        assert client.head(f"{server.base_url}/healthz").status_code == 200
