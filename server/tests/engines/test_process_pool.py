"""Pools of model processes: how many there are, when they end, and that they leave nothing behind."""

import json
import struct
import threading
from pathlib import Path
from typing import Any

import pytest

from support.driver import content
from support.server import DEADLINE
from terrarium_server.engines import CODES, Failed, Finished, Lost, Output, Progress, Refused
from terrarium_server.engines.processes import _pool as pools

from .scripted import Open, children, do, empty, end_of, grandchild, wait_until, wait_until_gone


def test_media_come_as_files_and_nothing_else_is_left(open_pool: Open, scratch: Path) -> None:
    driver = open_pool(threads=3)
    updates = list(driver.follow(driver.submit(do("make"))))
    assert Progress(0.5, Output("image/png", b"small", 1, 1)) in updates
    made = updates[-1]
    assert isinstance(made, Finished)
    picture, video, text = made.outputs
    assert (picture.content_type, picture.width, picture.height) == ("image/png", 4, 3)
    assert (video.content_type, video.width, video.height) == ("video/mp4", 8, 6)
    assert (picture.duration_seconds, video.duration_seconds) == (None, 2.5)
    assert isinstance(text.data, str) and text.data.endswith("with 3 threads")
    # The folder has these two files and nothing else.
    assert {path for path in scratch.iterdir()} == {picture.data, video.data}
    assert (content(picture), content(video)) == (b"a picture", b"a video")
    assert empty(scratch)


def test_a_result_is_made_and_returned_once(open_pool: Open, scratch: Path) -> None:
    driver = open_pool()
    before = children()
    ticket = driver.submit(do("make"))
    assert driver.submit(do("make")) == ticket
    made = driver.end(ticket)
    assert isinstance(made, Finished)
    assert driver.end(ticket) == Lost() and driver.find(do("make")) is None
    for output in made.outputs:
        content(output)
    # The process is kept for the next job.
    kept = children() - before
    assert len(kept) == 1
    again = driver.run(do("make"))
    assert isinstance(again, Finished) and again.outputs[2] == made.outputs[2]
    assert children() - before == kept


def test_there_are_no_more_processes_than_allowed_and_no_threads_for_them(open_pool: Open) -> None:
    driver = open_pool(processes=2, cancel_grace=DEADLINE)
    before = children()
    tickets = [driver.submit(do("wait", f"run_{number}")) for number in range(4)]
    for ticket in tickets[:2]:
        driver.wait_until_started(ticket)
    for ticket in tickets[2:]:
        assert next(driver.follow(ticket)) == Progress(0.0)
    assert len(children() - before) == 2
    names = {thread.name for thread in threading.enumerate()}
    # asyncio has threads for file operations, and before Python 3.12 one for the end of each process.
    assert not [name for name in names if "scripted" in name or "slot" in name], names
    driver.cancel(tickets[0])
    driver.wait_until_started(tickets[2])
    # A job that is cancelled while it is queued is not started.
    driver.cancel(tickets[3])
    driver.cancel(tickets[1])
    assert isinstance(driver.run(do("make")), Finished)
    assert len(children() - before) == 2


def test_an_idle_process_ends_and_the_next_job_starts_another(open_pool: Open) -> None:
    driver = open_pool(idle_seconds=0.1)
    before = children()
    for number in range(2):
        assert isinstance(driver.run(do("make", f"run_{number}")), Finished)
        wait_until(lambda: children() == before)


@pytest.mark.parametrize("grace", [0.0, 0.2, DEADLINE])
def test_a_cancelled_job_ends_by_itself_or_with_its_process(
    open_pool: Open, scratch: Path, grace: float
) -> None:
    driver = open_pool(cancel_grace=grace)
    before = children()
    # With the short grace the process does not react, so that it has to be killed.
    ticket = driver.submit(do("wait" if grace != 0.2 else "hang"))
    program = grandchild(driver, ticket)
    at_work = children() - before
    driver.cancel(ticket)
    assert driver.end(ticket) == Lost()
    assert isinstance(driver.run(do("make", "run_2")), Finished)
    assert (children() - before == at_work) is (grace == DEADLINE)
    if grace < DEADLINE:
        # The program that it started has ended too.
        wait_until_gone(program)
    wait_until(lambda: not list(scratch.glob("*/*")))


def _frame(header: Any, body: bytes = b"") -> str:
    raw = json.dumps(header).encode()
    return (struct.pack(">II", len(raw), len(body)) + raw + body).hex()


MEDIUM = {"content_type": "image/png", "width": 4, "height": 3}
INVALID = {
    "no lengths": b"Traceback (most recent call last)".hex(),
    "no json": (struct.pack(">II", 4, 0) + b"\xff{!}").hex(),
    "no header": _frame(["progress", 0.5]),
    "unknown": _frame({"hello": 1}),
    "no number": _frame({"progress": "half"}),
    "no outputs": _frame({"outputs": 3}),
    "no type": _frame({"outputs": [{"text": 2}]}, b"hi"),
    "no text": _frame({"outputs": [{**MEDIUM, "text": 1}]}, b"\xff"),
    "no file": _frame({"outputs": [{**MEDIUM, "file": 7}]}),
    "no duration": _frame({"outputs": [{**MEDIUM, "text": 2, "duration": "long"}]}, b"hi"),
    "another folder": _frame({"outputs": [{**MEDIUM, "file": "../hosts"}]}),
}


