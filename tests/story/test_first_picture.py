"""From an empty folder to a picture, as the manual describes it."""

import struct
from pathlib import Path

import httpx

from support.server import finished, running_server

PROMPT = "A cinematic product photo of a ceramic mug on a sunlit table"


def test_from_an_empty_folder_to_a_picture(tmp_path: Path) -> None:
    # `terrarium serve` on an empty folder prints its address and, once, a key.
    with running_server(tmp_path / "empty") as server:
        assert f"export FLORA_API_KEY={server.first.api_key}\n" in server.greeting
        assert server.first.api_key.startswith("sk_live_")
        terrarium = httpx.Client(
            base_url=f"{server.base_url}/api/v1",
            headers={"Authorization": f"Bearer {server.first.api_key}"},
            timeout=60,
        )
        # The key belongs to a workspace, and there is a project to work in.
        [workspace] = terrarium.get("/workspaces").json()["workspaces"]
        query = {"workspace_id": workspace["workspace_id"]}
        [project] = terrarium.get("/projects", params=query).json()["projects"]

        answer = terrarium.post(
            "/runs/generation",
            json={
                "workspace_id": workspace["workspace_id"],
                "project_id": project["project_id"],
                "type": "image",
                "prompt": PROMPT,
            },
        )
        assert answer.status_code == 201
        started = answer.json()
        assert started["type"] == "generation"
        assert started["charged_cost"] > 0

        # The run is polled until it is over; its output is a link that needs no key.
        assert started["poll_url"] == f"{server.base_url}/api/v1/runs/{started['run_id']}"
        run = finished(terrarium, started["run_id"])
        assert (run["status"], run["progress"]) == ("completed", 100)
        [output] = run["outputs"]
        assert output["type"] == "imageUrl"
        picture = httpx.get(output["url"]).content
        assert picture.startswith(b"\x89PNG\r\n\x1a\n")
        assert struct.unpack(">II", picture[16:24]) == (1024, 1024)

        # The picture is on the project's canvas.
        [node] = terrarium.get(f"/projects/{project['project_id']}/nodes").json()["nodes"]
        assert node["type"] == "image"
        assert node["url"] == output["url"]
        assert (node["width"], node["height"]) == (1024, 1024)
        assert node["label"] == PROMPT

        # Its cost was taken from the credits of the first start.
        [shown] = server.admin("workspaces", "list")
        assert shown["credits"] == 100 - run["charged_cost"]
        terrarium.close()


def test_everything_is_still_there_after_a_restart(tmp_path: Path) -> None:
    with running_server(tmp_path) as server:
        first = server.first
        with server.client() as terrarium:
            run_id = terrarium.post("/generate", json=first.body(PROMPT)).json()["run_id"]
            before = finished(terrarium, run_id)
    with running_server(tmp_path, bootstrap_key=first.api_key) as server:
        # No second key: the database has a workspace already.
        assert "FLORA_API_KEY" not in server.greeting
        assert server.first == first
        with server.client() as terrarium:
            after = terrarium.get(f"/runs/{run_id}").json()
    assert {**after, "poll_url": None} == {**before, "poll_url": None}
