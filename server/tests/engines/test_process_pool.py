"""Pools of model processes: who works, who is let go, and that nothing is left behind."""

import json
import struct
import threading
from pathlib import Path
from typing import Any

import pytest

from support.driving import content
from support.server import DEADLINE
from terrarium_server.engines import (
    CODES,
    Failed,
    Finished,
    Lost,
    Output,
    Progress,
    Refused,
)
from terrarium_server.engines import _process as pools

from .puppets import Open, children, do, empty, grandchild, wait_until, wait_until_gone


def test_media_come_as_files_and_nothing_else_is_left(open_pool: Open, scratch: Path) -> None:
    driven = open_pool(threads=3)
    heard = list(driven.follow(driven.submit(do("make"))))
    assert Progress(0.5, Output("image/png", b"small", 1, 1)) in heard
    made = heard[-1]
    assert isinstance(made, Finished)
    picture, film, words = made.outputs
    assert (picture.content_type, picture.width, picture.height) == ("image/png", 4, 3)
    assert (film.content_type, film.width, film.height) == ("video/mp4", 8, 6)
    assert (picture.duration_seconds, film.duration_seconds) == (None, 2.5)
    assert isinstance(words.data, str) and words.data.endswith("with 3 threads")
    # The two files lie directly in the folder, and are all that is there.
    assert {path for path in scratch.iterdir()} == {picture.data, film.data}
    assert (content(picture), content(film)) == (b"a picture", b"a film")
    assert empty(scratch)


def test_a_result_is_made_and_handed_out_once(open_pool: Open, scratch: Path) -> None:
    driven = open_pool()
    before = children()
    ticket = driven.submit(do("make"))
    assert driven.submit(do("make")) == ticket
    made = driven.end(ticket)
    assert isinstance(made, Finished)
    assert driven.end(ticket) == Lost() and driven.find(do("make")) is None
    for output in made.outputs:
        content(output)
    # A process that is kept did it, and will do the next.
    kept = children() - before
    assert len(kept) == 1
    again = driven.made(do("make"))
    assert isinstance(again, Finished) and again.outputs[2] == made.outputs[2]
    assert children() - before == kept


def test_there_are_no_more_processes_than_allowed_and_no_threads_for_them(open_pool: Open) -> None:
    driven = open_pool(processes=2, cancel_grace=DEADLINE)
    before = children()
    tickets = [driven.submit(do("stay", f"run_{number}")) for number in range(4)]
    for ticket in tickets[:2]:
        driven.wait_until_at_work(ticket)
    for ticket in tickets[2:]:
        assert next(driven.follow(ticket)) == Progress(0.0)
    assert len(children() - before) == 2
    named = {thread.name for thread in threading.enumerate()}
    # asyncio's own: for file operations, and before Python 3.12 one that waits for each process's end.
    assert not [name for name in named if "puppet" in name or "carrier" in name], named
    driven.cancel(tickets[0])
    driven.wait_until_at_work(tickets[2])
    # One that is cancelled while it waits is not begun with.
    driven.cancel(tickets[3])
    driven.cancel(tickets[1])
    assert isinstance(driven.made(do("make")), Finished)
    assert len(children() - before) == 2


def test_an_idle_process_ends_and_the_next_job_has_another(open_pool: Open) -> None:
    driven = open_pool(idle_seconds=0.1)
    before = children()
    for number in range(2):
        assert isinstance(driven.made(do("make", f"run_{number}")), Finished)
        wait_until(lambda: children() == before)


@pytest.mark.parametrize("grace", [0.0, 0.2, DEADLINE])
def test_a_cancelled_job_ends_by_itself_or_with_its_process(
    open_pool: Open, scratch: Path, grace: float
) -> None:
    driven = open_pool(cancel_grace=grace)
    before = children()
    # It does not listen where it is given little time, so that it has to be killed.
    ticket = driven.submit(do("stay" if grace != 0.2 else "fall silent"))
    program = grandchild(driven, ticket)
    at_work = children() - before
    driven.cancel(ticket)
    assert driven.end(ticket) == Lost()
    assert isinstance(driven.made(do("make", "run_2")), Finished)
    assert (children() - before == at_work) is (grace == DEADLINE)
    if grace < DEADLINE:
        # What it had started itself is gone too.
        wait_until_gone(program)
    wait_until(lambda: not list(scratch.glob("*/*")))


def _frame(header: Any, body: bytes = b"") -> str:
    raw = json.dumps(header).encode()
    return (struct.pack(">II", len(raw), len(body)) + raw + body).hex()


MEDIUM = {"content_type": "image/png", "width": 4, "height": 3}
RUBBISH = {
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
    "a way out": _frame({"outputs": [{**MEDIUM, "file": "../hosts"}]}),
}


@pytest.mark.parametrize("name", RUBBISH)
def test_a_process_that_makes_no_sense_fails_its_job_alone(open_pool: Open, scratch: Path, name: str) -> None:
    driven = open_pool(patience=DEADLINE)
    failed = driven.made(do("say rubbish", rubbish=RUBBISH[name]))
    assert isinstance(failed, Failed) and CODES[failed.code] == "retry-now", failed
    # A file that is named and not there is not seen before it is moved.
    assert name == "no file" or "what makes no sense" in failed.message
    assert empty(scratch)


def test_where_files_cannot_be_kept_the_job_fails_and_the_process_is_kept(
    open_pool: Open, scratch: Path
) -> None:
    driven = open_pool()
    scratch.parent.mkdir()
    scratch.write_text("a file in the way")
    failed = driven.made(do("make"))
    assert isinstance(failed, Failed) and "outputs" in failed.message and CODES[failed.code] == "retry-now"
    scratch.unlink()
    assert isinstance(driven.made(do("make")), Finished)


def test_following_is_never_silent_for_long(open_pool: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "_HEARTBEAT", 0.05)
    driven = open_pool()
    news = driven.follow(driven.submit(do("fall silent")))
    heard = [next(news) for _ in range(20)]
    assert all(isinstance(one, Progress) for one in heard)


def test_closing_leaves_no_process_no_file_and_no_follower(open_pool: Open, scratch: Path) -> None:
    driven = open_pool(processes=2)
    before = children()
    made, at_work, waiting = (
        driven.submit(do(*what)) for what in (("make", "run_1"), ("stay", "run_2"), ("stay", "run_3"))
    )
    program = grandchild(driven, at_work)
    # Made, and never asked for.
    wait_until(lambda: len([path for path in scratch.iterdir() if path.is_file()]) == 2)
    followed = [driven.follow(ticket) for ticket in (at_work, waiting)]
    for news in followed:
        assert isinstance(next(news), Progress)
    driven.close()
    assert children() == before and empty(scratch)
    wait_until_gone(program)
    for news in followed:
        assert [heard for heard in news if not isinstance(heard, Progress)] == [Lost()]
    assert driven.end(made) == Lost()
    with pytest.raises(Refused) as refused:
        driven.submit(do("make"))
    assert CODES[refused.value.failure.code] == "retry-now"
    driven.close()
    assert children() == before


def test_a_pool_forgets_what_is_over(open_pool: Open) -> None:
    driven = open_pool(processes=2, idle_seconds=0.05)
    before = children()
    for number in range(3):
        driven.made(do("make", f"run_{number}"))
        driven.cancel(driven.submit(do("stay", f"run_{number}")))
        driven.made(do("die", f"run_{number}"))
    wait_until(lambda: children() == before)
    engine: Any = driven.engine
    pool = engine._pool
    wait_until(lambda: not (pool._tasks or pool._carriers or pool._children or pool._waiting.qsize()))
