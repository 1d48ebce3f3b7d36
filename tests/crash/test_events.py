"""Listeners miss no event, whichever of several servers and workers dies."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
import sqlalchemy as sa

from crash.deployment import Caller, Deployment, Process, wait_until
from crash.provider import Provider
from crash.scenarios import MakeDeployment, Results, Scenarios
from crash.steps import MODELS
from support.events import Sent, parsed
from support.server import DEADLINE, Account
from terrarium_server import events, runs
from terrarium_server.events import Change

SCENARIOS = Scenarios()

_STARTS = 60
_PAUSE_SECONDS = 0.05
# What the test records when all is over, so that listeners need not wait for silence.
_OVER = "test.over"


def _listen(server: Callable[[], Process], account: Account, path: str) -> list[Sent]:
    """Collect the events of a stream until the last one, over as many connections as it takes."""
    heard: list[Sent] = []
    deadline = time.monotonic() + DEADLINE
    headers = {"authorization": f"Bearer {account.api_key}"}
    while time.monotonic() < deadline:
        resumed = {"last-event-id": str(heard[-1].id if heard else 0)}
        url = f"{server().base_url}/api/v1{path}"
        try:
            with httpx.stream(
                "GET", url, headers=headers | resumed, timeout=DEADLINE, verify=False
            ) as answer:
                for event in parsed(answer.iter_lines()):
                    if event.type == _OVER:
                        return heard
                    assert event.type != "reset"
                    if event.type not in ("open", "run.progress"):
                        heard.append(event)
        except httpx.TransportError:
            time.sleep(_PAUSE_SECONDS)
    raise AssertionError(f"the stream did not end; {len(heard)} events were heard")


def _start_runs(server: Callable[[], Process], account: Account, name: str) -> None:
    """Start runs one after another; a start whose answer is lost is repeated with its key."""
    models = sorted(MODELS.values())
    for number in range(_STARTS):
        while True:
            try:
                with Caller(server(), account) as caller:
                    caller.start(models[number % len(models)], key=f"{name} {number}")
                break
            except httpx.TransportError:
                time.sleep(_PAUSE_SECONDS)


def _restart(deployment: Deployment, servers: list[Process], workers: list[Process]) -> None:
    """Kill each process in turn, and start another one in its place."""
    for place in range(2):
        servers[place].kill()
        servers[place] = deployment.serve("--no-workers")
        workers[place].kill()
        workers[place] = deployment.worker()


def _all_over(deployment: Deployment) -> bool:
    ended = runs.runs.c.state.in_(("completed", "failed"))
    count = sa.select(sa.func.count(), sa.func.count(sa.case((ended, 1)))).select_from(runs.runs)
    with deployment.database.transaction() as tx:
        started, over = tuple(tx.execute(count).one())
    return started == over == 2 * _STARTS


@SCENARIOS.on("postgres")
def no_event_is_missed_whichever_process_dies(make_deployment: MakeDeployment) -> None:
    with make_deployment(Provider(seconds=0.2)) as deployment, ThreadPoolExecutor() as pool:
        account = deployment.account()
        servers = [deployment.serve("--no-workers") for _ in range(2)]
        workers = [deployment.worker() for _ in range(2)]
        path = f"/projects/{account.project_id}/events"
        listening = [
            pool.submit(_listen, lambda place=place: servers[place % 2], account, path) for place in range(4)
        ]
        starting = [
            pool.submit(_start_runs, lambda place=place: servers[place], account, f"starter {place}")
            for place in range(2)
        ]
        _restart(deployment, servers, workers)
        for starter in starting:
            starter.result(DEADLINE)
        wait_until(lambda: _all_over(deployment), "all runs should end")
        with deployment.database.transaction() as tx:
            recorded = events.read(tx, events.Selection(account.project_id), 0, 100_000)
            events.record(tx, [Change(account.project_id, _OVER, "run_none", "run_none", "system", {})])
        expected = [(event.type, event.number, event.run_id) for event in recorded]
        assert [number for _, number, _ in expected] == list(range(1, len(expected) + 1))
        ends = [run_id for type, _, run_id in expected if type in ("run.completed", "run.failed")]
        assert len(ends) == len(set(ends)) == 2 * _STARTS
        for listener in listening:
            heard = [(event.type, event.id, event.data["run_id"]) for event in listener.result(DEADLINE)]
            assert heard == expected


@pytest.mark.parametrize("case", SCENARIOS.cases)
def test_events(results: Results, case: str) -> None:
    results[case].result()
