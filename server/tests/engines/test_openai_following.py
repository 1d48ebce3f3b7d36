"""The OpenAI API: which process can follow a job, for how long, and what is left afterwards."""

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
    streamed_text,
    text_job,
    video_job,
)
from support.driver import content, drive_engine
from support.loopback import Reply, Request, loopback
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


def _answers(reply: Reply) -> Callable[[Request], Reply]:
    return lambda request: reply


def test_cancelling_and_closing_close_the_connection_at_once() -> None:
    # One server has begun to answer, the other is silent.
    for reply in (Reply(streamed_text(*["word"] * 1000), headers=SSE, pause=0.02), Reply(hangs=True)):
        with loopback(_answers(reply)) as server, drive_engine(engine_for(server.url)) as driver:
            tickets = driver.submit(text_job("run_1")), driver.submit(text_job("run_2"))
            wait_for(lambda: len(server.requests) == 2)
            driver.cancel(tickets[0])
            assert driver.end(tickets[0]) == Lost()
            assert server.client_closed.wait(DEADLINE)
            server.client_closed.clear()
            driver.close()
            assert server.client_closed.wait(DEADLINE)
            assert driver.end(tickets[1]) == Lost()


def test_a_follower_learns_that_its_call_was_cancelled() -> None:
    with loopback(_answers(Reply(hangs=True))) as server, drive_engine(engine_for(server.url)) as driver:
        ticket = driver.submit(text_job("run_1"))
        following = driver.follow(ticket)
        assert next(following) == Progress(0.0)
        driver.cancel(ticket)
        assert list(following) == [Lost()]


def test_a_job_that_is_running_is_not_called_for_again() -> None:
    with (
        loopback(_answers(Reply(streamed_text("a"), headers=SSE, pause=0.1))) as server,
        drive_engine(engine_for(server.url)) as driver,
    ):
        assert driver.submit(text_job("run_1")) == driver.submit(text_job("run_1"))
        assert isinstance(driver.run(text_job("run_1")), Finished)
    assert len(server.requests) == 1


def test_a_call_is_found_in_its_process_and_unknown_in_any_other() -> None:
    job = text_job("run_1")
    with (
        loopback(_answers(Reply(streamed_text("a"), headers=SSE, pause=0.05))) as server,
        drive_engine(engine_for(server.url)) as driver,
        drive_engine(engine_for(server.url)) as another,
    ):
        assert driver.find(job) == Unknown()
        ticket = driver.submit(job)
        assert (driver.find(job), another.find(job)) == (ticket, Unknown())
        # A follower that stops does not end the call; the call is kept until its end was yielded.
        for _ in driver.follow(ticket):
            break
        assert driver.find(job) == ticket
        assert isinstance(driver.end(ticket), Finished)
        assert (driver.find(job), driver.end(ticket)) == (Unknown(), Lost())
    assert len(server.requests) == 1


def test_a_video_without_its_ticket_is_unknown() -> None:
    with (
        loopback(_answers(Reply({"id": "video_1", "status": "queued"}))) as server,
        drive_engine(engine_for(server.url)) as driver,
    ):
        assert driver.find(video_job("run_1")) == Unknown()
        driver.submit(video_job("run_1"))
        assert driver.find(video_job("run_1")) == Unknown()


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
def test_a_call_is_followed_by_its_worker_and_a_video_by_everyone_who_can_reach_its_server(
    url: str, followers: str
) -> None:
    with drive_engine(engine_for(url)) as driver:
        call, video = (
            driver.wait(driver.engine.prepare(job)) for job in (text_job("run_1"), video_job("run_1"))
        )
        assert [driver.engine.followers(mark) for mark in (call, video)] == ["worker", followers]


def test_tickets_of_earlier_versions_are_read() -> None:
    def answer(request: Request) -> Reply:
        if request.path.endswith("/content"):
            return Reply(MP4)
        return Reply({"id": "video_1", "status": "completed"})

    with loopback(answer) as server, drive_engine(engine_for(server.url)) as driver:
        assert driver.end(Ticket("run_1")) == Lost()
        driver.cancel(Ticket("run_1"))
        end = driver.end(Ticket("videos/video_1"))
        assert isinstance(end, Finished) and content(end.outputs[0]) == MP4
        driver.cancel(Ticket("videos/video_1"))
    assert [request.method for request in server.requests] == ["GET", "GET", "DELETE"]


