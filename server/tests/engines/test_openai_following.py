"""The OpenAI API: who knows a job, for how long, and what is left of it."""

import base64
import gc
import itertools
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from support.cases.openai_compatible import (
    PNG,
    SSE,
    engine_for,
    image_job,
    picture,
    said,
    text_job,
    video_job,
)
from support.driving import content, driving
from support.loopback import Asked, Reply, loopback
from support.replay import replay
from support.server import DEADLINE
from terrarium_server.engines import Failed, Finished, Input, Job, Lost, Progress, Ticket, Unknown

CONVERSATIONS = Path(__file__).parent / "conversations" / "openai"
KEY = "sk-test-0123456789"
MP4 = b"\x00\x00\x00\x18ftypmp42" + bytes(16)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    return tmp_path / "scratch"


def files(folder: Path) -> list[Path]:
    return list(folder.iterdir()) if folder.exists() else []


def wait_for(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _answers(reply: Reply) -> Callable[[Asked], Reply]:
    return lambda asked: reply


def test_cancelling_hangs_up_at_once_and_closing_too() -> None:
    # One server has begun to answer, the other says nothing yet.
    for reply in (Reply(said(*["word"] * 1000), headers=SSE, pause=0.02), Reply(hangs=True)):
        with loopback(_answers(reply)) as server, driving(engine_for(server.url)) as driven:
            tickets = driven.submit(text_job("run_1")), driven.submit(text_job("run_2"))
            wait_for(lambda: len(server.asked) == 2)
            driven.cancel(tickets[0])
            assert driven.end(tickets[0]) == Lost()
            assert server.hung_up.wait(DEADLINE)
            server.hung_up.clear()
            driven.close()
            assert server.hung_up.wait(DEADLINE)
            assert driven.end(tickets[1]) == Lost()


def test_whoever_follows_a_call_hears_that_it_was_cancelled() -> None:
    with loopback(_answers(Reply(hangs=True))) as server, driving(engine_for(server.url)) as driven:
        ticket = driven.submit(text_job("run_1"))
        following = driven.follow(ticket)
        assert next(following) == Progress(0.0)
        driven.cancel(ticket)
        assert list(following) == [Lost()]


def test_the_same_job_is_not_called_for_twice_while_it_is_under_way() -> None:
    with (
        loopback(_answers(Reply(said("a"), headers=SSE, pause=0.1))) as server,
        driving(engine_for(server.url)) as driven,
    ):
        assert driven.submit(text_job("run_1")) == driven.submit(text_job("run_1"))
        assert isinstance(driven.made(text_job("run_1")), Finished)
    assert len(server.asked) == 1


def test_a_call_is_found_in_its_process_and_elsewhere_nobody_can_tell() -> None:
    job = text_job("run_1")
    with (
        loopback(_answers(Reply(said("a"), headers=SSE, pause=0.05))) as server,
        driving(engine_for(server.url)) as driven,
        driving(engine_for(server.url)) as another,
    ):
        assert driven.find(job) == Unknown()
        ticket = driven.submit(job)
        assert (driven.find(job), another.find(job)) == (ticket, Unknown())
        # Whoever ends the following leaves the call alone; it is there until its end was told.
        for _ in driven.follow(ticket):
            break
        assert driven.find(job) == ticket
        assert isinstance(driven.end(ticket), Finished)
        assert (driven.find(job), driven.end(ticket)) == (Unknown(), Lost())
    assert len(server.asked) == 1


def test_nobody_can_tell_of_a_video_without_its_ticket() -> None:
    with (
        loopback(_answers(Reply({"id": "video_1", "status": "queued"}))) as server,
        driving(engine_for(server.url)) as driven,
    ):
        assert driven.find(video_job("run_1")) == Unknown()
        driven.submit(video_job("run_1"))
        assert driven.find(video_job("run_1")) == Unknown()


@pytest.mark.parametrize(
    ("url", "followers"),
    [
        ("http://localhost:8080", "machine"),
        ("http://127.3.2.1:8080", "machine"),
        ("http://[::1]:8080", "machine"),
        ("http://192.168.1.2:8080", "anyone"),
        ("https://api.openai.com", "anyone"),
    ],
)
def test_a_call_is_followed_where_it_was_made_and_a_video_by_whoever_reaches_its_server(
    url: str, followers: str
) -> None:
    with driving(engine_for(url)) as driven:
        call, video = (
            driven.wait(driven.engine.prepare(job)) for job in (text_job("run_1"), video_job("run_1"))
        )
        assert [driven.engine.followers(mark) for mark in (call, video)] == ["worker", followers]


def test_tickets_of_earlier_versions_are_understood() -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path.endswith("/content"):
            return Reply(MP4)
        return Reply({"id": "video_1", "status": "completed"})

    with loopback(answer) as server, driving(engine_for(server.url)) as driven:
        assert driven.end(Ticket("run_1")) == Lost()
        driven.cancel(Ticket("run_1"))
        made = driven.end(Ticket("videos/video_1"))
        assert isinstance(made, Finished) and content(made.outputs[0]) == MP4
        driven.cancel(Ticket("videos/video_1"))
    assert [asked.method for asked in server.asked] == ["GET", "GET", "DELETE"]


def test_a_result_that_is_not_asked_for_leaves_no_file(scratch: Path) -> None:
    with (
        loopback(_answers(picture())) as server,
        driving(engine_for(server.url, scratch=scratch)) as driven,
    ):
        drops = (driven.cancel, lambda ticket: driven.close())
        # Some are at the file, others done with it.
        for drop, seconds in itertools.product(drops, (0.0, 0.2)):
            ticket = driven.submit(image_job("run_1"))
            wait_for(lambda: len(files(scratch)) == 1)
            time.sleep(seconds)
            drop(ticket)
            assert files(scratch) == []


def test_of_several_pictures_none_stays_if_one_cannot_be_had(scratch: Path) -> None:
    items = [{"b64_json": base64.b64encode(data).decode()} for data in (PNG, PNG, b"%PDF-1.7 and so on")]
    with (
        loopback(_answers(Reply({"data": items}))) as server,
        driving(engine_for(server.url, scratch=scratch)) as driven,
    ):
        end = driven.made(image_job("run_1"))
    assert isinstance(end, Failed) and end.code == "GENERATION_INVALID_PROVIDER_RESPONSE"
    assert files(scratch) == []


def test_calls_that_are_over_are_not_kept() -> None:
    with (
        loopback(_answers(Reply({"error": {"message": "no"}}, 500))) as server,
        driving(engine_for(server.url)) as driven,
    ):
        for number in range(20):
            ticket = driven.submit(text_job(f"kept_{number}"))
            if number % 2:
                assert isinstance(driven.end(ticket), Failed)
            else:
                driven.cancel(ticket)
        gc.collect()
        known = [item for item in gc.get_objects() if isinstance(item, Job) and item.key.startswith("kept_")]
        assert known == []


def test_a_large_picture_does_not_hold_the_loop(tmp_path: Path, scratch: Path) -> None:
    large = PNG + os.urandom(12 << 20)
    (tmp_path / "a.png").write_bytes(large)
    inputs = {"image_urls": (Input(tmp_path / "a.png", "image/png"),)}
    edit = replace(image_job("run_1"), inputs=inputs)
    question = replace(text_job("run_2"), inputs=inputs)

    def answer(asked: Asked) -> Reply:
        return Reply(said("a"), headers=SSE) if asked.path.endswith("/completions") else picture(large)

    with (
        loopback(answer) as server,
        driving(engine_for(server.url, scratch=scratch)) as driven,
    ):
        made = driven.made(edit)
        assert isinstance(made, Finished) and isinstance(made.outputs[0].data, Path)
        assert content(made.outputs[0]) == large
        assert isinstance(driven.made(question), Finished)
        assert driven.longest_hold < 0.25
    assert all(len(asked.body) > len(large) for asked in server.asked)


def test_a_video_that_may_have_been_started_fails_and_is_not_called_refused() -> None:
    with loopback(_answers(Reply(drops=True))) as server:
        with driving(engine_for(server.url)) as driven:
            ticket = driven.submit(video_job("run_1"))
        # Whoever holds the ticket can tell, and nobody asks again.
        with driving(engine_for(server.url)) as another:
            (end,) = another.follow(ticket)
            another.cancel(ticket)
    assert isinstance(end, Failed) and "may have charged" in end.message
    assert len(server.asked) == 1


def test_a_video_is_found_again_after_a_restart_and_fetched_through_hiccups(scratch: Path) -> None:
    options = {"endpoint": "videos", "model": "filmer", "sizes": {"16:9": "1280x720"}}
    job = Job("run_1", "t2v", "video", "a fern", {"aspect_ratio": "16:9", "duration": 4}, 7, options=options)
    with replay(CONVERSATIONS / "video.json") as server:
        with driving(engine_for(server.url, KEY, poll_seconds=0.05)) as first:
            ticket = first.submit(job)
        with driving(engine_for(server.url, KEY, scratch=scratch, poll_seconds=0.05)) as second:
            *seen, end = second.follow(ticket)
    assert any(isinstance(heard, Progress) and heard.fraction == 0.33 for heard in seen)
    assert isinstance(end, Finished)
    assert [output.content_type for output in end.outputs] == ["video/mp4"]


def test_a_video_that_cannot_be_made_says_why_and_a_cancelled_one_is_deleted() -> None:
    error = {"code": "moderation_blocked", "message": "Blocked by our moderation system"}
    failed = {"id": "video_1", "status": "failed", "error": error}
    with (
        loopback(_answers(Reply(failed))) as server,
        driving(engine_for(server.url, poll_seconds=0.05)) as driven,
    ):
        end = driven.made(video_job("run_1"))
        driven.cancel(driven.submit(video_job("run_2")))
    assert isinstance(end, Failed) and end.code == "GENERATION_PROMPT_MODERATED"
    assert (server.asked[-1].method, server.asked[-1].path) == ("DELETE", "/v1/videos/video_1")
