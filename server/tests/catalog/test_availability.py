"""Availability of models: the reason why one cannot be used; built-in ones without weights always can."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from support.scripted_engine import ScriptedEngine
from terrarium_server.catalog import Availability, load_cards
from terrarium_server.engines.registry import Engines, discover

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
    availability = Availability(engines, tmp_path)
    problems = {card.id: availability.problem_of(card) or "" for card in load_cards()}
    asyncio.run(engines.close())
    assert {name for name, problem in problems.items() if not problem} >= {
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


class Failing(ScriptedEngine):
    """An engine whose check fails as its ``failure`` says."""

    def __init__(self, failure: BaseException) -> None:
        super().__init__()
        self.name = "tone"
        self.failure = failure

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        raise self.failure


@pytest.mark.parametrize(
    ("failure", "cause"),
    [(KeyError("voice"), "KeyError: 'voice'"), (SystemExit("no licence"), "SystemExit: no licence")],
)
def test_a_model_whose_check_fails_is_unavailable_and_the_failure_is_logged_once(
    failure: BaseException, cause: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "tone.toml").write_text(CARD)
    [card] = [card for card in load_cards(tmp_path) if card.id == "t2a-tone"]
    engines = Engines([Failing(failure)])
    availability = Availability(engines, tmp_path)
    reason = f"engine tone failed to check it ({cause}); the server's log says more"
    assert availability.problem_of(card) == reason
    # An answer is kept for a while.
    availability._cache.clear()
    assert availability.problem_of(card) == reason
    assert caplog.messages == ["engine tone failed to check model t2a-tone"]
    assert caplog.records[0].exc_info is not None
