"""Behind a pooler that delivers no notifications, requests still hear what other processes do."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from support.events import Sent, parsed
from support.pooler import Mode, pooler
from support.postgres import Postgres
from support.server import DEADLINE, Server, running_server

KEY = "sk_live_of_everybody"


def listened(server: Server, path: str) -> list[Sent]:
    with server.client(KEY) as client, client.stream("GET", path) as answer:
        return list(parsed(answer.iter_lines()))


def test_waiting_and_listening_requests_hear_of_a_run_in_another_process(
    postgres: Postgres, tmp_path: Path
) -> None:
    url = postgres.fresh_database()
    with ExitStack() as stack:
        proxy = stack.enter_context(pooler(url))
        proxy.mode = Mode.SWALLOW
        worker = stack.enter_context(running_server(tmp_path / "worker", database_url=url, bootstrap_key=KEY))
        server = stack.enter_context(
            running_server(tmp_path / "api", database_url=proxy.url, workers=False, bootstrap_key=KEY)
        )
        pool = stack.enter_context(ThreadPoolExecutor())
        body = worker.first.body(model="t2t-rehearsal", params={"seconds": 1.5})
        with server.client(KEY) as client:
            run_id = client.post("/generate", json=body).raise_for_status().json()["run_id"]
            listening = pool.submit(listened, server, f"/runs/{run_id}/events")
            run = client.get(f"/runs/{run_id}", headers={"prefer": "wait=60"}).json()
        assert run["status"] == "completed"
        types = [event.type for event in listening.result(DEADLINE)]
        assert [type for type in types if type != "run.progress"] == [
            "open",
            "run.created",
            "run.started",
            "run.completed",
        ]
        assert "run.progress" in types
        log = (tmp_path / "api" / "server.log").read_text()
        assert log.count("WARNING") == 1 and "TERRARIUM_DATABASE_URL" in log
    postgres.drop(url)
