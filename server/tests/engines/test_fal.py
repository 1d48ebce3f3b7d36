"""fal: written conversations over real HTTP."""

import base64
from pathlib import Path
from typing import Any

import pytest

from support.cases.fal import engine_for, kind
from support.loopback import Asked, Reply, loopback
from support.queued import PNG
from support.replay import replay
from terrarium_server.engines import (
    Engine,
    Failed,
    Finished,
    Input,
    Job,
    Look,
    Refused,
    Setup,
    Ticket,
    Waiting,
)

TOLD = Path(__file__).parent / "conversations" / "fal"
TICKET = Ticket('["image","images","/a/b/requests/1/status","/a/b/requests/1","/a/b/requests/1/cancel"]')


def job(options: dict[str, Any], inputs: Any = None, *, type: str = "image", **params: Any) -> Job:
    return Job("run_1", "m", type, "a fern", params, 7, inputs or {}, options)


def looks(engine: Engine, ticket: Ticket) -> list[Look]:
    """Everything that is seen, to the end."""
    seen = [engine.look(ticket, wait_seconds=5)]
    while isinstance(seen[-1], Waiting):
        seen.append(engine.look(ticket, wait_seconds=5))
    return seen


def test_a_request_is_put_in_line_and_a_blackened_picture_is_left_out() -> None:
    options = {"app": "fal-ai/flux/schnell", "seed": "seed", "fixed": {"image_size": "square_hd"}}
    with replay(TOLD / "pictures.json") as server:
        engine = engine_for(server.url)
        *waiting, end = looks(engine, engine.submit(job(options, num_images=2)))
        assert [seen.progress for seen in waiting if isinstance(seen, Waiting)] == [0.0, 0.1]
        assert isinstance(end, Finished) and [output.data for output in end.outputs] == [PNG]


def test_a_picture_goes_out_as_a_data_address_and_another_process_fetches_the_video(tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(PNG)
    asked = job(
        {"app": "fal-ai/ltx-2/image-to-video/fast", "output": "video"},
        {"image_url": (Input(picture, "image/png"),)},
        type="video",
        image_url="https://example.com/picture.png",
        duration=6,
    )
    with replay(TOLD / "video.json") as server:
        ticket = engine_for(server.url).submit(asked)
        (end,) = looks(engine_for(server.url), ticket)
        assert isinstance(end, Finished) and end.outputs[0].content_type == "video/mp4"
        assert base64.b64encode(PNG) in server.asked[0].body


def ends(status: dict[str, Any], result: Reply) -> Look:
    def answer(asked: Asked) -> Reply:
        return Reply(status) if asked.path.endswith("/status") else result

    with loopback(answer) as server:
        return engine_for(server.url).look(TICKET, wait_seconds=1)


COMPLETED = {"status": "COMPLETED"}
_FLAGGED = {"loc": ["body", "prompt"], "msg": "Flagged.", "type": "content_policy_violation"}


@pytest.mark.parametrize(
    ("status", "result", "code"),
    [
        (COMPLETED, Reply({"detail": [_FLAGGED]}, 422), "GENERATION_PROMPT_MODERATED"),
        (
            COMPLETED,
            Reply({"images": [{"url": "x"}], "has_nsfw_concepts": [True]}),
            "GENERATION_PROMPT_MODERATED",
        ),
        (
            COMPLETED,
            Reply({"detail": [{"msg": "too large", "type": "x"}]}, 422),
            "GENERATION_INPUT_VALIDATION",
        ),
        (
            {**COMPLETED, "error": "Request timed out", "error_type": "request_timeout"},
            Reply({"detail": "Request timed out"}, 504),
            "GENERATION_PROVIDER_TIMEOUT",
        ),
        (COMPLETED, Reply({"detail": "crashed"}, 500), "GENERATION_DOWNSTREAM_SERVICE_ERROR"),
        (COMPLETED, Reply({"images": []}), "GENERATION_NO_RESULT"),
        (COMPLETED, Reply({"picture": {}}), "GENERATION_INVALID_PROVIDER_RESPONSE"),
        ({"status": "DREAMING"}, Reply({}), "GENERATION_INVALID_PROVIDER_RESPONSE"),
    ],
)
def test_an_end_is_told_in_our_codes(status: dict[str, Any], result: Reply, code: str) -> None:
    seen = ends(status, result)
    assert isinstance(seen, Failed) and seen.code == code


def test_a_completed_request_is_not_given_up_while_the_queue_hiccups() -> None:
    assert isinstance(ends(COMPLETED, Reply("Bad gateway", 502)), Waiting)


def test_the_key_goes_to_our_url_whatever_address_the_answer_names() -> None:
    elsewhere = "https://queue.example.com/a/b/requests/1"
    urls = {
        "status_url": f"{elsewhere}/status",
        "response_url": elsewhere,
        "cancel_url": f"{elsewhere}/cancel",
    }
    with loopback(lambda asked: Reply({"request_id": "1", **urls})) as server:
        engine = engine_for(f"{server.url}/proxy")
        ticket = engine.submit(job({"app": "a/b/c"}))
        engine.cancel(ticket)
    assert [asked.path for asked in server.asked] == ["/proxy/a/b/c", "/proxy/a/b/requests/1/cancel"]


def test_a_broken_connection_is_told_and_nothing_is_asked_for_twice() -> None:
    with loopback(lambda asked: Reply(drops=True)) as server, pytest.raises(Refused) as refused:
        engine_for(server.url).submit(job({"app": "a/b"}))
    assert "may have charged" in refused.value.failure.message and len(server.asked) == 1


def test_what_is_missing_is_told() -> None:
    keyless = kind.build(Setup("fal", 1, kind.OPTIONS.model_validate({}), None, "FAL_KEY"))
    assert "FAL_KEY" in (keyless.problem({"app": "fal-ai/flux/schnell"}) or "")
    assert "owner/app" in (keyless.problem({"app": "flux"}) or "")
