"""Model processes are killed or cannot be started: the server's runs complete all the same."""

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crash.deployment import wait_until
from crash.generations import CLIP, LONG, LONG_CLIP, LONG_SPEECH, PICTURE, SPEECH
from crash.installation import PATIENCE, Client, Installation, kill, model_processes, wait_until_gone
from crash.workload import Workload
from support import processes
from support.server import Server

# A job is tried three times, so that it survives so many deaths.
_DEATHS = 2
_CANCELLED = 20
_KILLED = 20
# The number of processes that make clips.
_AT_ONCE = 2


@pytest.mark.timeout(900)
def test_every_model_process_is_killed_at_work_and_killed_again(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    workload = Workload()
    with installation.serve() as server, Client(server) as client:
        workload.begin(client)
        for _ in range(_DEATHS):
            workload.wait_until_all_are_at_work(client)
            # Progress from before the first deaths is still shown, so wait for a process for each model.
            are_started = lambda: len(model_processes(server.process)) >= len(LONG) - 2  # noqa: E731
            wait_until(are_started, "the models should be started", seconds=PATIENCE)
            killed = model_processes(server.process)
            processes.send(signal.SIGKILL, killed)
            wait_until_gone(killed)
        client.wait_until_over()
        client.check_everything_was_made_and_paid_once()
        assert installation.left_in(installation.system_temporary) == []
    assert installation.left_in(installation.jobs) == []


def programs(server: Server) -> set[int]:
    """Return the programs that the model processes have started: encoders, speech synthesizers."""
    return set(processes.descendants(server.process.pid)) - set(model_processes(server.process))


@pytest.mark.timeout(900)
def test_programs_that_model_processes_have_started_are_killed(tmp_path: Path) -> None:
    """A system that is short of memory kills the largest process, which may be such a program."""
    installation = Installation(tmp_path)
    with installation.serve() as server, Client(server) as client:
        for generation in (LONG_CLIP, LONG_SPEECH):
            run_id = client.start(generation)
            wait_until(lambda: bool(programs(server)), "a program should be running")
            processes.send(signal.SIGKILL, programs(server))
            client.wait_until_over(run_id)
        client.check_everything_was_made_and_paid_once()
    assert installation.left_in(installation.jobs) == []


@contextmanager
def without_files_for_a_process(server: Server) -> Iterator[None]:
    """Within the block, let a server open only three more files, too few for the pipes to a process."""
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
        # After these runs the server has opened its permanent files, and no process for pictures is running.
        client.wait_until_over(*[client.start(SPEECH) for _ in range(8)])
        before = installation.printed
        with without_files_for_a_process(server):
            run_ids = [client.start(generation) for generation in (PICTURE, CLIP, PICTURE)]
            wait_until(lambda: installation.printed != before, "it should be logged")
        client.wait_until_over(*run_ids)
        client.wait_until_over(client.start(PICTURE))
        client.check_everything_was_made_and_paid_once()


class ClipFiles:
    """The files of unfinished clips."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._seen: set[Path] = set()

    def wait_until_more_are_written(self, count: int) -> None:
        """Wait for so many files that did not exist at the last call."""
        installation = self._installation
        folders = (installation.jobs, installation.system_temporary)

        def are_written() -> bool:
            files = {path for folder in folders for path in installation.left_in(folder)}
            clips = {path for path in files if path.suffix == ".mp4"}
            if len(clips - self._seen) < count:
                return False
            self._seen |= clips
            return True

        wait_until(are_written, f"{count} clips should be written", seconds=PATIENCE)


@pytest.mark.timeout(900)
def test_nothing_is_left_of_clips_that_were_cancelled_or_whose_processes_were_killed(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    clip_files = ClipFiles(installation)
    with installation.serve() as server, Client(server) as client:
        for number in range(0, _CANCELLED + _KILLED, _AT_ONCE):
            run_ids = [client.start(LONG_CLIP) for _ in range(_AT_ONCE)]
            clip_files.wait_until_more_are_written(_AT_ONCE)
            if number >= _CANCELLED:
                processes.send(signal.SIGKILL, model_processes(server.process))
            for run_id in run_ids:
                client.cancel(run_id)
        client.wait_until_over(client.start(CLIP))
        wait_until(lambda: not installation.left_in(installation.jobs), "nothing should be left of jobs")
        assert installation.left_in(installation.system_temporary) == []
    assert installation.left_in(installation.jobs) == []
    assert installation.left_in(installation.system_temporary) == []


@pytest.mark.timeout(900)
def test_a_killed_server_leaves_no_process_and_the_next_one_deletes_its_files(tmp_path: Path) -> None:
    installation = Installation(tmp_path)
    clip_files = ClipFiles(installation)
    with installation.serve() as server, Client(server) as client:
        run_ids = [client.start(generation) for generation in (LONG_CLIP, LONG_CLIP, CLIP)]
        clip_files.wait_until_more_are_written(_AT_ONCE)
        server.stop_requested.set()
        kill(server.process)
    with installation.serve() as server, Client(server) as client:
        client.wait_until_over(*run_ids)
        client.check_everything_was_made_and_paid_once()
        assert installation.left_in(installation.jobs) == []
        assert installation.left_in(installation.system_temporary) == []
    assert installation.left_in(installation.jobs) == []
    assert installation.left_in(installation.system_temporary) == []
