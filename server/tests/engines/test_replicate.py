"""Replicate: written conversations over real HTTP, and what must never be paid twice."""

import tempfile
from pathlib import Path
from typing import Any

import pytest

from support.cases.replicate import CASE, Replicate, engine_for, kind
from support.driving import content, driving
from support.loopback import Asked, Reply, loopback
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
    Setup,
    Ticket,
)

TOLD = Path(__file__).parent / "conversations" / "replicate"
MODEL = "black-forest-labs/flux-schnell"


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))


def job(
    type: str = "image", inputs: Any = None, options: Any = None, key: str = "run_1", **params: Any
) -> Job:
    options = {"model": MODEL, "seed": "seed", **(options or {})}
    return Job(key, "m", type, "a fern", params, 7, inputs or {}, options)


def test_a_prediction_is_created_asked_for_and_fetched() -> None:
    with replay(TOLD / "pictures.json") as server, driving(engine_for(server.url)) as driven:
        asked = job(options={"fixed": {"output_format": "png"}, "fields": {"count": "num_outputs"}}, count=2)
        *before, end = driven.follow(driven.submit(asked))
        assert [heard.fraction for heard in before if isinstance(heard, Progress)] == [0.0, 0.5]
        assert isinstance(end, Finished) and len(end.outputs) == 2
        assert (end.outputs[0].content_type, end.outputs[0].width) == ("image/png", 1)
        assert content(end.outputs[0])


def test_pieces_of_text_are_shown_and_joined() -> None:
    version = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"
    with replay(TOLD / "text.json") as server:
        with driving(engine_for(server.url)) as driven:
            ticket = driven.submit(job("text", options={"model": f"joehoover/llama:{version}"}))
        # Another process goes on with the ticket alone.
        with driving(engine_for(server.url)) as driven:
            before, end = driven.follow(ticket)
        assert isinstance(before, Progress) and before.preview == Output("text/plain", "A  fern")
        assert end == Finished((Output("text/plain", "A fern, unrolling."),))


def test_a_large_picture_is_uploaded_first(tmp_path: Path) -> None:
    picture = tmp_path / "large.png"
    picture.write_bytes(bytes(300_000))
    asked = job(
        inputs={"image_url": (Input(picture, "image/png"),)},
        options={"prompt": "", "fields": {"image_url": "image"}},
        image_url="https://example.com/large.png",
    )
    with replay(TOLD / "upload.json") as server, driving(engine_for(server.url)) as driven:
        assert isinstance(driven.made(asked), Finished)


def test_a_prediction_whose_answer_was_lost_is_found_again_and_no_other() -> None:
    part = Replicate(Queue("drops"))
    with (
        loopback(lambda asked: part.answer(asked, server)) as server,
        driving(engine_for(server.url)) as driven,
    ):
        first, second = driven.submit(job(n=1)), driven.submit(job(n=2, key="run_2"))
        twin = driven.submit(job(n=1, key="run_3"))
        assert (first, second, twin) == ("image:job1", "image:job2", "image:job3")
        assert part.queue.charges == 3


@pytest.mark.parametrize("reply", [Reply("Bad gateway", 502), Reply("<html>"), Reply({"detail": "odd"})])
def test_a_prediction_is_looked_for_behind_an_answer_that_does_not_name_it(reply: Reply) -> None:
    part = Replicate(Queue(None))

    def answer(asked: Asked) -> Reply:
        told = part.answer(asked, server)
        return reply if asked.method == "POST" else told

    with loopback(answer) as server, driving(engine_for(server.url)) as driven:
        assert driven.submit(job()) == "image:job1"


def test_what_was_certainly_refused_is_not_looked_for() -> None:
    with (
        loopback(lambda asked: Reply({"detail": "Unfit."}, 422)) as server,
        driving(engine_for(server.url)) as driven,
        pytest.raises(Refused),
    ):
        driven.submit(job())
    assert [asked.method for asked in server.asked] == ["POST"]


def test_a_prediction_that_is_not_found_again_is_refused_and_not_repeated() -> None:
    def answer(asked: Asked) -> Reply:
        return Reply(drops=True) if asked.method == "POST" else Reply({"results": [{"id": "x"}, None]})

    with (
        loopback(answer) as server,
        driving(engine_for(server.url)) as driven,
        pytest.raises(Refused) as refused,
    ):
        driven.submit(job())
    assert refused.value.failure.code == "GPU_PROVIDER_ERROR"
    assert [asked.method for asked in server.asked].count("POST") == 1


@pytest.mark.parametrize(
    ("told", "code"),
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
def test_an_end_is_told_in_our_codes(told: dict[str, Any], code: str) -> None:
    with loopback(lambda asked: Reply(told)) as server, driving(engine_for(server.url)) as driven:
        (end,) = driven.follow(Ticket("image:p1"))
    assert isinstance(end, Failed) and end.code == code


def test_a_moment_of_trouble_is_put_up_with() -> None:
    replies = [Reply("", 502), Reply({"status": "failed", "error": "odd"})]
    with loopback(lambda asked: replies.pop(0)) as server, driving(engine_for(server.url)) as driven:
        heard = list(driven.follow(Ticket("image:p1")))
    assert [type(one) for one in heard] == [Progress, Failed]


def test_a_ticket_of_before_is_followed_and_cancelled() -> None:
    told = {"status": "succeeded", "output": {"words": "A fern."}}
    with loopback(lambda asked: Reply(told)) as server, driving(engine_for(server.url)) as driven:
        assert driven.end(Ticket("text:p1:words")) == Finished((Output("text/plain", "A fern."),))
        assert driven.end(Ticket("text")) == driven.end(Ticket("model:p1")) == Lost()
        driven.cancel(Ticket("text:p1:words"))
    assert [(asked.method, asked.path) for asked in server.asked] == [
        ("GET", "/v1/predictions/p1"),
        ("POST", "/v1/predictions/p1/cancel"),
    ]


def test_nothing_is_kept_of_jobs_that_are_long_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kind, "_TAKEN_SECONDS", 0.0)
    few, many = held_after_jobs(CASE)
    assert many == few


def test_a_hosted_prediction_is_followed_by_anyone() -> None:
    assert engine_for("https://api.replicate.com").followers(Mark("")) == "anyone"
    assert engine_for("http://127.0.0.1:1").followers(Mark("")) == "machine"


def test_what_is_missing_is_told() -> None:
    keyless = kind.build(Setup("replicate", 1, kind.OPTIONS.model_validate({}), None, "REPLICATE_API_TOKEN"))
    assert "REPLICATE_API_TOKEN" in (keyless.problem({"model": MODEL}) or "")
    assert "owner/name" in (keyless.problem({"model": "flux"}) or "")
    assert "colour: Extra inputs" in (keyless.problem({"model": MODEL, "colour": 1}) or "")
