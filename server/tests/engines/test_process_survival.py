"""Model processes that die, hang or cannot be started, and stop signals that reach them."""

import errno
import logging
import os
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

from support.server import DEADLINE
from terrarium_server.engines import CODES, Failed, Finished, Lost, Progress
from terrarium_server.engines import _process as pools

from .puppets import Open, children, do, empty, end_of, grandchild, wait_until, wait_until_gone

LOG = "terrarium_server.engines"


@pytest.fixture
def attempts(tmp_path: Path) -> Path:
    """Where processes note that they tried."""
    noted = tmp_path / "attempts"
    noted.touch()
    return noted


def lost(times: int, attempts: Path, key: str = "run_1", how: str = "killed") -> Any:
    return do("fail", key, how=how, times=times, attempts=str(attempts))


def processes_that_tried(attempts: Path) -> list[str]:
    return attempts.read_text().split()


@pytest.mark.parametrize("how", ["killed", "exits", "hangs"])
def test_a_job_whose_process_is_lost_twice_is_done_by_a_third(
    open_pool: Open, scratch: Path, attempts: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    # Long enough for the start of a process on a busy machine.
    driven = open_pool(patience=5.0 if how == "hangs" else DEADLINE)
    with caplog.at_level(logging.WARNING, LOG):
        ticket = driven.submit(lost(2, attempts, how=how))
        heard = list(driven.follow(ticket))
    made = heard[-1]
    assert isinstance(made, Finished), made
    tried = processes_that_tried(attempts)
    assert len(tried) == len(set(tried)) == 3
    # Its follower sees the progress of each attempt.
    fractions = [news.fraction for news in heard if isinstance(news, Progress)]
    assert 0.0 in fractions[fractions.index(0.75) :]
    # One line for each process says how it ended.
    said = {"killed": "was ended by SIGKILL", "exits": "exit status 3", "hangs": "said nothing for 5 s"}
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2 and all(said[how] in line and "puppet_process" in line for line in lines), lines
    assert {path for path in scratch.iterdir()} == {output.data for output in made.outputs[:2]}


def test_after_three_attempts_it_has_failed_alone(open_pool: Open, scratch: Path, attempts: Path) -> None:
    driven = open_pool()
    ticket = driven.submit(lost(1000, attempts))
    assert isinstance(driven.made(do("make", "run_2")), Finished)
    failed = end_of(driven, ticket)
    assert isinstance(failed, Failed) and CODES[failed.code] == "retry-now", failed
    assert "SIGKILL" in failed.message and "3 attempts" in failed.message
    assert "try once more" in failed.message
    assert len(processes_that_tried(attempts)) == 3
    assert isinstance(driven.made(do("make", "run_3")), Finished)
    assert not list(scratch.glob("*/"))


def test_what_waits_is_done_before_a_lost_job_is_tried_again(open_pool: Open, attempts: Path) -> None:
    driven = open_pool()
    first = driven.submit(do("stay", "run_0"))
    driven.wait_until_at_work(first)
    poison = driven.submit(lost(1000, attempts, "run_1"))
    others = [driven.submit(do("make", f"run_{number}")) for number in range(2, 5)]
    driven.cancel(first)
    for ticket in others:
        assert isinstance(end_of(driven, ticket), Finished)
    assert isinstance(end_of(driven, poison), Failed)


def test_a_job_that_was_cancelled_is_not_tried_again(open_pool: Open, scratch: Path, attempts: Path) -> None:
    driven = open_pool()
    ticket = driven.submit(lost(1000, attempts, how="hangs"))
    driven.wait_until_at_work(ticket)
    driven.cancel(ticket)
    assert driven.end(ticket) == Lost()
    assert isinstance(driven.made(do("make", "run_2")), Finished)
    assert len(processes_that_tried(attempts)) == 1


def test_a_pool_that_closes_tries_nothing_again(open_pool: Open, scratch: Path, attempts: Path) -> None:
    driven = open_pool(processes=2)
    before = children()
    tickets = [driven.submit(lost(1000, attempts, f"run_{number}", "hangs")) for number in range(2)]
    for ticket in tickets:
        driven.wait_until_at_work(ticket)
    driven.close()
    assert children() == before and empty(scratch)
    assert len(processes_that_tried(attempts)) == 2


def test_what_a_killed_process_had_started_is_gone_too(open_pool: Open, scratch: Path) -> None:
    driven = open_pool()
    before = children()
    ticket = driven.submit(do("stay"))
    program = grandchild(driven, ticket)
    (child,) = children() - before
    child.kill()
    wait_until_gone(program)
    # It is at work again, in another process.
    wait_until(lambda: bool(children() - before - {child}))
    driven.wait_until_at_work(ticket)
    driven.cancel(ticket)
    wait_until(lambda: empty(scratch))


SERVER = """
import sys
from pathlib import Path
from puppets import Puppets, do, grandchild
from support.driving import Driven
driven = Driven(Puppets(Path(sys.argv[1])))
print(grandchild(driven, driven.submit(do(sys.argv[2]))).pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("what", ["stay", "fall silent"])
def test_with_a_killed_server_its_processes_and_what_they_started_end(scratch: Path, what: str) -> None:
    here = Path(__file__).parent
    paths = [str(here), str(here.parents[2] / "tests"), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    server = psutil.Popen(
        [sys.executable, "-c", SERVER, str(scratch), what],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
    )
    with server:
        program = psutil.Process(int(server.stdout.readline()))
        (child,) = server.children()
        server.kill()
        wait_until_gone(program)
        wait_until_gone(child)


def test_a_process_that_died_while_it_was_idle_costs_the_next_job_nothing(
    open_pool: Open, attempts: Path
) -> None:
    driven = open_pool(idle_seconds=DEADLINE)
    before = children()
    assert isinstance(driven.made(do("make")), Finished)
    (child,) = children() - before
    child.kill()
    wait_until(lambda: child not in children())
    # It is still allowed to be lost twice.
    assert isinstance(end_of(driven, driven.submit(lost(2, attempts, "run_2"))), Finished)


def test_where_no_process_can_be_started_the_job_fails_and_the_pool_goes_on(
    open_pool: Open, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driven = open_pool(processes=2)
    monkeypatch.setattr(pools, "_PAUSES", (0.01, 0.02))
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", str(scratch / "nowhere"))
        for number in range(3):
            failed = driven.made(do("make", f"run_{number}"))
            assert isinstance(failed, Failed) and CODES[failed.code] == "retry-now"
            assert "No such file" in failed.message and "try once more" in failed.message
    assert isinstance(driven.made(do("make")), Finished)


def test_a_moment_without_descriptors_costs_no_job(open_pool: Open, caplog: pytest.LogCaptureFixture) -> None:
    driven = open_pool(processes=2)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    with caplog.at_level(logging.WARNING, LOG):
        try:
            # No number is left for another one.
            resource.setrlimit(resource.RLIMIT_NOFILE, (_lowest_free_descriptor(), most))
            tickets = [driven.submit(do("make", f"run_{number}")) for number in range(4)]
            wait_until(lambda: bool(caplog.records))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, usual)
        for ticket in tickets:
            assert isinstance(end_of(driven, ticket), Finished)
    assert os.strerror(errno.EMFILE) in caplog.records[0].getMessage()


def _lowest_free_descriptor() -> int:
    free = os.dup(0)
    os.close(free)
    return free


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_signal_to_everything_at_any_moment_ends_no_job(
    open_pool: Open, tmp_path: Path, number: signal.Signals
) -> None:
    driven = open_pool()
    before = children()
    finish = tmp_path / "finish"
    at_work = threading.Event()
    shot = 0

    def shoot() -> int:
        """Do as a terminal and a service manager do: signal the group, and every process by itself."""
        count = 0
        for child in children() - before:
            try:
                started = [child, *child.children(recursive=True)]
                if os.getpgid(child.pid) != os.getpgid(0):
                    os.killpg(child.pid, number)
                for process in started:
                    process.send_signal(number)
                    count += 1
            except (psutil.NoSuchProcess, ProcessLookupError):
                continue
        return count

    def shoot_until_at_work() -> None:
        nonlocal shot
        while not at_work.is_set():
            shot += shoot()

    shooting = threading.Thread(target=shoot_until_at_work)
    shooting.start()
    try:
        ticket = driven.submit(do("work until", file=str(finish)))
        driven.wait_until_at_work(ticket)
    finally:
        at_work.set()
        shooting.join()
    assert shot > 0
    wait_until(lambda: any(child.children() for child in children() - before))
    (child,) = children() - before
    (encoder,) = child.children()
    for _ in range(20):
        assert shoot() >= 2
    finish.touch()
    made = end_of(driven, ticket)
    assert isinstance(made, Finished), made
    assert made.outputs[0].duration_seconds
    assert children() - before == {child} and not encoder.is_running()
    assert isinstance(driven.made(do("make", "run_2")), Finished)


def test_a_process_is_in_a_session_of_its_own_and_gives_way(open_pool: Open) -> None:
    driven = open_pool()
    before = children()
    driven.wait_until_at_work(driven.submit(do("stay")))
    (child,) = children() - before
    assert os.getpgid(child.pid) == os.getsid(child.pid) == child.pid
    (program,) = child.children()
    assert os.getsid(program.pid) == child.pid
    assert child.nice() == min(psutil.Process().nice() + 10, 19)
    # Where the kernel shares the processor between sessions first, the session gives way.
    group = Path(f"/proc/{child.pid}/autogroup")
    wait_until(lambda: not group.exists() or group.read_text().split()[-1] == str(child.nice()))
