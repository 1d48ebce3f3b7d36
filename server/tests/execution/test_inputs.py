"""Media that runs start from: links are fetched, outputs of ours are found, and nothing else is."""

import asyncio
import errno
import socket
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.loopback import Asked, Reply, loopback
from support.puppet import Puppet
from support.server import DEADLINE
from support.stage import MakeStage, Stage
from terrarium_server import assets
from terrarium_server.engines import Finished, Job, News, Output
from terrarium_server.problems import InvalidInput
from terrarium_server.store import Blobs

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


class Copier(Puppet):
    """Hands out the picture it was given, or one of its own; the files are gone after the run."""

    def __init__(self) -> None:
        self.types: list[str] = []
        self.most_at_once = at_once = 0

        async def play(job: Job) -> AsyncIterator[News]:
            nonlocal at_once
            at_once += 1
            self.most_at_once = max(self.most_at_once, at_once)
            await asyncio.sleep(0.02)
            at_once -= 1
            given = job.inputs.get("image_url", ())
            self.types += [medium.content_type for medium in given]
            yield Finished((Output("image/png", given[0].path.read_bytes() if given else PNG, 8, 8),))

        super().__init__(play)


def output_of(stage: Stage, run_id: str) -> assets.KeptOutput:
    with stage.house.database.transaction() as tx:
        return assets.outputs_of(tx, [run_id])[run_id][0]


def medium_of(stage: Stage, run_id: str) -> assets.Medium:
    medium = output_of(stage, run_id).medium
    assert medium is not None
    return medium


def start(stage: Stage, **params: str) -> str:
    return stage.start("i2i-rehearsal", type="image", **params)


def test_outputs_of_ours_are_found_by_reference_and_by_link(make_stage: MakeStage) -> None:
    engine = Copier()
    with make_stage(engine) as stage:
        first = stage.ended(start(stage))
        kept = output_of(stage, first.run_id)
        number = kept.output_id.removeprefix("out_")
        names = [
            first.run_id,
            f"{first.run_id}/{kept.output_id}",
            f"{first.run_id}/output_{number}",
            f"https://anywhere.example/media/{kept.link}",
        ]
        for name in names:
            made = stage.ended(start(stage, image_url=name))
            assert made.state == "completed", made.error_message
            assert medium_of(stage, made.run_id).sha256 == medium_of(stage, first.run_id).sha256
        assert engine.types == ["image/png"] * 4


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"image_url": "asset_1"}, "There is no asset asset_1"),
        ({"image_url": "run_nobody/out_1"}, "There is no output run_nobody/out_1"),
        ({"image_url": "picture.png"}, "Must lead to an image: an https link"),
        ({"video_url": "https://x.example/a.mp4"}, "takes no video"),
        ({"image_urls": "https://x.example/a.png"}, "Send it as image_url"),
    ],
)
def test_what_leads_nowhere_is_refused_at_the_door(
    make_stage: MakeStage, params: dict[str, str], told: str
) -> None:
    with make_stage(Copier(), workers=False) as stage:
        with pytest.raises(InvalidInput) as refused:
            start(stage, **params)
        [field] = refused.value.fields
        assert field.field == f"params.{next(iter(params))}"
        assert told in field.message


def test_a_strangers_output_and_one_of_another_kind_are_refused(make_stage: MakeStage) -> None:
    with make_stage(Copier()) as stage:
        run_id = stage.ended(start(stage)).run_id
        with pytest.raises(InvalidInput, match="audio is asked for"):
            start(stage, audio_url=run_id)
        with stage.house.database.transaction() as tx:
            from support.server import new_account

            stranger = Stage(stage.house, new_account(tx))
        with pytest.raises(InvalidInput, match="There is no output"):
            start(stranger, image_url=run_id)


