"""Replicate: recorded conversations over real HTTP, and predictions that must not be created twice."""

import tempfile
from pathlib import Path
from typing import Any

import pytest

from support.cases.replicate import CASE, Replicate, engine_for, kind
from support.driver import content, drive_engine
from support.loopback import Reply, Request, loopback
from support.queued import Queue, held_after_jobs
from support.replay import replay
from terrarium_server.engines import (
    Failed,
    Finished,
    Input,
    Job,
    Lost,
    Mark,
    Output,
    Progress,
    Refused,
    Ticket,
)
from terrarium_server.engines.setup import Setup

CONVERSATIONS = Path(__file__).parent / "conversations" / "replicate"
MODEL = "black-forest-labs/flux-schnell"


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))


def job(
    type: str = "image", inputs: Any = None, options: Any = None, key: str = "run_1", **params: Any
) -> Job:
    options = {"model": MODEL, "seed": "seed", **(options or {})}
    return Job(key, "m", type, "a fern", params, 7, inputs or {}, options)


def test_a_prediction_is_created_polled_and_fetched() -> None:
    with replay(CONVERSATIONS / "pictures.json") as server, drive_engine(engine_for(server.url)) as driver:
        new_job = job(
            options={"fixed": {"output_format": "png"}, "fields": {"count": "num_outputs"}}, count=2
        )
        *before, end = driver.follow(driver.submit(new_job))
        assert [news.fraction for news in before if isinstance(news, Progress)] == [0.0, 0.5]
        assert isinstance(end, Finished) and len(end.outputs) == 2
        assert (end.outputs[0].content_type, end.outputs[0].width) == ("image/png", 1)
        assert content(end.outputs[0])


def test_pieces_of_text_are_shown_and_joined() -> None:
    version = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"
    with replay(CONVERSATIONS / "text.json") as server:
        with drive_engine(engine_for(server.url)) as driver:
            ticket = driver.submit(job("text", options={"model": f"joehoover/llama:{version}"}))
        # Another process continues from the ticket alone.
        with drive_engine(engine_for(server.url)) as driver:
            before, end = driver.follow(ticket)
        assert isinstance(before, Progress) and before.preview == Output("text/plain", "A  fern")
        assert end == Finished((Output("text/plain", "A fern, unrolling."),))


def test_a_large_picture_is_uploaded_first(tmp_path: Path) -> None:
    picture = tmp_path / "large.png"
    picture.write_bytes(bytes(300_000))
    new_job = job(
        inputs={"image_url": (Input(picture, "image/png"),)},
        options={"prompt": "", "fields": {"image_url": "image"}},
        image_url="https://example.com/large.png",
    )
    with replay(CONVERSATIONS / "upload.json") as server, drive_engine(engine_for(server.url)) as driver:
        assert isinstance(driver.run(new_job), Finished)


def test_a_prediction_whose_answer_was_lost_is_found_again_and_no_other() -> None:
    fake = Replicate(Queue("drops"))
    with (
        loopback(lambda request: fake.answer(request, server)) as server,
        drive_engine(engine_for(server.url)) as driver,
    ):
        first, second = driver.submit(job(n=1)), driver.submit(job(n=2, key="run_2"))
        twin = driver.submit(job(n=1, key="run_3"))
        assert (first, second, twin) == ("image:job1", "image:job2", "image:job3")
        assert fake.queue.charges == 3


@pytest.mark.parametrize("reply", [Reply("Bad gateway", 502), Reply("<html>"), Reply({"detail": "odd"})])
def test_a_prediction_is_searched_for_after_an_answer_without_its_id(reply: Reply) -> None:
    fake = Replicate(Queue(None))

    def answer(request: Request) -> Reply:
        usual = fake.answer(request, server)
        return reply if request.method == "POST" else usual

    with loopback(answer) as server, drive_engine(engine_for(server.url)) as driver:
        assert driver.submit(job()) == "image:job1"


def test_a_refused_prediction_is_not_searched_for() -> None:
    with (
        loopback(lambda request: Reply({"detail": "JobError."}, 422)) as server,
        drive_engine(engine_for(server.url)) as driver,
        pytest.raises(Refused),
    ):
        driver.submit(job())
    assert [request.method for request in server.requests] == ["POST"]


