"""Replicate: finding a prediction by its mark alone, as after a crash."""

import hashlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from support.cases.replicate import Replicate, engine_for
from support.driver import EngineDriver, drive_engine
from support.loopback import Reply, Request, loopback
from support.queued import PNG, Queue
from terrarium_server.engines import Input, Job, Mark, Ticket, Unknown
from terrarium_server.engines.replicate import finding

MODEL = "black-forest-labs/flux-schnell"
VERSION = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"


@pytest.fixture(autouse=True)
def short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "_SEARCH_PAUSE", 0.01)


def job(key: str = "run_1.1", media: Any = None, **params: Any) -> Job:
    options = {"model": MODEL, "seed": "seed", "output": "pictures.all", "fields": {"picture": "image"}}
    inputs = {
        name: tuple(Input(path, "image/png") for path in paths) for name, paths in (media or {}).items()
    }
    return Job(key, "m", "image", "a fern", params, 7, inputs, options)


def mark_of(driver: EngineDriver, job: Job) -> Mark:
    return driver.wait(driver.engine.prepare(job))


def created(seconds: float = 0.0) -> str:
    """The time so many seconds from now, in Replicate's format."""
    return datetime.fromtimestamp(time.time() + seconds, UTC).isoformat().replace("+00:00", "Z")


def prediction(name: str = "p1", **other: Any) -> dict[str, Any]:
    """A prediction that matches the job of these tests, with other fields where given."""
    model_input = {"prompt": "a fern", "seed": 7, "steps": 4, "guidance": 3}
    return {"id": name, "model": MODEL, "input": model_input, "created_at": created(1), **other}


JOB = job(steps=4, guidance=3.0)


@pytest.fixture
def fake() -> Replicate:
    return Replicate(Queue(None))


@pytest.fixture
def url(fake: Replicate) -> Iterator[str]:
    with loopback(lambda request: fake.answer(request, server)) as server:
        yield server.url


def test_another_process_finds_a_prediction_with_the_path_to_its_results(url: str) -> None:
    with drive_engine(engine_for(url)) as driver:
        mark = mark_of(driver, JOB)
        ticket = driver.wait(driver.engine.submit(JOB, mark))
        # Repeatedly: a worker may end before it stores the ticket.
        assert driver.wait(driver.engine.find(mark)) == driver.wait(driver.engine.find(mark)) == ticket
    with drive_engine(engine_for(url)) as driver:
        assert driver.wait(driver.engine.find(mark)) == ticket == "image:job1:pictures.all"


def test_a_prediction_is_not_found_for_another_job_with_the_same_input(url: str) -> None:
    with drive_engine(engine_for(url)) as driver:
        driver.submit(JOB)
        assert driver.find(job("run_2.1", steps=4, guidance=3.0)) is None


def search(job: Job, answer: Callable[[Request], Reply]) -> tuple[Ticket | Unknown | None, list[Request]]:
    """The result of `find` for this job's mark, and the requests for it."""
    with loopback(answer) as server, drive_engine(engine_for(server.url)) as driver:
        return driver.find(job), server.requests


def listed(*predictions: Any, next: str | None = None) -> Callable[[Request], Reply]:
    return lambda request: Reply({"next": next, "results": list(predictions)})


@pytest.mark.parametrize(
    "other",
    [
        {"model": "black-forest-labs/flux-dev"},
        {"model": None},
        {"input": {"prompt": "a fern", "seed": 8, "steps": 4, "guidance": 3}},
        {"input": {"prompt": "a fern", "seed": 7, "steps": 4}},
        {"created_at": created(-300)},
        {"created_at": "yesterday"},
        {"id": ""},
    ],
)
def test_if_no_prediction_matches_the_search_is_repeated(other: dict[str, Any]) -> None:
    ticket, requests = search(JOB, listed(prediction(**other), None, {"id": "x"}))
    assert ticket is None and len(requests) == 3


def test_a_prediction_that_is_listed_late_is_found() -> None:
    replies = [Reply({"results": []}), Reply({"results": [prediction()]})]
    ticket, _ = search(JOB, lambda request: replies.pop(0))
    assert ticket == "image:p1:pictures.all"


def test_of_two_predictions_that_match_the_one_created_nearest_to_the_mark_is_found() -> None:
    later = prediction("later", created_at=created(40))
    ticket, _ = search(JOB, listed(later, prediction(), prediction("earlier", created_at=created(-30))))
    assert ticket == "image:p1:pictures.all"


