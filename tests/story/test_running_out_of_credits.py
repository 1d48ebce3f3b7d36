"""Credits are held when a run starts; when they are spent, nothing starts until there are more."""

from support.server import Server, finished


def test_a_run_starts_only_if_it_can_be_paid(server: Server) -> None:
    account = server.new_account(credits=0.30)
    with server.client(account.api_key) as terrarium:
        body = account.body("A lighthouse", model="t2t-rehearsal")
        assert terrarium.post("/runs/estimate", json=body).json()["charged_cost"] == 0.25
        assert terrarium.post("/generate", json=body).status_code == 201

        refused = terrarium.post("/generate", json=body)
        assert refused.status_code == 402
        assert refused.json() == {
            "error": {"code": "insufficient_credits", "message": "Insufficient credits."}
        }
        assert len(terrarium.get("/generations").json()["generations"]) == 1

        granted = server.admin("credits", "grant", "--workspace", account.workspace_id, "1")
        assert granted["credits"] == 1.05
        assert terrarium.post("/generate", json=body).status_code == 201


def test_a_failed_run_releases_its_credits(server: Server) -> None:
    account = server.new_account(credits=0.30)
    with server.client(account.api_key) as terrarium:
        failing = account.body("A lighthouse", model="t2t-rehearsal", params={"outcome": "moderated"})
        for _ in range(3):
            run = finished(terrarium, terrarium.post("/generate", json=failing).json()["run_id"])
            assert (run["status"], run["charged_cost"]) == ("failed", 0)
            assert run["error_code"] == "GENERATION_PROMPT_MODERATED"
    assert server.admin("credits", "check")["balanced"] is True
