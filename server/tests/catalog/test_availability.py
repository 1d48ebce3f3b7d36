"""Availability of models: the reason why one cannot be used; built-in ones without weights always can."""

import asyncio
import hashlib
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from support.scripted_engine import ScriptedEngine
from terrarium_server.catalog import Availability, Catalog, ModelCard, load_cards, pull
from terrarium_server.engines.registry import Engines, discover
from terrarium_server.problems import InvalidInput

CARD = """
id = "t2a-tone"
name = "A tone"
type = "audio"
provider = "tests"
engine = "tone"
description = "A tone."
estimated_seconds = 1
"""


def test_a_machine_without_weights_still_sketches_and_says_how_to_get_the_rest(tmp_path: Path) -> None:
    engines = discover(processes=1, scratch=tmp_path)
    problems = Availability(load_cards(), engines, tmp_path).problems()
    asyncio.run(engines.close())
    assert {card.id for card in load_cards()} - problems.keys() >= {
        "t2i-sketch", "t2v-sketch", "i2v-sketch", "t2t-sketch", "i2t-sketch", "t2a-espeak",
    }  # fmt: skip
    for name in ("t2t-smollm2-135m", "t2a-piper-joe", "t2a-band", "i2i-painter", "v2v-painter"):
        assert f"terrarium models pull {name}" in problems[name]
    for name in ("t2i-flux-schnell-fal", "t2i-gpt-image-2.5-flare"):
        assert "add it as an [[engine]] to terrarium.toml" in problems[name]


def test_the_weights_of_every_built_in_model_come_with_the_setup(tmp_path: Path) -> None:
    engines = discover(processes=1, scratch=tmp_path)
    built_in = {engine.name for engine in engines}
    asyncio.run(engines.close())
    needed = {card.id: card.weights for card in load_cards() if card.engine in built_in and card.weights}
    assert {"t2t-smollm2-135m", "t2a-piper-joe", "t2a-band", "i2i-painter", "v2v-painter"} <= needed.keys()
    assert [name for name, weights in needed.items() if not weights.pocket] == []


class Tone(ScriptedEngine):
    """An engine whose check returns ``reason``, or fails with ``failure``."""

    def __init__(self, *, failure: BaseException | None = None) -> None:
        super().__init__()
        self.name = "tone"
        self.failure = failure
        self.reason: str | None = None
        self.checks = 0
        self.goes_on = threading.Event()
        self.goes_on.set()

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        self.checks += 1
        assert self.goes_on.wait(60)
        if self.failure is not None:
            raise self.failure
        return self.reason


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def tone_card(folder: Path, more: str = "") -> ModelCard:
    (folder / "tone.toml").write_text(CARD + more)
    [card] = [card for card in load_cards(folder) if card.id == "t2a-tone"]
    return card


@pytest.mark.parametrize(
    ("failure", "cause"),
    [(KeyError("voice"), "KeyError: 'voice'"), (SystemExit("no licence"), "SystemExit: no licence")],
)
def test_a_model_whose_check_fails_is_unavailable_and_the_failure_is_logged_once(
    failure: BaseException, cause: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    engine = Tone(failure=failure)
    availability = Availability([tone_card(tmp_path)], Engines([engine]), tmp_path, clock=clock)
    reason = f"engine tone failed to check it ({cause}); the server's log says more"
    assert availability.problems() == {"t2a-tone": reason}
    clock.now += 3
    assert availability.problems() == {"t2a-tone": reason}
    assert engine.checks == 2
    assert caplog.messages == ["engine tone failed to check model t2a-tone"]
    assert caplog.records[0].exc_info is not None


def test_an_engine_that_comes_and_goes_is_noticed_after_two_seconds(tmp_path: Path) -> None:
    clock, engine, card = Clock(), Tone(), tone_card(tmp_path)
    availability = Availability([card], Engines([engine]), tmp_path, clock=clock)
    catalog = Catalog([card], problems=availability.problems)
    assert catalog.choose("audio", None) is card
    engine.reason = "its server does not answer"
    clock.now += 1
    assert catalog.problem_of(card) is None
    clock.now += 2
    assert catalog.problem_of(card) == "its server does not answer"
    assert catalog.available() == ()
    with pytest.raises(InvalidInput, match="No model of type audio"):
        catalog.choose("audio", None)
    engine.reason = None
    clock.now += 3
    assert catalog.available("audio") == (card,)
    assert catalog.choose("audio", None) is card


def test_the_answer_is_the_same_object_while_nothing_changes(tmp_path: Path) -> None:
    clock, engine, card = Clock(), Tone(), tone_card(tmp_path)
    availability = Availability([card], Engines([engine]), tmp_path, clock=clock)
    catalog = Catalog([card], problems=availability.problems)
    problems, usable = availability.problems(), catalog.usable()
    clock.now += 3
    assert availability.problems() is problems and catalog.usable() is usable
    assert engine.checks == 2


def test_many_requests_at_once_check_once(tmp_path: Path) -> None:
    clock, engine = Clock(), Tone()
    availability = Availability([tone_card(tmp_path)], Engines([engine]), tmp_path, clock=clock)
    engine.goes_on.clear()
    with ThreadPoolExecutor(8) as threads:
        answers = [threads.submit(availability.problems) for _ in range(8)]
        engine.goes_on.set()
        assert [answer.result() for answer in answers] == [{}] * 8
    assert engine.checks == 1


def test_weights_that_were_pulled_are_noticed(tmp_path: Path) -> None:
    data = b"weights"
    (tmp_path / "model").write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()
    more = f'[weights]\nsource = "file:{tmp_path}/model"\nsha256 = "{digest}"\nbytes = 7\nlicence = "MIT"\n'
    clock, card = Clock(), tone_card(tmp_path, more)
    availability = Availability([card], Engines([Tone()]), tmp_path / "weights", clock=clock)
    assert "terrarium models pull t2a-tone" in availability.problems()["t2a-tone"]
    pull(card, tmp_path / "weights", lambda _: None)
    clock.now += 3
    assert availability.problems() == {}
