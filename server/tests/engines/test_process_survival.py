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
from terrarium_server.engines.processes import _pool as pools

from .scripted import Open, children, do, empty, end_of, grandchild, wait_until, wait_until_gone

LOG = "terrarium_server.engines"


@pytest.fixture
def attempts(tmp_path: Path) -> Path:
    """The file in which processes record their attempts."""
    file = tmp_path / "attempts"
    file.touch()
    return file


def lost(times: int, attempts: Path, key: str = "run_1", how: str = "killed") -> Any:
    return do("fail", key, how=how, times=times, attempts=str(attempts))


def processes_that_tried(attempts: Path) -> list[str]:
    return attempts.read_text().split()


@pytest.mark.parametrize("how", ["killed", "exits", "hangs"])
def test_a_job_whose_process_is_lost_twice_is_run_by_a_third(
    open_pool: Open, scratch: Path, attempts: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    # A process may take some seconds to start on a busy machine.
    driver = open_pool(patience=5.0 if how == "hangs" else DEADLINE)
    with caplog.at_level(logging.WARNING, LOG):
        ticket = driver.submit(lost(2, attempts, how=how))
        updates = list(driver.follow(ticket))
    made = updates[-1]
    assert isinstance(made, Finished), made
    pids = processes_that_tried(attempts)
    assert len(pids) == len(set(pids)) == 3
    # The follower gets the progress of each attempt.
    fractions = [update.fraction for update in updates if isinstance(update, Progress)]
    assert 0.0 in fractions[fractions.index(0.75) :]
    # The log has one line for each process and how it ended.
    ends = {"killed": "was ended by SIGKILL", "exits": "exit status 3", "hangs": "reported nothing for 5 s"}
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 2 and all(ends[how] in line and "scripted_process" in line for line in lines), lines
    assert {path for path in scratch.iterdir()} == {output.data for output in made.outputs[:2]}


def test_after_three_attempts_it_has_failed_alone(open_pool: Open, scratch: Path, attempts: Path) -> None:
    driver = open_pool()
    ticket = driver.submit(lost(1000, attempts))
    assert isinstance(driver.run(do("make", "run_2")), Finished)
    failed = end_of(driver, ticket)
    assert isinstance(failed, Failed) and CODES[failed.code] == "retry-now", failed
    assert "SIGKILL" in failed.message and "3 attempts" in failed.message
    assert "try once more" in failed.message
    assert len(processes_that_tried(attempts)) == 3
    assert isinstance(driver.run(do("make", "run_3")), Finished)
    assert not list(scratch.glob("*/"))


def test_queued_jobs_run_before_a_lost_job_is_tried_again(open_pool: Open, attempts: Path) -> None:
    driver = open_pool()
    first = driver.submit(do("wait", "run_0"))
    driver.wait_until_started(first)
    poison = driver.submit(lost(1000, attempts, "run_1"))
    others = [driver.submit(do("make", f"run_{number}")) for number in range(2, 5)]
    driver.cancel(first)
    for ticket in others:
        assert isinstance(end_of(driver, ticket), Finished)
    assert isinstance(end_of(driver, poison), Failed)


def test_a_cancelled_job_is_not_tried_again(open_pool: Open, scratch: Path, attempts: Path) -> None:
    driver = open_pool()
    ticket = driver.submit(lost(1000, attempts, how="hangs"))
    driver.wait_until_started(ticket)
    driver.cancel(ticket)
    assert driver.end(ticket) == Lost()
    assert isinstance(driver.run(do("make", "run_2")), Finished)
    assert len(processes_that_tried(attempts)) == 1


def test_a_closed_pool_tries_nothing_again(open_pool: Open, scratch: Path, attempts: Path) -> None:
    driver = open_pool(processes=2)
    before = children()
    tickets = [driver.submit(lost(1000, attempts, f"run_{number}", "hangs")) for number in range(2)]
    for ticket in tickets:
        driver.wait_until_started(ticket)
    driver.close()
    assert children() == before and empty(scratch)
    assert len(processes_that_tried(attempts)) == 2


def test_programs_of_a_killed_process_end_too(open_pool: Open, scratch: Path) -> None:
    driver = open_pool()
    before = children()
    ticket = driver.submit(do("wait"))
    program = grandchild(driver, ticket)
    (child,) = children() - before
    child.kill()
    wait_until_gone(program)
    # The job runs again, in another process.
    wait_until(lambda: bool(children() - before - {child}))
    driver.wait_until_started(ticket)
    driver.cancel(ticket)
    wait_until(lambda: empty(scratch))


SERVER = """
import sys
from pathlib import Path
from scripted import ScriptedEngine, do, grandchild
from support.driver import EngineDriver
driver = EngineDriver(ScriptedEngine(Path(sys.argv[1])))
print(grandchild(driver, driver.submit(do(sys.argv[2]))).pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("action", ["wait", "hang"])
def test_with_a_killed_server_its_processes_and_their_programs_end(scratch: Path, action: str) -> None:
    here = Path(__file__).parent
    paths = [str(here), str(here.parents[2] / "tests"), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    server = psutil.Popen(
        [sys.executable, "-c", SERVER, str(scratch), action],
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


def test_a_process_that_died_while_idle_costs_the_next_job_no_attempt(
    open_pool: Open, attempts: Path
) -> None:
    driver = open_pool(idle_seconds=DEADLINE)
    before = children()
    assert isinstance(driver.run(do("make")), Finished)
    (child,) = children() - before
    child.kill()
    wait_until(lambda: child not in children())
    # The job may still be lost twice.
    assert isinstance(end_of(driver, driver.submit(lost(2, attempts, "run_2"))), Finished)


def test_if_no_process_can_be_started_the_job_fails_and_the_pool_goes_on(
    open_pool: Open, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = open_pool(processes=2)
    monkeypatch.setattr(pools, "_START_PAUSES", (0.01, 0.02))
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", str(scratch / "nowhere"))
        for number in range(3):
            failed = driver.run(do("make", f"run_{number}"))
            assert isinstance(failed, Failed) and CODES[failed.code] == "retry-now"
            assert "No such file" in failed.message and "try once more" in failed.message
    assert isinstance(driver.run(do("make")), Finished)


def test_a_brief_lack_of_descriptors_fails_no_job(open_pool: Open, caplog: pytest.LogCaptureFixture) -> None:
    driver = open_pool(processes=2)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    usual = resource.getrlimit(resource.RLIMIT_NOFILE)
    with caplog.at_level(logging.WARNING, LOG):
        try:
            # From now on no descriptor can be opened.
            resource.setrlimit(resource.RLIMIT_NOFILE, (_lowest_free_descriptor(), most))
            tickets = [driver.submit(do("make", f"run_{number}")) for number in range(4)]
            wait_until(lambda: bool(caplog.records))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, usual)
        for ticket in tickets:
            assert isinstance(end_of(driver, ticket), Finished)
    assert os.strerror(errno.EMFILE) in caplog.records[0].getMessage()


def _lowest_free_descriptor() -> int:
    free = os.dup(0)
    os.close(free)
    return free


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stop_signals_to_all_processes_end_no_job_at_any_moment(
    open_pool: Open, tmp_path: Path, number: signal.Signals
) -> None:
    driver = open_pool()
    before = children()
    finish = tmp_path / "finish"
    at_work = threading.Event()
    sent = 0

    def send_signals() -> int:
        """Signal the process group, as a terminal does, and each process, as a service manager does."""
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

    def send_until_at_work() -> None:
        nonlocal sent
        while not at_work.is_set():
            sent += send_signals()

    sending = threading.Thread(target=send_until_at_work)
    sending.start()
    try:
        ticket = driver.submit(do("encode until", file=str(finish)))
        driver.wait_until_started(ticket)
    finally:
        at_work.set()
        sending.join()
    assert sent > 0
    wait_until(lambda: any(child.children() for child in children() - before))
    (child,) = children() - before
    (encoder,) = child.children()
    for _ in range(20):
        assert send_signals() >= 2
    finish.touch()
    made = end_of(driver, ticket)
    assert isinstance(made, Finished), made
    assert made.outputs[0].duration_seconds
    assert children() - before == {child} and not encoder.is_running()
    assert isinstance(driver.run(do("make", "run_2")), Finished)


def test_a_process_has_a_session_of_its_own_and_a_lower_priority(open_pool: Open) -> None:
    driver = open_pool()
    before = children()
    driver.wait_until_started(driver.submit(do("wait")))
    (child,) = children() - before
    assert os.getpgid(child.pid) == os.getsid(child.pid) == child.pid
    (program,) = child.children()
    assert os.getsid(program.pid) == child.pid
    assert child.nice() == min(psutil.Process().nice() + 10, 19)
    # If the kernel divides the processor between sessions first, the session has a lower priority.
    group = Path(f"/proc/{child.pid}/autogroup")
    wait_until(lambda: not group.exists() or group.read_text().split()[-1] == str(child.nice()))
