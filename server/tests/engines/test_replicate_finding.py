"""Replicate: finding a prediction by its mark alone, as after a crash."""

import hashlib
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from support.cases.replicate import Replicate, engine_for
from support.driving import Driven, driving
from support.loopback import Asked, Reply, loopback
from support.queued import PNG, Queue
from terrarium_server.engines import Input, Job, Mark, Ticket, Unknown
from terrarium_server.engines._replicate import finding

MODEL = "black-forest-labs/flux-schnell"
VERSION = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa"


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "_SEARCH_PAUSE", 0.01)


def job(key: str = "run_1.1", media: Any = None, **params: Any) -> Job:
    options = {"model": MODEL, "seed": "seed", "output": "pictures.all", "fields": {"picture": "image"}}
    inputs = {
        name: tuple(Input(path, "image/png") for path in paths) for name, paths in (media or {}).items()
    }
    return Job(key, "m", "image", "a fern", params, 7, inputs, options)


def mark_of(driven: Driven, job: Job) -> Mark:
    return driven.wait(driven.engine.prepare(job))


def created(seconds: float = 0.0) -> str:
    """So many seconds from now, as Replicate writes it."""
    return datetime.fromtimestamp(time.time() + seconds, UTC).isoformat().replace("+00:00", "Z")


def prediction(name: str = "p1", **other: Any) -> dict[str, Any]:
    """One that the job of these tests becomes, unless it is said otherwise."""
    asked = {"prompt": "a fern", "seed": 7, "steps": 4, "guidance": 3}
    return {"id": name, "model": MODEL, "input": asked, "created_at": created(1), **other}


ASKED = job(steps=4, guidance=3.0)


@pytest.fixture
def part() -> Replicate:
    return Replicate(Queue(None))


@pytest.fixture
def url(part: Replicate) -> Iterator[str]:
    with loopback(lambda asked: part.answer(asked, server)) as server:
        yield server.url


def test_another_process_finds_a_prediction_with_the_way_to_its_results(url: str) -> None:
    with driving(engine_for(url)) as driven:
        mark = mark_of(driven, ASKED)
        ticket = driven.wait(driven.engine.submit(ASKED, mark))
        # As often as it is asked: what was found may not have been written down.
        assert driven.wait(driven.engine.find(mark)) == driven.wait(driven.engine.find(mark)) == ticket
    with driving(engine_for(url)) as driven:
        assert driven.wait(driven.engine.find(mark)) == ticket == "image:job1:pictures.all"


def test_a_prediction_is_not_found_for_a_job_that_asks_for_the_very_same(url: str) -> None:
    with driving(engine_for(url)) as driven:
        driven.submit(ASKED)
        assert driven.find(job("run_2.1", steps=4, guidance=3.0)) is None


def found(asked: Job, answer: Callable[[Asked], Reply]) -> tuple[Ticket | Unknown | None, list[Asked]]:
    """What is found by this job's mark, and what was asked for it."""
    with loopback(answer) as server, driving(engine_for(server.url)) as driven:
        return driven.find(asked), server.asked


def listed(*predictions: Any, next: str | None = None) -> Callable[[Asked], Reply]:
    return lambda asked: Reply({"next": next, "results": list(predictions)})


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
def test_a_prediction_that_is_another_one_is_searched_for_several_times(other: dict[str, Any]) -> None:
    ticket, asked = found(ASKED, listed(prediction(**other), None, {"id": "x"}))
    assert ticket is None and len(asked) == 3


def test_what_is_listed_late_is_found_all_the_same() -> None:
    replies = [Reply({"results": []}), Reply({"results": [prediction()]})]
    ticket, _ = found(ASKED, lambda asked: replies.pop(0))
    assert ticket == "image:p1:pictures.all"


def test_of_two_that_are_alike_the_one_created_next_to_the_mark_is_found() -> None:
    later = prediction("later", created_at=created(40))
    ticket, _ = found(ASKED, listed(later, prediction(), prediction("earlier", created_at=created(-30))))
    assert ticket == "image:p1:pictures.all"


def test_a_model_that_has_versions_is_known_by_its_version() -> None:
    asked = Job("run_1.1", "m", "text", "a fern", {}, 7, options={"model": f"owner/name:{VERSION}"})
    told = {"input": {"prompt": "a fern"}, "model": "owner/name"}
    assert found(asked, listed(prediction(**told, version=VERSION)))[0] == "text:p1"
    assert found(asked, listed(prediction(**told, version=VERSION[::-1])))[0] is None


