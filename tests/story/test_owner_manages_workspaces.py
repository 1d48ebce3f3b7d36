"""The owner of a server manages workspaces and keys on the command line, while the server runs."""

import subprocess
import sys
from pathlib import Path

from support.server import Server

TERRARIUM = Path(sys.executable).with_name("terrarium")


def test_a_workspace_from_its_creation_to_a_revoked_key(server: Server) -> None:
    made = server.admin("workspaces", "create", "Studio", "--credits", "2.5", "--rate-limit", "2")
    workspace_id = made["workspace_id"]
    assert (made["name"], made["credits"], made["rate_limit"]) == ("Studio", 2.5, 2)
    listed = server.admin("workspaces", "list")
    assert {name: value for name, value in made.items() if name != "project_id"} in listed

    # A key is shown once, with the secret that signs the workspace's webhooks.
    key = server.admin("keys", "create", "--workspace", workspace_id, "--name", "laptop", "--role", "editor")
    assert key["api_key"].startswith("sk_live_")
    assert key["webhook_secret"].startswith("whsec_")
    [shown] = server.admin("keys", "list", "--workspace", workspace_id)
    assert (shown["name"], shown["hint"]) == ("laptop", key["api_key"][-4:])
    assert key["api_key"] not in str(shown)

    # The key works at once, within the workspace's rate limit, which can be changed.
    body = {"workspace_id": workspace_id, "project_id": made["project_id"], "type": "text", "prompt": "A fox"}
    with server.client(key["api_key"]) as terrarium:
        [workspace] = terrarium.get("/workspaces").json()["workspaces"]
        assert (workspace["name"], workspace["role"]) == ("Studio", "editor")
        statuses = [terrarium.post("/generate", json=body).status_code for _ in range(3)]
        assert statuses == [201, 201, 429]
        server.admin("limits", "set", "--workspace", workspace_id, "100")
        assert terrarium.post("/generate", json=body).status_code == 201

        server.admin("keys", "revoke", key["key_id"])
        assert terrarium.get("/workspaces").status_code == 401


def test_keys_can_be_read_only_or_expire_or_have_a_cap(server: Server) -> None:
    made = server.admin("workspaces", "create", "Studio", "--credits", "10")
    workspace = ("--workspace", made["workspace_id"])
    body = {
        **server.first.body(model="t2t-rehearsal"),
        **{name: made[name] for name in ("workspace_id", "project_id")},
    }

    viewer = server.admin("keys", "create", *workspace, "--role", "viewer")["api_key"]
    with server.client(viewer) as terrarium:
        assert terrarium.get("/generations").status_code == 200
        assert terrarium.post("/generate", json=body).status_code == 403

    ended = server.admin("keys", "create", *workspace, "--expires", "2020-01-01")["api_key"]
    with server.client(ended) as terrarium:
        assert terrarium.get("/generations").status_code == 401

    capped = server.admin("keys", "create", *workspace, "--spending-cap", "0.3")["api_key"]
    with server.client(capped) as terrarium:
        assert [terrarium.post("/generate", json=body).status_code for _ in range(2)] == [201, 402]


def test_people_belong_to_a_workspace(server: Server) -> None:
    workspace_id = server.new_account().workspace_id
    added = server.admin("members", "add", "ada@example.com", "--workspace", workspace_id, "--role", "viewer")
    assert server.admin("members", "list", "--workspace", workspace_id) == [added]


def test_a_mistake_is_reported_in_one_line(server: Server) -> None:
    mistakes = {
        ("keys", "create", "--workspace", "ws_none"): "terrarium: There is no workspace ws_none.",
        ("keys", "revoke", "key_none"): "terrarium: There is no key key_none.",
        ("limits", "set", "--workspace", "ws_none", "3"): "terrarium: There is no workspace ws_none.",
        ("credits", "grant", "--workspace", server.first.workspace_id, "--", "-1000000"): (
            "terrarium: The balance is smaller than the amount to withdraw."
        ),
    }
    for arguments, message in mistakes.items():
        done = subprocess.run(
            [TERRARIUM, "admin", *arguments],
            env=server.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stdout, done.stderr.strip()) == (1, "", message)
