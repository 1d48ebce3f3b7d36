"""A run that is no longer wanted is cancelled: nothing is charged, and waiting clients are notified."""

import pytest

from support.server import Server, finished
from terrarium import Flora, RunFailedError


def test_a_cancelled_run_costs_nothing_and_says_so(server: Server) -> None:
    account = server.new_account()
    body = account.body(type="text", model="t2t-rehearsal", params={"seconds": 60})
    with server.client(account.api_key) as terrarium:
        run_id = terrarium.post("/runs/generation", json=body).json()["run_id"]
        cancelled = terrarium.post(f"/runs/{run_id}/cancel")
        assert cancelled.status_code == 200
        assert cancelled.json()["error_code"] == "GENERATION_CANCELLED"
        run = finished(terrarium, run_id)
        assert (run["status"], run["charged_cost"]) == ("failed", 0)


def test_the_client_cancels_too(server: Server) -> None:
    account = server.new_account()
    with Flora(api_key=account.api_key, base_url=server.api_url) as flora:
        started = flora.runs.start_generation(
            workspace_id=account.workspace_id,
            project_id=account.project_id,
            type="text",
            prompt="a fern",
            model="t2t-rehearsal",
            params={"seconds": 60},
        )
        assert flora.runs.cancel(started.run_id).status == "failed"
        with pytest.raises(RunFailedError, match="GENERATION_CANCELLED"):
            flora.runs.wait(started.run_id)
