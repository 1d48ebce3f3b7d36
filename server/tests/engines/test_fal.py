"""fal: recorded conversations over real HTTP."""

import base64
import tempfile
from pathlib import Path
from typing import Any

import pytest

from support.cases.fal import CASE, engine_for, kind
from support.driver import content, drive_engine
from support.loopback import Reply, Request, loopback
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
    Ticket,
    Unknown,
)
from terrarium_server.engines.setup import Setup

CONVERSATIONS = Path(__file__).parent / "conversations" / "fal"
# In the form that is stored in databases.
TICKET = Ticket('["image","images","/a/b/requests/1/status","/a/b/requests/1","/a/b/requests/1/cancel"]')


@pytest.fixture(autouse=True)
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "scratch"
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def job(options: dict[str, Any], inputs: Any = None, *, type: str = "image", **params: Any) -> Job:
    return Job("run_1", "m", type, "a fern", params, 7, inputs or {}, options)


def test_a_request_is_queued_and_a_picture_that_was_made_black_is_left_out() -> None:
    options = {"app": "fal-ai/flux/schnell", "seed": "seed", "fixed": {"image_size": "square_hd"}}
    with replay(CONVERSATIONS / "pictures.json") as server, drive_engine(engine_for(server.url)) as driver:
        *before, end = driver.follow(driver.submit(job(options, num_images=2)))
        assert [news.fraction for news in before if isinstance(news, Progress)] == [0.0, 0.1]
        assert isinstance(end, Finished) and [content(output) for output in end.outputs] == [PNG]


def test_a_picture_is_sent_as_a_data_address_and_another_process_fetches_the_video(tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    picture.write_bytes(PNG)
    new_job = job(
        {"app": "fal-ai/ltx-2/image-to-video/fast", "output": "video"},
        {"image_url": (Input(picture, "image/png"),)},
        type="video",
        image_url="https://example.com/picture.png",
        duration=6,
    )
    with replay(CONVERSATIONS / "video.json") as server:
        with drive_engine(engine_for(server.url)) as driver:
            ticket = driver.submit(new_job)
        with drive_engine(engine_for(server.url)) as driver:
            (end,) = driver.follow(ticket)
        assert isinstance(end, Finished) and end.outputs[0].content_type == "video/mp4"
        assert base64.b64encode(PNG) in server.requests[0].body


def first_news(status: dict[str, Any], result: Reply) -> News:
    """The first news of a request with this status and result."""

    def answer(request: Request) -> Reply:
        return Reply(status) if request.path.endswith("/status") else result

    with loopback(answer) as server, drive_engine(engine_for(server.url)) as driver:
        news = driver.follow(TICKET)
        first = next(news)
        news.close()
        return first


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
def test_every_failure_has_one_of_our_codes(status: dict[str, Any], result: Reply, code: str) -> None:
    news = first_news(status, result)
    assert isinstance(news, Failed) and news.code == code


def test_a_completed_request_is_polled_on_while_the_queue_fails_for_a_moment() -> None:
    assert isinstance(first_news(COMPLETED, Reply("Bad gateway", 502)), Progress)


def test_if_one_of_several_results_cannot_be_fetched_none_is_left_behind(scratch: Path) -> None:
    def answer(request: Request) -> Reply:
        match request.path.rpartition("/")[2]:
            case "status":
                return Reply(COMPLETED)
            case "good.png":
                return Reply(PNG)
            case "bad.png":
                return Reply("no picture")
            case _:
                return Reply({"images": [f"{server.url}/{name}.png" for name in ("good", "bad")]})

    with loopback(answer) as server, drive_engine(engine_for(server.url)) as driver:
        end = driver.end(TICKET)
    assert isinstance(end, Failed) and end.code == "GENERATION_INVALID_PROVIDER_RESPONSE"
    assert list(scratch.iterdir()) == []


def test_the_key_is_sent_only_below_our_url_whatever_address_the_answer_names() -> None:
    elsewhere = "https://queue.example.com/a/b/requests/1"
    urls = {
        "status_url": f"{elsewhere}/status",
        "response_url": elsewhere,
        "cancel_url": f"{elsewhere}/cancel",
    }
    with (
        loopback(lambda request: Reply({"request_id": "1", **urls})) as server,
        drive_engine(engine_for(f"{server.url}/proxy")) as driver,
    ):
        driver.cancel(driver.submit(job({"app": "a/b/c"})))
    assert [request.path for request in server.requests] == ["/proxy/a/b/c", "/proxy/a/b/requests/1/cancel"]


def test_a_ticket_from_the_database_is_cancelled() -> None:
    with loopback(lambda request: Reply()) as server, drive_engine(engine_for(server.url)) as driver:
        driver.cancel(TICKET)
    assert [(request.method, request.path) for request in server.requests] == [
        ("PUT", "/a/b/requests/1/cancel")
    ]


def test_a_broken_connection_is_reported_and_nothing_is_posted_twice() -> None:
    with (
        loopback(lambda request: Reply(drops=True)) as server,
        drive_engine(engine_for(server.url)) as driver,
        pytest.raises(Refused) as refused,
    ):
        driver.submit(job({"app": "a/b"}))
    assert "may have charged" in refused.value.failure.message and len(server.requests) == 1


def test_it_is_unknown_whether_a_request_arrived() -> None:
    with (
        loopback(lambda request: Reply({"request_id": "1"})) as server,
        drive_engine(engine_for(server.url)) as driver,
    ):
        new_job = job({"app": "a/b"})
        assert driver.find(new_job) == Unknown()
        driver.submit(new_job)
        assert driver.find(new_job) == Unknown()
    assert len(server.requests) == 1


def test_a_large_picture_does_not_block_the_loop(tmp_path: Path) -> None:
    picture = tmp_path / "large.png"
    picture.write_bytes(bytes(24 << 20))
    new_job = job({"app": "a/b"}, {"image_url": (Input(picture, "image/png"),)}, image_url="x")
    holds: list[float] = []
    with (
        loopback(lambda request: Reply({"request_id": "1"})) as server,
        drive_engine(engine_for(server.url)) as driver,
    ):
        # The best of a few tries: on a busy machine a loop may also wait for a processor.
        while not holds or (holds[-1] >= 0.05 and len(holds) < 5):
            assert driver.longest_hold >= 0
            driver.submit(new_job)
            holds.append(driver.longest_hold)
    assert holds[-1] < 0.05, holds


def test_an_engine_keeps_nothing_of_jobs_that_are_over() -> None:
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
def test_a_queue_that_only_this_machine_can_reach_is_followed_only_here(url: str, followers: str) -> None:
    assert engine_for(url).followers(Mark("run_1")) == followers


def test_a_missing_key_and_a_wrong_app_are_reported() -> None:
    keyless = kind.build(Setup("fal", 1, kind.OPTIONS.model_validate({}), None, "FAL_KEY"))
    assert "FAL_KEY" in (keyless.problem({"app": "fal-ai/flux/schnell"}) or "")
    assert "owner/app" in (keyless.problem({"app": "flux"}) or "")