def test_a_prediction_that_is_not_found_again_is_refused_and_not_repeated() -> None:
    def answer(request: Request) -> Reply:
        return Reply(drops=True) if request.method == "POST" else Reply({"results": [{"id": "x"}, None]})

    with (
        loopback(answer) as server,
        drive_engine(engine_for(server.url)) as driver,
        pytest.raises(Refused) as refused,
    ):
        driver.submit(job())
    assert refused.value.failure.code == "GPU_PROVIDER_ERROR"
    assert [request.method for request in server.requests].count("POST") == 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"status": "failed", "error": "NSFW content detected. Try another."}, "GENERATION_PROMPT_MODERATED"),
        ({"status": "failed", "error": "Flagged as sensitive. (E005)"}, "GENERATION_PROMPT_MODERATED"),
        ({"status": "failed", "error": "CUDA out of memory. Tried"}, "GPU_PROVIDER_ERROR"),
        ({"status": "failed", "error": "Prediction timed out"}, "GENERATION_PROVIDER_TIMEOUT"),
        ({"status": "failed", "error": None}, "GENERATION_GENERIC_ERROR"),
        ({"status": "aborted"}, "GENERATION_CANCELLED"),
        ({"status": "canceled"}, "GENERATION_CANCELLED"),
        ({"status": "succeeded", "output": None, "data_removed": True}, "GENERATION_NO_RESULT"),
        ({"status": "succeeded", "output": [{"odd": 1}]}, "GENERATION_NO_RESULT"),
        ({"status": "sleeping"}, "GENERATION_INVALID_PROVIDER_RESPONSE"),
    ],
)
def test_every_failure_has_one_of_our_codes(answer: dict[str, Any], code: str) -> None:
    with loopback(lambda request: Reply(answer)) as server, drive_engine(engine_for(server.url)) as driver:
        (end,) = driver.follow(Ticket("image:p1"))
    assert isinstance(end, Failed) and end.code == code


def test_a_failed_poll_is_repeated() -> None:
    replies = [Reply("", 502), Reply({"status": "failed", "error": "odd"})]
    with loopback(lambda request: replies.pop(0)) as server, drive_engine(engine_for(server.url)) as driver:
        news = list(driver.follow(Ticket("image:p1")))
    assert [type(one) for one in news] == [Progress, Failed]


def test_a_ticket_from_the_database_is_followed_and_cancelled() -> None:
    answer = {"status": "succeeded", "output": {"words": "A fern."}}
    with loopback(lambda request: Reply(answer)) as server, drive_engine(engine_for(server.url)) as driver:
        assert driver.end(Ticket("text:p1:words")) == Finished((Output("text/plain", "A fern."),))
        assert driver.end(Ticket("text")) == driver.end(Ticket("model:p1")) == Lost()
        driver.cancel(Ticket("text:p1:words"))
    assert [(request.method, request.path) for request in server.requests] == [
        ("GET", "/v1/predictions/p1"),
        ("POST", "/v1/predictions/p1/cancel"),
    ]


def test_an_engine_keeps_nothing_of_jobs_that_are_long_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kind, "_TAKEN_SECONDS", 0.0)
    few, many = held_after_jobs(CASE)
    assert many == few


def test_a_hosted_prediction_is_followed_by_anyone() -> None:
    assert engine_for("https://api.replicate.com").followers(Mark("")) == "anyone"
    assert engine_for("http://127.0.0.1:1").followers(Mark("")) == "machine"


def test_a_missing_key_and_wrong_options_are_reported() -> None:
    keyless = kind.build(Setup("replicate", 1, kind.OPTIONS.model_validate({}), None, "REPLICATE_API_TOKEN"))
    assert "REPLICATE_API_TOKEN" in (keyless.problem({"model": MODEL}) or "")
    assert "owner/name" in (keyless.problem({"model": "flux"}) or "")
    assert "colour: unknown" in (keyless.problem({"model": MODEL, "colour": 1}) or "")
