"""The frame of engines whose jobs run at a provider: tickets as they are stored, and cancelling."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from support.cases import comfyui, fal, openai_compatible, replicate
from support.driver import drive_engine
from support.loopback import Reply, loopback
from terrarium_server.engines import Engine, Lost, Ticket
from terrarium_server.engines.comfyui.engine import ComfyTicket
from terrarium_server.engines.fal.engine import FalTicket
from terrarium_server.engines.openai_compatible.videos import VideoTicket
from terrarium_server.engines.provider import ProviderTicket, _queued
from terrarium_server.engines.replicate.engine import ReplicateTicket

# In the form that is stored in databases.
STORED: list[tuple[type[ProviderTicket], str]] = [
    (FalTicket, '["image","images","/a/b/requests/1/status","/a/b/requests/1","/a/b/requests/1/cancel"]'),
    (ReplicateTicket, "image:p1"),
    (ReplicateTicket, "text:p1:output.words"),
    (ComfyTicket, '["image","5f1a9f0e"]'),
    (ComfyTicket, '["video","5f1a9f0e","9","12"]'),
    (ComfyTicket, '["image","job1@5f1a9f0e","9"]'),
    (VideoTicket, "videos/video_1"),
    (VideoTicket, 'failed/["GPU_PROVIDER_ERROR", "It may have charged for this."]'),
]
ENGINES: dict[str, Callable[[str], Engine]] = {
    "comfyui": comfyui.engine_for,
    "fal": fal.engine_for,
    "openai_compatible": openai_compatible.engine_for,
    "replicate": replicate.engine_for,
}


@pytest.mark.parametrize(("ticket", "text"), STORED)
def test_stored_tickets_are_read_and_written_unchanged(ticket: type[ProviderTicket], text: str) -> None:
    assert ticket.parse(text).text == text


@dataclass(frozen=True, slots=True)
class SecondVersion(ProviderTicket):
    """A ticket to which the second version of its kind added the region."""

    id: str
    region: str = "eu"


def test_a_ticket_of_an_earlier_version_has_the_defaults_of_the_fields_that_were_added() -> None:
    assert SecondVersion.parse('["image","job_1"]') == SecondVersion("image", "job_1", "eu")
    assert SecondVersion.parse('["image","job_1","us"]') == SecondVersion("image", "job_1", "us")


@pytest.mark.parametrize("text", ['["image"]', '["image","job_1","us","more"]'])
def test_a_ticket_with_too_few_or_too_many_fields_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="fields"):
        SecondVersion.parse(text)


def test_a_ticket_that_cannot_be_read_is_logged_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    with (
        loopback(lambda request: Reply()) as server,
        drive_engine(ENGINES["fal"](server.url)) as driver,
        caplog.at_level(logging.WARNING),
    ):
        assert driver.end(Ticket('["image","images","/a/b/requests/1/status"]')) == Lost()
        [record] = caplog.records
        assert (record.levelname, "fal" in record.message) == ("WARNING", True)
        assert "/a/b" not in caplog.text


@pytest.mark.parametrize("kind", ENGINES)
@pytest.mark.parametrize("text", ["", "image", "run_1", "[]", '["model","1"]', "model:p1", "failed/{}"])
def test_a_ticket_of_another_form_is_lost_and_nothing_is_sent_for_it(kind: str, text: str) -> None:
    with (
        loopback(lambda request: Reply()) as server,
        drive_engine(ENGINES[kind](server.url)) as driver,
    ):
        assert driver.end(Ticket(text)) == Lost()
        driver.cancel(Ticket(text))
    assert server.requests == []


TICKETS = {
    "comfyui": STORED[3][1],
    "fal": STORED[0][1],
    "openai_compatible": STORED[6][1],
    "replicate": STORED[1][1],
}


@pytest.mark.parametrize("kind", ENGINES)
@pytest.mark.parametrize("reply", [Reply("", 500), Reply("", 404), Reply(drops=True), Reply(hangs=True)])
def test_cancelling_ends_without_an_error_whatever_the_provider_does(
    kind: str, reply: Reply, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_queued, "_CANCEL_SECONDS", 0.2)
    with loopback(lambda request: reply) as server, drive_engine(ENGINES[kind](server.url)) as driver:
        driver.cancel(Ticket(TICKETS[kind]))
    assert len(server.requests) == 1