def test_a_cancelled_call_leaves_no_file(scratch: Path) -> None:
    with (
        loopback(_answers(picture())) as server,
        drive_engine(engine_for(server.url, scratch=scratch)) as driver,
    ):
        drops = (driver.cancel, lambda ticket: driver.close())
        # Some calls are writing the file, others have finished.
        for drop, seconds in itertools.product(drops, (0.0, 0.2)):
            ticket = driver.submit(image_job("run_1"))
            wait_for(lambda: len(files(scratch)) == 1)
            time.sleep(seconds)
            drop(ticket)
            assert files(scratch) == []


def test_if_one_of_several_pictures_is_wrong_none_is_left_behind(scratch: Path) -> None:
    items = [{"b64_json": base64.b64encode(data).decode()} for data in (PNG, PNG, b"%PDF-1.7 and so on")]
    with (
        loopback(_answers(Reply({"data": items}))) as server,
        drive_engine(engine_for(server.url, scratch=scratch)) as driver,
    ):
        end = driver.run(image_job("run_1"))
    assert isinstance(end, Failed) and end.code == "GENERATION_INVALID_PROVIDER_RESPONSE"
    assert files(scratch) == []


def test_calls_that_are_over_are_not_kept() -> None:
    with (
        loopback(_answers(Reply({"error": {"message": "no"}}, 500))) as server,
        drive_engine(engine_for(server.url)) as driver,
    ):
        for number in range(20):
            ticket = driver.submit(text_job(f"kept_{number}"))
            if number % 2:
                assert isinstance(driver.end(ticket), Failed)
            else:
                driver.cancel(ticket)
        gc.collect()
        kept = [item for item in gc.get_objects() if isinstance(item, Job) and item.key.startswith("kept_")]
        assert kept == []


def test_a_large_picture_does_not_block_the_loop(tmp_path: Path, scratch: Path) -> None:
    large = PNG + os.urandom(12 << 20)
    (tmp_path / "a.png").write_bytes(large)
    inputs = {"image_urls": (Input(tmp_path / "a.png", "image/png"),)}
    edit = replace(image_job("run_1"), inputs=inputs)
    question = replace(text_job("run_2"), inputs=inputs)

    def answer(request: Request) -> Reply:
        return (
            Reply(streamed_text("a"), headers=SSE)
            if request.path.endswith("/completions")
            else picture(large)
        )

    with (
        loopback(answer) as server,
        drive_engine(engine_for(server.url, scratch=scratch)) as driver,
    ):
        end = driver.run(edit)
        assert isinstance(end, Finished) and isinstance(end.outputs[0].data, Path)
        assert content(end.outputs[0]) == large
        assert isinstance(driver.run(question), Finished)
        assert driver.longest_hold < 0.25
    assert all(len(request.body) > len(large) for request in server.requests)


def test_a_video_that_may_have_been_started_fails_instead_of_being_refused() -> None:
    with loopback(_answers(Reply(drops=True))) as server:
        with drive_engine(engine_for(server.url)) as driver:
            ticket = driver.submit(video_job("run_1"))
        # The ticket holds the failure, and nothing is sent again.
        with drive_engine(engine_for(server.url)) as another:
            (end,) = another.follow(ticket)
            another.cancel(ticket)
    assert isinstance(end, Failed) and "may have charged" in end.message
    assert len(server.requests) == 1


def test_a_video_is_followed_after_a_restart_and_fetched_despite_failures(scratch: Path) -> None:
    options = {"endpoint": "videos", "model": "filmer", "sizes": {"16:9": "1280x720"}}
    job = Job("run_1", "t2v", "video", "a fern", {"aspect_ratio": "16:9", "duration": 4}, 7, options=options)
    with replay(CONVERSATIONS / "video.json") as server:
        with drive_engine(engine_for(server.url, KEY, poll_seconds=0.05)) as first:
            ticket = first.submit(job)
        with drive_engine(engine_for(server.url, KEY, scratch=scratch, poll_seconds=0.05)) as second:
            *progress, end = second.follow(ticket)
    assert any(isinstance(news, Progress) and news.fraction == 0.33 for news in progress)
    assert isinstance(end, Finished)
    assert [output.content_type for output in end.outputs] == ["video/mp4"]


def test_a_failed_video_has_its_cause_and_a_cancelled_one_is_deleted() -> None:
    error = {"code": "moderation_blocked", "message": "Blocked by our moderation system"}
    failed = {"id": "video_1", "status": "failed", "error": error}
    with (
        loopback(_answers(Reply(failed))) as server,
        drive_engine(engine_for(server.url, poll_seconds=0.05)) as driver,
    ):
        end = driver.run(video_job("run_1"))
        driver.cancel(driver.submit(video_job("run_2")))
    assert isinstance(end, Failed) and end.code == "GENERATION_PROMPT_MODERATED"
    assert (server.requests[-1].method, server.requests[-1].path) == ("DELETE", "/v1/videos/video_1")
