"""A stop signal to a server and all of its busy model processes loses no run."""

import signal
from pathlib import Path

import pytest

from crash.deployment import wait_until
from crash.generations import LONG
from crash.installation import (
    Client,
    Installation,
    model_processes,
    signal_all,
    wait_until_ended,
    wait_until_stopping,
)
from crash.workload import Workload
from support.server import Server

# How long a server continues free work after it was told to stop.
_DRAIN = 1.0
_FOR_EVER = 3600


@pytest.mark.timeout(900)
def test_no_run_of_a_server_is_lost(tmp_path: Path, database_url: str) -> None:
    installation = Installation(tmp_path, database_url)
    workload = Workload()
    with installation.serve(drain_seconds=_DRAIN) as server, Client(server) as client:
        workload.begin(client)
        workload.wait_until_all_are_at_work(client)
        stop(server, signal.SIGINT)
    with installation.serve(drain_seconds=_DRAIN) as server, Client(server) as client:
        workload.wait_until_all_are_at_work(client)
        stop(server, signal.SIGTERM)
    with installation.serve(drain_seconds=_FOR_EVER) as server, Client(server) as client:
        workload.add(client)
        # They are still loading, and may not have installed their signal handlers.
        are_started = lambda: len(model_processes(server.process)) >= len(LONG) // 2  # noqa: E731
        wait_until(are_started, "models should be started")
        server.stop_requested.set()
        signal_all(server.process, signal.SIGTERM)
        wait_until_stopping(server)
        # The server would finish all of its free work; the second signal stops it at once.
        signal_all(server.process, signal.SIGINT)
        wait_until_ended(server.process)
    with installation.serve() as server, Client(server) as client:
        client.wait_until_over()
        client.check_everything_was_made_and_paid_once()
    check_that_nothing_is_left(installation)


def stop(server: Server, number: signal.Signals) -> None:
    server.stop_requested.set()
    signal_all(server.process, number)
    wait_until_ended(server.process)


def check_that_nothing_is_left(installation: Installation) -> None:
    assert installation.left_in(installation.jobs) == []
    assert installation.left_in(installation.system_temporary) == []


@pytest.mark.timeout(900)
def test_no_run_of_a_worker_is_lost(tmp_path: Path, postgres_url: str) -> None:
    installation = Installation(tmp_path, postgres_url)
    workload = Workload()
    with installation.serve(workers=False, drain_seconds=_DRAIN) as server, Client(server) as client:
        with installation.work(server) as worker:
            workload.begin(client)
            workload.wait_until_all_are_at_work(client)
            signal_all(worker, signal.SIGTERM)
            wait_until_ended(worker)
        with installation.work(server) as worker:
            client.wait_until_over()
            client.check_everything_was_made_and_paid_once()
            signal_all(worker, signal.SIGINT)
            wait_until_ended(worker)
    check_that_nothing_is_left(installation)
