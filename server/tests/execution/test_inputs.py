"""Input media of runs: links are fetched, outputs of this server are found, and all else is refused."""

import asyncio
import errno
import socket
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.loopback import Reply, Request, loopback
from support.scripted_engine import ScriptedEngine
from support.server import DEADLINE
from support.workspace import OpenWorkspace, Workspace
from terrarium_server import assets
from terrarium_server.engines import Finished, Job, News, Output
from terrarium_server.problems import InvalidInput
from terrarium_server.store import Blobs

PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)


class Copier(ScriptedEngine):
    """Returns a copy of its input picture, or a picture of its own."""

    def __init__(self, *, repeatable: bool = True) -> None:
        self.types: list[str] = []
        self.most_at_once = at_once = 0

        async def play(job: Job) -> AsyncIterator[News]:
            nonlocal at_once
            at_once += 1
            self.most_at_once = max(self.most_at_once, at_once)
            await asyncio.sleep(0.02)
            at_once -= 1
            inputs = job.inputs.get("image_url", ())
            self.types += [medium.content_type for medium in inputs]
            yield Finished((Output("image/png", inputs[0].path.read_bytes() if inputs else PNG, 8, 8),))

        super().__init__(play, repeatable=repeatable)


def output_of(workspace: Workspace, run_id: str) -> assets.KeptOutput:
    with workspace.services.database.transaction() as tx:
        return assets.outputs_of(tx, [run_id])[run_id][0]


def medium_of(workspace: Workspace, run_id: str) -> assets.Medium:
    medium = output_of(workspace, run_id).medium
    assert medium is not None
    return medium


def start(workspace: Workspace, **params: str) -> str:
    return workspace.start("i2i-rehearsal", type="image", **params)


def test_outputs_of_this_server_are_found_by_reference_and_by_link(open_workspace: OpenWorkspace) -> None:
    engine = Copier()
    with open_workspace(engine) as workspace:
        first = workspace.ended(start(workspace))
        kept = output_of(workspace, first.run_id)
        number = kept.output_id.removeprefix("out_")
        names = [
            first.run_id,
            f"{first.run_id}/{kept.output_id}",
            f"{first.run_id}/output_{number}",
            f"https://anywhere.example/media/{kept.link}",
        ]
        for name in names:
            made = workspace.ended(start(workspace, image_url=name))
            assert made.state == "completed", made.error_message
            assert medium_of(workspace, made.run_id).sha256 == medium_of(workspace, first.run_id).sha256
        assert engine.types == ["image/png"] * 4


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"image_url": "asset_1"}, "There is no asset asset_1"),
        ({"image_url": "run_nobody/out_1"}, "There is no output run_nobody/out_1"),
        ({"image_url": "picture.png"}, "Must lead to an image: an https link"),
        ({"video_url": "https://x.example/a.mp4"}, "takes no video"),
        ({"image_urls": "https://x.example/a.png"}, "Send it as image_url"),
    ],
)
def test_unusable_inputs_are_refused_at_admission(
    open_workspace: OpenWorkspace, params: dict[str, str], message: str
) -> None:
    with open_workspace(Copier(), workers=False) as workspace:
        with pytest.raises(InvalidInput) as refused:
            start(workspace, **params)
        [field] = refused.value.fields
        assert field.field == f"params.{next(iter(params))}"
        assert message in field.message


def test_an_output_of_another_workspace_or_of_another_kind_is_refused(open_workspace: OpenWorkspace) -> None:
    with open_workspace(Copier()) as workspace:
        run_id = workspace.ended(start(workspace)).run_id
        with pytest.raises(InvalidInput, match="audio is required"):
            start(workspace, audio_url=run_id)
        with workspace.services.database.transaction() as tx:
            from support.server import new_account

            other = Workspace(workspace.services, new_account(tx))
        with pytest.raises(InvalidInput, match="There is no output"):
            start(other, image_url=run_id)


