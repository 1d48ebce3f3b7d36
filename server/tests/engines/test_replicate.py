"""Replicate: written conversations over real HTTP, and what must never be paid twice."""

from pathlib import Path
from typing import Any

import pytest

from support.cases.replicate import Replicate, engine_for, kind
from support.loopback import Asked, Reply, loopback
from support.queued import Queue
from support.replay import replay
from terrarium_server.engines import (
    Engine,
    Failed,
    Finished,
    Input,
    Job,
    Look,
    Output,
    Refused,
    Setup,
    Ticket,
    Waiting,
)

TOLD = Path(__file__).parent / "conversations" / "replicate"
MODEL = "black-forest-labs/flux-schnell"


def job(type: str = "image", inputs: Any = None, options: Any = None, **params: Any) -> Job:
    options = {"model": MODEL, "seed": "seed", **(options or {})}
    return Job("run_1", "m", type, "a fern", params, 7, inputs or {}, options)


def looks(engine: Engine, ticket: Ticket) -> list[Look]:
    """Everything that is seen, to the end."""
    seen = [engine.look(ticket, wait_seconds=5)]
    while isinstance(seen[-1], Waiting):
        seen.append(engine.look(ticket, wait_seconds=5))
    return seen


def test_a_prediction_is_created_asked_for_and_fetched() -> None:
    with replay(TOLD / "pictures.json") as server:
        engine = engine_for(server.url)
        asked = job(options={"fixed": {"output_format": "png"}, "fields": {"count": "num_outputs"}}, count=2)
        *waiting, end = looks(engine, engine.submit(asked))
        assert [seen.progress for seen in waiting if isinstance(seen, Waiting)] == [0.0, 0.5]
        assert isinstance(end, Finished) and len(end.outputs) == 2
        assert (end.outputs[0].content_type, end.outputs[0].width) == ("image/png", 1)


def test_pieces_of_text_are_shown_and_joined() -> None:
    version = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"
    with replay(TOLD / "text.json") as server:
        engine = engine_for(server.url)
        ticket = engine.submit(job("text", options={"model": f"joehoover/llama:{version}"}))
        engine.close()
        # Another process goes on with the ticket alone.
        waiting, end = looks(engine_for(server.url), ticket)
        assert isinstance(waiting, Waiting) and waiting.preview == Output("text/plain", "A  fern")
        assert end == Finished((Output("text/plain", "A fern, unrolling."),))


def test_a_large_picture_is_uploaded_first(tmp_path: Path) -> None:
    picture = tmp_path / "large.png"
    picture.write_bytes(bytes(300_000))
    asked = job(
        inputs={"image_url": (Input(picture, "image/png"),)},
        options={"prompt": "", "fields": {"image_url": "image"}},
        image_url="https://example.com/large.png",
    )
    with replay(TOLD / "upload.json") as server:
        engine = engine_for(server.url)
        assert isinstance(looks(engine, engine.submit(asked))[-1], Finished)


def test_a_prediction_whose_answer_was_lost_is_found_again_and_no_other() -> None:
    part = Replicate(Queue("drops"))
    with loopback(lambda asked: part.answer(asked, server)) as server:
        engine = engine_for(server.url)
        first, second = engine.submit(job(n=1)), engine.submit(job(n=2))
        twin = engine.submit(job(n=1))
        assert (first, second, twin) == ("image:job1", "image:job2", "image:job3")
        assert part.queue.charges == 3


def test_a_prediction_that_is_not_found_again_is_refused_and_not_repeated() -> None:
    def answer(asked: Asked) -> Reply:
        return Reply(drops=True) if asked.method == "POST" else Reply({"results": [{"id": "x"}, None]})

    with loopback(answer) as server, pytest.raises(Refused) as refused:
        engine_for(server.url).submit(job())
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
        ({"status": "succeeded", "output": None, "data_removed": True}, "GENERATION_NO_RESULT"),
        ({"status": "succeeded", "output": [{"odd": 1}]}, "GENERATION_NO_RESULT"),
        ({"status": "sleeping"}, "GENERATION_INVALID_PROVIDER_RESPONSE"),
    ],
)
def test_an_end_is_told_in_our_codes(told: dict[str, Any], code: str) -> None:
    with loopback(lambda asked: Reply(told)) as server:
        seen = engine_for(server.url).look(Ticket("image:p1"), wait_seconds=1)
    assert isinstance(seen, Failed) and seen.code == code


def test_a_moment_of_trouble_is_put_up_with() -> None:
    replies = [Reply("", 502), Reply({"status": "failed", "error": "odd"})]
    with loopback(lambda asked: replies.pop(0)) as server:
        seen = looks(engine_for(server.url), Ticket("image:p1"))
    assert [type(one) for one in seen] == [Waiting, Failed]


def test_what_is_missing_is_told() -> None:
    keyless = kind.build(Setup("replicate", 1, kind.OPTIONS.model_validate({}), None, "REPLICATE_API_TOKEN"))
    assert "REPLICATE_API_TOKEN" in (keyless.problem({"model": MODEL}) or "")
    assert "owner/name" in (keyless.problem({"model": "flux"}) or "")
    assert "colour: Extra inputs" in (keyless.problem({"model": MODEL, "colour": 1}) or "")
