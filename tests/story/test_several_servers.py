"""Any number of servers may start at the same time on one PostgreSQL, with workers and without."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from support.postgres import Postgres
from support.server import Server, finished, running_server
from terrarium_server import accounts, ledger

KEY = "sk_live_of_everybody"


def test_servers_that_start_together_on_an_empty_database_share_one_workspace(
    postgres: Postgres, tmp_path: Path
) -> None:
    url = postgres.fresh_database()
    with ExitStack() as stack:

        def start(number: int) -> Server:
            # The last two only answer requests.
            server = running_server(
                tmp_path / str(number), database_url=url, workers=number < 2, bootstrap_key=KEY
            )
            return stack.enter_context(server)

        with ThreadPoolExecutor(4) as pool:
            servers = list(pool.map(start, range(4)))
        # One of them created the first key.
        assert [f"FLORA_API_KEY={KEY}" in server.greeting for server in servers].count(True) == 1
        with servers[0].transaction() as tx:
            [workspace] = accounts.list_workspaces(tx)
            [key] = accounts.list_keys(tx, workspace.workspace_id)
            [project] = accounts.list_projects(tx, workspace.workspace_id, limit=9)
            assert ledger.read_balance(tx, workspace.workspace_id) == 100_000_000
        # Each accepts runs, and each knows the ends of all runs.
        for first, second in zip(servers, reversed(servers), strict=True):
            with first.client(KEY) as client, second.client(KEY) as other:
                body = {
                    **first.first.body(model="t2t-rehearsal"),
                    "workspace_id": workspace.workspace_id,
                    "project_id": project.project_id,
                }
                run_id = client.post("/generate", json=body).raise_for_status().json()["run_id"]
                assert finished(other, run_id)["status"] == "completed"
        assert key.key_id and servers[0].admin("credits", "check")["balanced"] is True
    postgres.drop(url)
