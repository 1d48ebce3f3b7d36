"""fal: written conversations over real HTTP."""

import base64
import tempfile
from pathlib import Path
from typing import Any

import pytest

from support.cases.fal import CASE, engine_for, kind
from support.driving import content, driving
from support.loopback import Asked, Reply, loopback
from support.queued import PNG, held_after_jobs
from support.replay import replay
from terrarium_server.engines import (
    Failed,
    Finished,
    Input,
    Job,
    Mark,
    News,
    Progress,
    Refused,
    Setup,
    Ticket,
    Unknown,
)

TOLD = Path(__file__).parent / "conversations" / "fal"
# As they are in databases.
TICKET = Ticket('["image","images","/a/b/requests/1/status","/a/b/requests/1","/a/b/requests/1/cancel"]')


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "scratch"
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def job(options: dict[str, Any], inputs: Any = None, *, type: str = "image", **params: Any) -> Job:
    return Job("run_1", "m", type, "a fern", params, 7, inputs or {}, options)


def test_a_request_is_put_in_line_and_a_blackened_picture_is_left_out() -> None:
    options = {"app": "fal-ai/flux/schnell", "seed": "seed", "fixed": {"image_size": "square_hd"}}
    with replay(TOLD / "pictures.json") as server, driving(engine_for(server.url)) as driven:
        *before, end = driven.follow(driven.submit(job(options, num_images=2)))
        assert [heard.fraction for heard in before if isinstance(heard, Progress)] == [0.0, 0.1]
        assert isinstance(end, Finished) and [content(output) for output in end.outputs] == [PNG]


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
        with driving(engine_for(server.url)) as driven:
            ticket = driven.submit(asked)
        with driving(engine_for(server.url)) as driven:
            (end,) = driven.follow(ticket)
        assert isinstance(end, Finished) and end.outputs[0].content_type == "video/mp4"
        assert base64.b64encode(PNG) in server.asked[0].body


def first(status: dict[str, Any], result: Reply) -> News:
    """What is heard first of a request that stands like this."""

    def answer(asked: Asked) -> Reply:
        return Reply(status) if asked.path.endswith("/status") else result

    with loopback(answer) as server, driving(engine_for(server.url)) as driven:
        news = driven.follow(TICKET)
        heard = next(news)
        news.close()
        return heard


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
        (
            {**COMPLETED, "error": "Cancelled", "error_type": "client_cancelled"},
            Reply({"detail": "Request cancelled"}, 499),
            "GENERATION_CANCELLED",
        ),
        (COMPLETED, Reply({"detail": "crashed"}, 500), "GENERATION_DOWNSTREAM_SERVICE_ERROR"),
        (COMPLETED, Reply({"images": []}), "GENERATION_NO_RESULT"),
        (COMPLETED, Reply({"picture": {}}), "GENERATION_INVALID_PROVIDER_RESPONSE"),
        ({"status": "DREAMING"}, Reply({}), "GENERATION_INVALID_PROVIDER_RESPONSE"),
    ],
)
def test_an_end_is_told_in_our_codes(status: dict[str, Any], result: Reply, code: str) -> None:
    heard = first(status, result)
    assert isinstance(heard, Failed) and heard.code == code


def test_a_completed_request_is_not_given_up_while_the_queue_hiccups() -> None:
    assert isinstance(first(COMPLETED, Reply("Bad gateway", 502)), Progress)


def test_of_several_results_none_is_left_behind_when_one_cannot_be_had(scratch: Path) -> None:
    def answer(asked: Asked) -> Reply:
        match asked.path.rpartition("/")[2]:
            case "status":
                return Reply(COMPLETED)
            case "good.png":
                return Reply(PNG)
            case "bad.png":
                return Reply("no picture")
            case _:
                return Reply({"images": [f"{server.url}/{name}.png" for name in ("good", "bad")]})

    with loopback(answer) as server, driving(engine_for(server.url)) as driven:
        end = driven.end(TICKET)
    assert isinstance(end, Failed) and end.code == "GENERATION_INVALID_PROVIDER_RESPONSE"
    assert list(scratch.iterdir()) == []


def test_the_key_goes_to_our_url_whatever_address_the_answer_names() -> None:
    elsewhere = "https://queue.example.com/a/b/requests/1"
    urls = {
        "status_url": f"{elsewhere}/status",
        "response_url": elsewhere,
        "cancel_url": f"{elsewhere}/cancel",
    }
    with (
        loopback(lambda asked: Reply({"request_id": "1", **urls})) as server,
        driving(engine_for(f"{server.url}/proxy")) as driven,
    ):
        driven.cancel(driven.submit(job({"app": "a/b/c"})))
    assert [asked.path for asked in server.asked] == ["/proxy/a/b/c", "/proxy/a/b/requests/1/cancel"]


def test_a_ticket_of_before_is_cancelled() -> None:
    with loopback(lambda asked: Reply()) as server, driving(engine_for(server.url)) as driven:
        driven.cancel(TICKET)
    assert [(asked.method, asked.path) for asked in server.asked] == [("PUT", "/a/b/requests/1/cancel")]


def test_a_broken_connection_is_told_and_nothing_is_asked_for_twice() -> None:
    with (
        loopback(lambda asked: Reply(drops=True)) as server,
        driving(engine_for(server.url)) as driven,
        pytest.raises(Refused) as refused,
    ):
        driven.submit(job({"app": "a/b"}))
    assert "may have charged" in refused.value.failure.message and len(server.asked) == 1


def test_nobody_can_tell_whether_a_request_arrived() -> None:
    with (
        loopback(lambda asked: Reply({"request_id": "1"})) as server,
        driving(engine_for(server.url)) as driven,
    ):
        asked = job({"app": "a/b"})
        assert driven.find(asked) == Unknown()
        driven.submit(asked)
        assert driven.find(asked) == Unknown()
    assert len(server.asked) == 1


def test_a_large_picture_does_not_hold_the_loop(tmp_path: Path) -> None:
    picture = tmp_path / "large.png"
    picture.write_bytes(bytes(24 << 20))
    asked = job({"app": "a/b"}, {"image_url": (Input(picture, "image/png"),)}, image_url="x")
    holds: list[float] = []
    with (
        loopback(lambda asked: Reply({"request_id": "1"})) as server,
        driving(engine_for(server.url)) as driven,
    ):
        # The best of a few: on a machine that is busy with other things a loop waits for its turn too.
        while not holds or (holds[-1] >= 0.05 and len(holds) < 5):
            assert driven.longest_hold >= 0
            driven.submit(asked)
            holds.append(driven.longest_hold)
    assert holds[-1] < 0.05, holds


def test_nothing_is_kept_of_jobs_that_are_over() -> None:
    few, many = held_after_jobs(CASE)
    assert many == few


@pytest.mark.parametrize(
    ("url", "followers"),
    [
        ("https://queue.fal.run", "anyone"),
        ("http://localhost:80", "machine"),
        ("http://127.1.2.3", "machine"),
        ("http://[::1]:1", "machine"),
    ],
)
def test_what_only_this_machine_reaches_is_followed_here(url: str, followers: str) -> None:
    assert engine_for(url).followers(Mark("run_1")) == followers


def test_what_is_missing_is_told() -> None:
    keyless = kind.build(Setup("fal", 1, kind.OPTIONS.model_validate({}), None, "FAL_KEY"))
    assert "FAL_KEY" in (keyless.problem({"app": "fal-ai/flux/schnell"}) or "")
    assert "owner/app" in (keyless.problem({"app": "flux"}) or "")