def test_a_link_is_fetched_in_the_run_and_a_bad_one_fails_it_by_name(make_stage: MakeStage) -> None:
    def answer(asked: Asked) -> Reply:
        if asked.path == "/picture":
            return Reply(PNG, headers={"content-type": "text/html"})
        return Reply(b"<html>", headers={"content-type": "image/png"})

    with loopback(answer) as site, make_stage(Copier(), allow_private_fetch=True) as stage:
        good = stage.ended(start(stage, image_url=f"{site.url}/picture"))
        assert good.state == "completed", good.error_message
        bad = stage.ended(start(stage, image_url=f"{site.url}/page"))
        assert (bad.error_code, bad.cost_micros) == ("GENERATION_INVALID_URL", 0)
        assert bad.error_message and bad.error_message.startswith(
            "params.image_url: the file is of an unknown"
        )


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("https://[", "the link redirects to one that cannot be used"),
        ("data:image/png;base64,AAAA", "the link must start with https://"),
        ("https://0177.0.0.1/", "the link redirects to something that is no link"),
    ],
)
def test_a_link_that_redirects_to_none_is_an_invalid_link(
    make_stage: MakeStage, location: str, told: str
) -> None:
    reply = Reply(status=302, headers={"location": location})
    with loopback(lambda asked: reply) as site, make_stage(Copier(), allow_private_fetch=True) as stage:
        run = stage.ended(start(stage, image_url=site.url))
        assert (run.error_code, run.cost_micros) == ("GENERATION_INVALID_URL", 0)
        assert run.error_message and told in run.error_message