def test_a_model_with_versions_is_recognised_by_its_version() -> None:
    versioned = Job("run_1.1", "m", "text", "a fern", {}, 7, options={"model": f"owner/name:{VERSION}"})
    fields = {"input": {"prompt": "a fern"}, "model": "owner/name"}
    assert search(versioned, listed(prediction(**fields, version=VERSION)))[0] == "text:p1"
    assert search(versioned, listed(prediction(**fields, version=VERSION[::-1])))[0] is None


def test_older_pages_are_searched_back_to_the_mark() -> None:
    address = "https://api.replicate.com/v1/predictions"
    old = prediction("old", created_at=created(-900))
    pages = {
        "": listed(prediction("new", input={}), next=f"{address}?cursor=a%3D"),
        "cursor=a%3D": listed(prediction(), old, next=f"{address}?cursor=b"),
    }
    assert search(JOB, lambda request: pages[request.query](request))[0] == "image:p1:pictures.all"
    pages["cursor=a%3D"] = listed(old, next=f"{address}?cursor=b")
    ticket, requests = search(JOB, lambda request: pages[request.query](request))
    assert ticket is None and len(requests) == 6


@pytest.mark.parametrize(
    "answer",
    [
        lambda: lambda request: Reply("", 500),
        lambda: lambda request: Reply("", 401),
        lambda: lambda request: Reply("<html>It works!</html>"),
        lambda: lambda request: Reply({"detail": "odd"}),
        lambda: lambda request: Reply(drops=True),
        # Inputs are deleted after an hour.
        lambda: listed(prediction(input={}, data_removed=True)),
        lambda: listed(prediction(input=None)),
        # More pages than are searched.
        lambda: listed(prediction("new", input={}), next="/v1/predictions?cursor=again"),
    ],
)
def test_a_search_that_proves_nothing_returns_unknown(
    answer: Callable[[], Callable[[Request], Reply]],
) -> None:
    # Made only now, because it contains the time of creation.
    assert search(JOB, answer())[0] == Unknown()


def test_a_mark_of_another_form_returns_unknown() -> None:
    with drive_engine(engine_for("http://127.0.0.1:1")) as driver:
        assert driver.wait(driver.engine.find(Mark("run_1.1"))) == Unknown()


def test_a_provider_that_cannot_be_reached_returns_unknown() -> None:
    with drive_engine(engine_for("http://127.0.0.1:1")) as driver:
        assert driver.find(JOB) == Unknown()


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Two small pictures and two large ones, which are uploaded."""
    paths = [tmp_path / f"{number}.png" for number in range(4)]
    for number, path in enumerate(paths):
        path.write_bytes(PNG + bytes([number]) * (300_000 if number >= 2 else 1))
    return paths


class Uploads:
    """Accepts files in addition to predictions, and keeps their content."""

    def __init__(self, fake: Replicate) -> None:
        self.fake = fake
        self.files: list[bytes] = []

    def answer(self, request: Request, url: str) -> Reply:
        match request.method, request.path.split("/")[2:]:
            case "POST", ["files"]:
                self.files.append(request.body.split(b"\r\n\r\n", 1)[1].rsplit(b"\r\n--", 1)[0])
                return Reply({"urls": {"get": f"https://api.replicate.com/v1/files/{len(self.files) - 1}"}})
            case "GET", ["files", name] if int(name) < len(self.files):
                content = hashlib.sha256(self.files[int(name)]).hexdigest()
                return Reply({"id": name, "checksums": {"sha256": content, "md5": ""}})
            case _:
                return self.fake.answer(request, url)  # pyright: ignore[reportArgumentType]


def test_pictures_are_distinguished_by_their_content(fake: Replicate, pictures: list[Path]) -> None:
    uploads = Uploads(fake)
    sets = [pictures[:1], pictures[1:2], pictures[2:3], pictures[3:], pictures[:3], pictures[1:]]
    jobs = [
        job(f"run_{number}.1", {"picture": paths}, picture=["x"] if len(paths) > 1 else "x")
        for number, paths in enumerate(sets)
    ]
    with loopback(lambda request: uploads.answer(request, server.url)) as server:
        with drive_engine(engine_for(server.url)) as driver:
            marks = [mark_of(driver, one) for one in jobs]
            tickets = [
                driver.wait(driver.engine.submit(one, mark))
                for one, mark in list(zip(jobs, marks, strict=True))[::2]
            ]
        with drive_engine(engine_for(server.url)) as driver:
            found = [driver.wait(driver.engine.find(mark)) for mark in marks]
            assert found[::2] == tickets and found[1::2] == [None, None, None]
            # Without the uploaded file, its content is unknown.
            uploads.files.clear()
        with drive_engine(engine_for(server.url)) as driver:
            assert driver.wait(driver.engine.find(marks[2])) == Unknown()