def test_a_link_is_fetched_in_the_run_and_a_bad_one_fails_it_by_name(open_workspace: OpenWorkspace) -> None:
    def answer(asked: Request) -> Reply:
        if asked.path == "/picture":
            return Reply(PNG, headers={"content-type": "text/html"})
        return Reply(b"<html>", headers={"content-type": "image/png"})

    with loopback(answer) as site, open_workspace(Copier(), allow_private_fetch=True) as workspace:
        good = workspace.ended(start(workspace, image_url=f"{site.url}/picture"))
        assert good.state == "completed", good.error_message
        bad = workspace.ended(start(workspace, image_url=f"{site.url}/page"))
        assert (bad.error_code, bad.cost_micros) == ("GENERATION_INVALID_URL", 0)
        assert bad.error_message and bad.error_message.startswith(
            "params.image_url: the file is of an unknown"
        )


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("https://[", "the link redirects to a link that cannot be used"),
        ("data:image/png;base64,AAAA", "the link must start with https://"),
        ("https://0177.0.0.1/", "the link redirects to an address that is not a valid link"),
    ],
)
def test_a_link_that_redirects_to_an_invalid_one_is_invalid(
    open_workspace: OpenWorkspace, location: str, message: str
) -> None:
    reply = Reply(status=302, headers={"location": location})
    with (
        loopback(lambda asked: reply) as site,
        open_workspace(Copier(), allow_private_fetch=True) as workspace,
    ):
        run = workspace.ended(start(workspace, image_url=site.url))
        assert (run.error_code, run.cost_micros) == ("GENERATION_INVALID_URL", 0)
        assert run.error_message and message in run.error_message