def test_this_machine_cannot_be_reached_through_a_name(
    make_stage: MakeStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = socket.getaddrinfo

    def resolve(host: Any, *rest: Any, **more: Any) -> Any:
        return usual("127.0.0.1" if host == "innocent.example" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with make_stage(Copier()) as stage:
        run = stage.ended(start(stage, image_url="https://innocent.example:9/x.png"))
        assert run.error_message == "params.image_url: the link leads to an address that is not public"
        assert run.error_code == "GENERATION_INVALID_URL"


DRIPS = Reply((PNG, *[b"x"] * 100_000), pause=0.05)


def test_links_that_drip_hold_no_place_at_an_engine(make_stage: MakeStage) -> None:
    with loopback(lambda asked: DRIPS) as site, make_stage(Copier(), allow_private_fetch=True) as stage:
        stage.house.engines.limits["rehearsal"] = 2
        slow = [start(stage, image_url=site.url) for _ in range(20)]
        stage.wait_until(lambda: len(site.asked) == 20, "not all links are asked for")
        assert stage.ended(start(stage)).state == "completed"
        assert {stage.run(run_id).state for run_id in slow} == {"running"}
        for run_id in slow:
            stage.cancel(run_id)


def test_more_links_that_drip_than_may_be_waited_for_hold_no_place_either(
    make_stage: MakeStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("terrarium_server.execution._places._MOST_LENT", 3)
    monkeypatch.setattr("terrarium_server.execution._execution._FETCH_DELAY_MS", 300)
    with loopback(lambda asked: DRIPS) as site, make_stage(Copier(), allow_private_fetch=True) as stage:
        stage.house.engines.limits["rehearsal"] = 2
        slow = [start(stage, image_url=f"{site.url}/{number}") for number in range(8)]
        stage.wait_until(lambda: len(site.asked) >= 3, "no link is asked for")
        assert [stage.ended(start(stage)).state for _ in range(3)] == ["completed"] * 3
        # Those that were put off come to their turn.
        for run_id in slow[:4]:
            stage.cancel(run_id)
        stage.wait_until(lambda: len({asked.path for asked in site.asked}) > 4, "the others have no turn")
        for run_id in slow[4:]:
            stage.cancel(run_id)


def test_what_cannot_be_copied_for_a_moment_is_tried_again(
    make_stage: MakeStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, refusals = Blobs.copy_to, [errno.EMFILE, errno.ENOSPC]

    def copy_to(blobs: Blobs, name: str, path: Path) -> None:
        if refusals:
            raise OSError(refusals.pop(), "not now")
        usual(blobs, name, path)

    with make_stage(Copier()) as stage:
        first = stage.ended(start(stage)).run_id
        monkeypatch.setattr(Blobs, "copy_to", copy_to)
        assert stage.ended(start(stage, image_url=first)).state == "completed"
    assert refusals == []


def test_a_fetch_ends_when_its_time_is_up(make_stage: MakeStage) -> None:
    with (
        loopback(lambda asked: DRIPS) as site,
        make_stage(Copier(), workers=False, allow_private_fetch=True) as stage,
    ):
        stage.house.fetch_rules = replace(stage.house.fetch_rules, seconds=1)
        stage.house.start_workers()
        run = stage.ended(start(stage, image_url=site.url))
        assert run.error_code == "GENERATION_INVALID_URL"
        assert run.error_message == "params.image_url: the file did not arrive within 1 s"


def test_an_engine_has_no_more_runs_than_it_may_whatever_was_fetched(make_stage: MakeStage) -> None:
    gate = threading.Event()

    def answer(asked: Asked) -> Reply:
        assert gate.wait(DEADLINE)
        return Reply(PNG)

    engine = Copier()
    with loopback(answer) as site, make_stage(engine, allow_private_fetch=True) as stage:
        stage.house.engines.limits["rehearsal"] = 2
        runs = [start(stage, image_url=f"{site.url}/{number}") for number in range(12)]
        stage.wait_until(lambda: len(site.asked) == 12, "not all links are asked for")
        gate.set()
        assert {stage.ended(run_id).state for run_id in runs} == {"completed"}
    assert engine.most_at_once <= 2


def test_the_links_of_a_run_are_fetched_at_the_same_time(make_stage: MakeStage) -> None:
    both = threading.Barrier(2, timeout=DEADLINE)

    def answer(asked: Asked) -> Reply:
        both.wait()
        return Reply(PNG if asked.path == "/picture" else b"fLaC" + bytes(64))

    with loopback(answer) as site, make_stage(Copier(), allow_private_fetch=True) as stage:
        run = stage.ended(start(stage, image_url=f"{site.url}/picture", audio_url=f"{site.url}/sound"))
        assert run.state == "completed", run.error_message
        run = stage.ended(start(stage, image_url=f"{site.url}/picture", audio_url=f"{site.url}/picture"))
        assert run.error_message == "params.audio_url: the file is image/png, not audio"


def test_a_cancelled_run_lets_go_of_a_link_that_drips(make_stage: MakeStage, tmp_path: Path) -> None:
    with loopback(lambda asked: DRIPS) as site, make_stage(Copier(), allow_private_fetch=True) as stage:
        stage.house.engines.limits["rehearsal"] = 2
        slow = [start(stage, image_url=site.url) for _ in range(2)]
        stage.wait_until(lambda: len(site.asked) == 2, "two links were not asked for")
        for run_id in slow:
            stage.cancel(run_id)
        assert [stage.ended(start(stage)).state for _ in range(4)] == ["completed"] * 4
        stage.wait_until(site.hung_up.is_set, "the link goes on")
        stage.wait_until(lambda: not list(tmp_path.rglob("input-*")), "its file is still there")


@pytest.mark.parametrize("left", [None, b"", PNG[:-1]], ids=["missing", "empty", "short"])
def test_an_output_whose_file_is_lost_is_told(
    make_stage: MakeStage, tmp_path: Path, left: bytes | None
) -> None:
    with make_stage(Copier()) as stage:
        first = stage.ended(start(stage))
        medium = medium_of(stage, first.run_id)
        [file] = [path for path in tmp_path.rglob("*") if medium.blob.endswith(path.name) and path.is_file()]
        file.unlink() if left is None else file.write_bytes(left)
        run = stage.ended(start(stage, image_url=first.run_id))
        assert run.error_code == "GENERATION_INVALID_URL"
        assert run.error_message and "is not there any more" in run.error_message
