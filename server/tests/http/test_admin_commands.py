"""`terrarium admin` on the PostgreSQL that a server is running on: what it does holds at once."""

import pytest

from support.server import Server, StartServer, finished


@pytest.fixture(scope="module")
def shared(start_server: StartServer, request: pytest.FixtureRequest) -> Server:
    url = request.getfixturevalue("postgres").fresh_database()
    return start_server(database_url=url)


def test_a_workspace_and_a_key_work_as_soon_as_they_are_made(shared: Server) -> None:
    made = shared.admin("workspaces", "create", "Studio", "--credits", "0.3", "--rate-limit", "5")
    assert {"workspace_id", "project_id", "name", "credits", "rate_limit", "created_at"} == set(made)
    key = shared.admin("keys", "create", "--workspace", made["workspace_id"])
    assert {"workspace_id", "key_id", "api_key", "webhook_secret"} == set(key)

    body = {"type": "text", "prompt": "a fern", "model": "t2t-rehearsal"}
    body |= {name: made[name] for name in ("workspace_id", "project_id")}
    with shared.client(key["api_key"]) as client:
        started = client.post("/generate", json=body)
        assert started.headers["ratelimit-limit"] == "5"
        assert finished(client, started.json()["run_id"])["status"] == "completed"
        assert client.post("/generate", json=body).status_code == 402

        granted = shared.admin("credits", "grant", "--workspace", made["workspace_id"], "1", "--note", "more")
        assert granted["credits"] == pytest.approx(1.05)
        assert client.post("/generate", json=body).status_code == 201

        assert shared.admin("keys", "revoke", key["key_id"]) == {"key_id": key["key_id"], "revoked": True}
        assert client.post("/generate", json=body).status_code == 401
    assert shared.admin("credits", "check") == {"balanced": True, "imbalances": []}
