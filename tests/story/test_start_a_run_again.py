"""A run is started again, exactly or with changes, without repeating what was asked for."""

import httpx

from support.server import Server, finished

SMALL = {"resolution": "0.5k"}


def test_the_same_picture_again_and_then_another_one(server: Server) -> None:
    account = server.new_account()
    body = account.body("A fox under a birch tree", type="image", params=SMALL)
    with server.client(account.api_key) as terrarium:

        def again(run_id: str, changes: dict[str, object] | None = None) -> tuple[dict[str, object], bytes]:
            """Start it again; return the new run and its picture."""
            answer = terrarium.post(f"/runs/{run_id}/rerun", json=changes)
            assert answer.status_code == 201
            run = finished(terrarium, answer.json()["run_id"])
            return run, httpx.get(run["outputs"][0]["url"]).content

        first = finished(terrarium, terrarium.post("/generate", json=body).json()["run_id"])
        picture = httpx.get(first["outputs"][0]["url"]).content

        # A run shows the seed that it used, and the same seed gives the same picture.
        same, bytes_again = again(first["run_id"])
        assert same["seed"] == first["seed"]
        assert bytes_again == picture

        # Only what is sent changes; a seed of null stands for a new one.
        other, other_picture = again(first["run_id"], {"params": {"seed": None}})
        assert other["seed"] != first["seed"]
        assert (other["prompt"], other["params"]) == (first["prompt"], first["params"])
        assert other_picture != picture


def test_a_failed_run_is_tried_again_with_another_prompt(server: Server) -> None:
    account = server.new_account()
    failing = account.body("a weapon", model="t2t-rehearsal", params={"outcome": "moderated"})
    with server.client(account.api_key) as terrarium:
        run = finished(terrarium, terrarium.post("/generate", json=failing).json()["run_id"])
        assert run["error_code"] == "GENERATION_PROMPT_MODERATED"
        changes = {"prompt": "a flower", "params": {"outcome": None}}
        answer = terrarium.post(f"/runs/{run['run_id']}/rerun", json=changes, headers={"Prefer": "wait=30"})
        assert answer.json()["run"]["status"] == "completed"
        assert answer.json()["run"]["outputs"][0]["url"] == "a flower"


def test_a_whole_batch_is_started_again(server: Server) -> None:
    account = server.new_account()
    starts = [{"type": "text", "prompt": f"fern {number}", "model": "t2t-rehearsal"} for number in range(3)]
    body = {"workspace_id": account.workspace_id, "project_id": account.project_id, "starts": starts}
    with server.client(account.api_key) as terrarium:
        first = terrarium.post("/runs/batch", json=body).json()
        answer = terrarium.post(f"/runs/{first['run_id']}/rerun", headers={"Prefer": "wait=30"})
        assert answer.status_code == 201
        assert answer.json()["run"]["counts"]["completed"] == 3
        assert len(terrarium.get("/generations").json()["generations"]) == 6