def test_this_machine_cannot_be_reached_through_a_name(
    open_workspace: OpenWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = socket.getaddrinfo

    def resolve(host: Any, *rest: Any, **more: Any) -> Any:
        return usual("127.0.0.1" if host == "innocent.example" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with open_workspace(Copier()) as workspace:
        run = workspace.ended(start(workspace, image_url="https://innocent.example:9/x.png"))
        assert run.error_message == "params.image_url: the link leads to an address that is not public"
        assert run.error_code == "GENERATION_INVALID_URL"


DRIPS = Reply((PNG, *[b"x"] * 100_000), pause=0.05)


@pytest.mark.parametrize("repeatable", [True, False])
def test_slow_links_use_no_capacity_of_an_engine(open_workspace: OpenWorkspace, repeatable: bool) -> None:
    with (
        loopback(lambda asked: DRIPS) as site,
        open_workspace(Copier(repeatable=repeatable), allow_private_fetch=True, workers=False) as workspace,
    ):
        workspace.services.engines.limits["rehearsal"] = 2
        workspace.services.start_workers()
        slow = [start(workspace, image_url=site.url) for _ in range(20)]
        workspace.wait_until(lambda: len(site.requests) == 20, "not all links are requested")
        assert workspace.ended(start(workspace)).state == "completed"
        assert {workspace.run(run_id).state for run_id in slow} == {"running"}
        for run_id in slow:
            workspace.cancel(run_id)


def test_runs_beyond_the_limit_of_fetches_are_postponed_and_use_no_capacity(
    open_workspace: OpenWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("terrarium_server.execution._capacity._MOST_FETCHING", 3)
    monkeypatch.setattr("terrarium_server.execution._execution._FETCH_DELAY_MS", 300)
    with (
        loopback(lambda asked: DRIPS) as site,
        open_workspace(Copier(), allow_private_fetch=True, workers=False) as workspace,
    ):
        workspace.services.engines.limits["rehearsal"] = 2
        workspace.services.start_workers()
        slow = [start(workspace, image_url=f"{site.url}/{number}") for number in range(8)]
        workspace.wait_until(lambda: len(site.requests) >= 3, "no link is requested")
        assert [workspace.ended(start(workspace)).state for _ in range(3)] == ["completed"] * 3
        # The postponed runs are executed later.
        for run_id in slow[:4]:
            workspace.cancel(run_id)
        workspace.wait_until(
            lambda: len({asked.path for asked in site.requests}) > 4, "the others have no turn"
        )
        for run_id in slow[4:]:
            workspace.cancel(run_id)


def test_a_copy_that_fails_for_a_moment_is_tried_again(
    open_workspace: OpenWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, refusals = Blobs.copy_to, [errno.EMFILE, errno.ENOSPC]

    def copy_to(blobs: Blobs, name: str, path: Path) -> None:
        if refusals:
            raise OSError(refusals.pop(), "not now")
        usual(blobs, name, path)

    with open_workspace(Copier()) as workspace:
        first = workspace.ended(start(workspace)).run_id
        monkeypatch.setattr(Blobs, "copy_to", copy_to)
        assert workspace.ended(start(workspace, image_url=first)).state == "completed"
    assert refusals == []


def test_a_fetch_ends_when_its_time_is_up(open_workspace: OpenWorkspace) -> None:
    with (
        loopback(lambda asked: DRIPS) as site,
        open_workspace(Copier(), workers=False, allow_private_fetch=True) as workspace,
    ):
        workspace.services.fetch_rules = replace(workspace.services.fetch_rules, seconds=1)
        workspace.services.start_workers()
        run = workspace.ended(start(workspace, image_url=site.url))
        assert run.error_code == "GENERATION_INVALID_URL"
        assert run.error_message == "params.image_url: the file did not arrive within 1 s"


@pytest.mark.parametrize("repeatable", [True, False])
def test_an_engine_never_has_more_runs_than_its_limit_after_fetches(
    open_workspace: OpenWorkspace, repeatable: bool
) -> None:
    gate = threading.Event()

    def answer(asked: Request) -> Reply:
        assert gate.wait(DEADLINE)
        return Reply(PNG)

    engine = Copier(repeatable=repeatable)
    with (
        loopback(answer) as site,
        open_workspace(engine, allow_private_fetch=True, workers=False) as workspace,
    ):
        workspace.services.engines.limits["rehearsal"] = 2
        workspace.services.start_workers()
        runs = [start(workspace, image_url=f"{site.url}/{number}") for number in range(12)]
        workspace.wait_until(lambda: len(site.requests) == 12, "not all links are requested")
        gate.set()
        assert {workspace.ended(run_id).state for run_id in runs} == {"completed"}
    assert engine.most_at_once <= 2


def test_the_links_of_a_run_are_fetched_at_the_same_time(open_workspace: OpenWorkspace) -> None:
    both = threading.Barrier(2, timeout=DEADLINE)

    def answer(asked: Request) -> Reply:
        both.wait()
        return Reply(PNG if asked.path == "/picture" else b"fLaC" + bytes(64))

    with loopback(answer) as site, open_workspace(Copier(), allow_private_fetch=True) as workspace:
        run = workspace.ended(
            start(workspace, image_url=f"{site.url}/picture", audio_url=f"{site.url}/sound")
        )
        assert run.state == "completed", run.error_message
        run = workspace.ended(
            start(workspace, image_url=f"{site.url}/picture", audio_url=f"{site.url}/picture")
        )
        assert run.error_message == "params.audio_url: the file is image/png, not audio"


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_cancelled_run_closes_its_slow_connection(
    open_workspace: OpenWorkspace, tmp_path: Path, repeatable: bool
) -> None:
    with (
        loopback(lambda asked: DRIPS) as site,
        open_workspace(Copier(repeatable=repeatable), allow_private_fetch=True, workers=False) as workspace,
    ):
        workspace.services.engines.limits["rehearsal"] = 2
        workspace.services.start_workers()
        slow = [start(workspace, image_url=site.url) for _ in range(2)]
        workspace.wait_until(lambda: len(site.requests) == 2, "two links were not requested")
        for run_id in slow:
            workspace.cancel(run_id)
        assert [workspace.ended(start(workspace)).state for _ in range(4)] == ["completed"] * 4
        workspace.wait_until(site.client_closed.is_set, "the link goes on")
        workspace.wait_until(lambda: not list(tmp_path.rglob("input-*")), "its file is still there")


@pytest.mark.parametrize("left", [None, b"", PNG[:-1]], ids=["missing", "empty", "short"])
def test_an_output_whose_file_is_lost_fails_the_run(
    open_workspace: OpenWorkspace, tmp_path: Path, left: bytes | None
) -> None:
    with open_workspace(Copier()) as workspace:
        first = workspace.ended(start(workspace))
        medium = medium_of(workspace, first.run_id)
        [file] = [path for path in tmp_path.rglob("*") if medium.blob.endswith(path.name) and path.is_file()]
        file.unlink() if left is None else file.write_bytes(left)
        run = workspace.ended(start(workspace, image_url=first.run_id))
        assert run.error_code == "GENERATION_INVALID_URL"
        assert run.error_message and "is lost" in run.error_message