def test_older_pages_are_searched_back_to_the_mark() -> None:
    address = "https://api.replicate.com/v1/predictions"
    old = prediction("old", created_at=created(-900))
    pages = {
        "": listed(prediction("new", input={}), next=f"{address}?cursor=a%3D"),
        "cursor=a%3D": listed(prediction(), old, next=f"{address}?cursor=b"),
    }
    assert found(ASKED, lambda asked: pages[asked.query](asked))[0] == "image:p1:pictures.all"
    pages["cursor=a%3D"] = listed(old, next=f"{address}?cursor=b")
    ticket, asked = found(ASKED, lambda asked: pages[asked.query](asked))
    assert ticket is None and len(asked) == 6


@pytest.mark.parametrize(
    "answer",
    [
        lambda: lambda asked: Reply("", 500),
        lambda: lambda asked: Reply("", 401),
        lambda: lambda asked: Reply("<html>It works!</html>"),
        lambda: lambda asked: Reply({"detail": "odd"}),
        lambda: lambda asked: Reply(drops=True),
        # An hour later nobody can tell what was asked.
        lambda: listed(prediction(input={}, data_removed=True)),
        lambda: listed(prediction(input=None)),
        # No end in sight.
        lambda: listed(prediction("new", input={}), next="/v1/predictions?cursor=again"),
    ],
)
def test_what_cannot_be_told_is_not_said_to_have_not_arrived(
    answer: Callable[[], Callable[[Asked], Reply]],
) -> None:
    # Made only now: it says when a prediction was created.
    assert found(ASKED, answer())[0] == Unknown()


def test_a_mark_that_is_none_of_ours_says_nothing() -> None:
    with driving(engine_for("http://127.0.0.1:1")) as driven:
        assert driven.wait(driven.engine.find(Mark("run_1.1"))) == Unknown()


def test_a_provider_that_is_not_there_tells_nothing() -> None:
    with driving(engine_for("http://127.0.0.1:1")) as driven:
        assert driven.find(ASKED) == Unknown()


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    """Two small pictures and two large ones, which are uploaded."""
    paths = [tmp_path / f"{number}.png" for number in range(4)]
    for number, path in enumerate(paths):
        path.write_bytes(PNG + bytes([number]) * (300_000 if number >= 2 else 1))
    return paths


class Uploads:
    """Takes files beside its predictions and remembers what was in them."""

    def __init__(self, part: Replicate) -> None:
        self.part = part
        self.files: list[bytes] = []

    def answer(self, asked: Asked, url: str) -> Reply:
        match asked.method, asked.path.split("/")[2:]:
            case "POST", ["files"]:
                self.files.append(asked.body.split(b"\r\n\r\n", 1)[1].rsplit(b"\r\n--", 1)[0])
                return Reply({"urls": {"get": f"https://api.replicate.com/v1/files/{len(self.files) - 1}"}})
            case "GET", ["files", name] if int(name) < len(self.files):
                content = hashlib.sha256(self.files[int(name)]).hexdigest()
                return Reply({"id": name, "checksums": {"sha256": content, "md5": ""}})
            case _:
                return self.part.answer(asked, url)  # pyright: ignore[reportArgumentType]


def test_pictures_are_told_apart_by_what_is_in_them(part: Replicate, pictures: list[Path]) -> None:
    uploads = Uploads(part)
    sets = [pictures[:1], pictures[1:2], pictures[2:3], pictures[3:], pictures[:3], pictures[1:]]
    jobs = [
        job(f"run_{number}.1", {"picture": paths}, picture=["x"] if len(paths) > 1 else "x")
        for number, paths in enumerate(sets)
    ]
    with loopback(lambda asked: uploads.answer(asked, server.url)) as server:
        with driving(engine_for(server.url)) as driven:
            marks = [mark_of(driven, asked) for asked in jobs]
            tickets = [
                driven.wait(driven.engine.submit(asked, mark))
                for asked, mark in list(zip(jobs, marks, strict=True))[::2]
            ]
        with driving(engine_for(server.url)) as driven:
            seen = [driven.wait(driven.engine.find(mark)) for mark in marks]
            assert seen[::2] == tickets and seen[1::2] == [None, None, None]
            # Once a file is deleted, nobody can tell.
            uploads.files.clear()
        with driving(engine_for(server.url)) as driven:
            assert driven.wait(driven.engine.find(marks[2])) == Unknown()
