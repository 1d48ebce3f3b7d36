"""Model processes are killed or cannot be started: the runs of a server that goes on complete."""

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crash.installation import PATIENCE, Client, Installation, kill, model_processes, wait_until_gone
from crash.orders import CLIP, LONG, LONG_CLIP, LONG_SPEECH, PICTURE, SPEECH
from crash.workload import Workload
from crash.world import wait_until
from support import processes
from support.server import Server

# A run is tried three times, so that it survives so many deaths.
_DEATHS = 2
_CANCELLED = 20
_KILLED = 20
# So many processes make clips.
_AT_ONCE = 2


@pytest.mark.timeout(900)
def test_every_model_process_is_killed_at_work_and_killed_again(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    workload = Workload()
    with installation.serve() as server, Client(server) as client:
        workload.begin(client)
        for _ in range(_DEATHS):
            workload.wait_until_all_are_at_work(client)
            # What was shown before the first deaths is shown still; there is a process for each model again.
            are_there = lambda: len(model_processes(server.process)) >= len(LONG) - 2  # noqa: E731
            wait_until(are_there, "the models should be started", seconds=PATIENCE)
            victims = model_processes(server.process)
            processes.send(signal.SIGKILL, victims)
            wait_until_gone(victims)
        client.wait_until_over()
        client.check_everything_was_made_and_paid_once()
        assert installation.left_in(installation.system_temporary) == []
    assert installation.left_in(installation.jobs) == []


def programs(server: Server) -> set[int]:
    """What the model processes have started: encoders, voices."""
    return set(processes.descendants(server.process.pid)) - set(model_processes(server.process))


@pytest.mark.timeout(900)
def test_programs_that_model_processes_have_started_are_killed(tmp_path: Path) -> None:
    """As a system that is short of memory does, which takes the largest process."""
    installation = Installation(tmp_path)
    with installation.serve() as server, Client(server) as client:
        for order in (LONG_CLIP, LONG_SPEECH):
            run_id = client.order(order)
            wait_until(lambda: bool(programs(server)), "a program should be at work")
            processes.send(signal.SIGKILL, programs(server))
            client.wait_until_over(run_id)
        client.check_everything_was_made_and_paid_once()
    assert installation.left_in(installation.jobs) == []


@contextmanager
def without_files_for_a_process(server: Server) -> Iterator[None]:
    """Let a server open three more files, too few for the pipes to a process; then as many as before."""
    pid = server.process.pid
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    used = {int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir()}
    free = [number for number in range(before[0]) if number not in used]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (free[3], before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


@pytest.mark.timeout(900)
def test_an_engine_goes_on_after_a_process_that_could_not_be_started(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    with installation.serve() as server, Client(server) as client:
        # Whatever the server opens but once is open then, and no process that makes pictures is there.
        client.wait_until_over(*[client.order(SPEECH) for _ in range(8)])
        before = installation.printed
        with without_files_for_a_process(server):
            run_ids = [client.order(order) for order in (PICTURE, CLIP, PICTURE)]
            wait_until(lambda: installation.printed != before, "the log should tell of it")
        client.wait_until_over(*run_ids)
        client.wait_until_over(client.order(PICTURE))
        client.check_everything_was_made_and_paid_once()


class Watched:
    """The folders in which clips lie while they are made."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._seen: set[Path] = set()

    def wait_until_more_are_written(self, count: int) -> None:
        """Wait for so many files that were not there at the last call."""
        installation = self._installation
        folders = (installation.jobs, installation.system_temporary)

        def are_there() -> bool:
            found = {path for folder in folders for path in installation.left_in(folder)}
            found = {path for path in found if path.suffix == ".mp4"}
            if len(found - self._seen) < count:
                return False
            self._seen |= found
            return True

        wait_until(are_there, f"{count} clips should be written", seconds=PATIENCE)


@pytest.mark.timeout(900)
def test_nothing_is_left_of_clips_that_were_cancelled_or_whose_processes_were_killed(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    watched = Watched(installation)
    with installation.serve() as server, Client(server) as client:
        for number in range(0, _CANCELLED + _KILLED, _AT_ONCE):
            run_ids = [client.order(LONG_CLIP) for _ in range(_AT_ONCE)]
            watched.wait_until_more_are_written(_AT_ONCE)
            if number >= _CANCELLED:
                processes.send(signal.SIGKILL, model_processes(server.process))
            for run_id in run_ids:
                client.cancel(run_id)
        client.wait_until_over(client.order(CLIP))
        wait_until(lambda: not installation.left_in(installation.jobs), "nothing should be left of jobs")
        assert installation.left_in(installation.system_temporary) == []
    assert installation.left_in(installation.jobs) == []
    assert installation.left_in(installation.system_temporary) == []


@pytest.mark.timeout(900)
def test_a_killed_server_leaves_no_process_and_the_next_one_takes_away_its_files(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    watched = Watched(installation)
    with installation.serve() as server, Client(server) as client:
        run_ids = [client.order(order) for order in (LONG_CLIP, LONG_CLIP, CLIP)]
        watched.wait_until_more_are_written(_AT_ONCE)
        server.was_told_to_stop.set()
        kill(server.process)
    with installation.serve() as server, Client(server) as client:
        client.wait_until_over(*run_ids)
        client.check_everything_was_made_and_paid_once()
        assert installation.left_in(installation.jobs) == []
        assert installation.left_in(installation.system_temporary) == []
    assert installation.left_in(installation.jobs) == []
    assert installation.left_in(installation.system_temporary) == []