@pytest.mark.parametrize("name", INVALID)
def test_an_invalid_message_of_a_process_fails_its_job_alone(
    open_pool: Open, scratch: Path, name: str
) -> None:
    driver = open_pool(patience=DEADLINE)
    failed = driver.run(do("send bytes", bytes=INVALID[name]))
    assert isinstance(failed, Failed) and CODES[failed.code] == "retry-now", failed
    # A missing file is noticed only when it is moved.
    assert name == "no file" or "sent an invalid message" in failed.message
    assert empty(scratch)


def test_what_a_model_prints_and_reads_does_not_disturb_its_messages(open_pool: Open) -> None:
    driver = open_pool(patience=DEADLINE)
    end = driver.run(do("print"))
    assert isinstance(end, Finished) and end.outputs[0].data == "'' was left to read"


def test_a_model_that_exits_fails_its_job_and_goes_on(open_pool: Open) -> None:
    driver = open_pool()
    failed = driver.run(do("exit"))
    assert isinstance(failed, Failed) and CODES[failed.code] == "retry-now", failed
    assert isinstance(driver.run(do("make", "run_2")), Finished)


def test_a_result_that_is_too_large_says_so(open_pool: Open) -> None:
    driver = open_pool()
    failed = driver.run(do("return much"))
    assert isinstance(failed, Failed) and failed.code == "GENERATION_INVALID_PROVIDER_RESPONSE"
    assert "17 MiB; at most 16 MiB" in failed.message
    assert isinstance(driver.run(do("make", "run_2")), Finished)


def test_a_request_that_cannot_be_sent_is_refused_before_anything_is_done(open_pool: Open) -> None:
    driver = open_pool()
    before = children()
    with pytest.raises(Refused, match="too large for a model process"):
        driver.submit(do("make", text="x" * (17 << 20)))
    with pytest.raises(TypeError, match="not JSON serializable"):
        driver.submit(do("make", folder=Path()))
    assert children() == before


def test_a_program_that_left_holds_up_no_slot(open_pool: Open) -> None:
    driver = open_pool(patience=2.0)
    failed = end_of(driver, driver.submit(do("leave a program", seconds=20)))
    assert isinstance(failed, Failed) and CODES[failed.code] == "retry-now", failed
    assert isinstance(driver.run(do("make", "run_2")), Finished)


def test_an_output_is_never_written_through_a_link(open_pool: Open, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("untouched")
    driver = open_pool()
    failed = driver.run(do("follow a link", target=str(target)))
    assert isinstance(failed, Failed), failed
    assert target.read_text() == "untouched"


def test_a_request_may_use_any_name(open_pool: Open) -> None:
    driver = open_pool(patience=DEADLINE)
    job = do("make", cancel="run_1", ticket="run_2", outputs=[], request={})
    assert isinstance(driver.run(job), Finished)


def test_a_job_whose_files_cannot_be_stored_fails_and_its_process_is_kept(
    open_pool: Open, scratch: Path
) -> None:
    driver = open_pool()
    scratch.parent.mkdir()
    scratch.write_text("a file in the way")
    failed = driver.run(do("make"))
    assert isinstance(failed, Failed) and "outputs" in failed.message and CODES[failed.code] == "retry-now"
    scratch.unlink()
    assert isinstance(driver.run(do("make")), Finished)


def test_following_is_never_silent_for_long(open_pool: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "_HEARTBEAT", 0.05)
    driver = open_pool()
    news = driver.follow(driver.submit(do("hang")))
    updates = [next(news) for _ in range(20)]
    assert all(isinstance(update, Progress) for update in updates)


def test_closing_leaves_no_process_no_file_and_no_follower(open_pool: Open, scratch: Path) -> None:
    driver = open_pool(processes=2)
    before = children()
    made, at_work, waiting = (
        driver.submit(do(*job)) for job in (("make", "run_1"), ("wait", "run_2"), ("wait", "run_3"))
    )
    program = grandchild(driver, at_work)
    # Its files are made, and it is never followed.
    wait_until(lambda: len([path for path in scratch.iterdir() if path.is_file()]) == 2)
    followed = [driver.follow(ticket) for ticket in (at_work, waiting)]
    for news in followed:
        assert isinstance(next(news), Progress)
    driver.close()
    assert children() == before and empty(scratch)
    wait_until_gone(program)
    for news in followed:
        assert [update for update in news if not isinstance(update, Progress)] == [Lost()]
    assert driver.end(made) == Lost()
    with pytest.raises(Refused) as refused:
        driver.submit(do("make"))
    assert CODES[refused.value.failure.code] == "retry-now"
    driver.close()
    assert children() == before


def test_a_pool_keeps_nothing_of_jobs_that_are_over(open_pool: Open) -> None:
    driver = open_pool(processes=2, idle_seconds=0.05)
    before = children()
    for number in range(3):
        driver.run(do("make", f"run_{number}"))
        driver.cancel(driver.submit(do("wait", f"run_{number}")))
        driver.run(do("die", f"run_{number}"))
    wait_until(lambda: children() == before)
    engine: Any = driver.engine
    pool = engine._pool
    wait_until(lambda: not (pool._jobs or pool._slots or pool._children or pool._queue.qsize()))
