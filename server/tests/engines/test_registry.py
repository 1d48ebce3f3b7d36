"""Kinds of engines that other distributions bring: what is broken is left out, with the reason."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from support.distributions import InstalledDistributions
from terrarium_server.app import Services
from terrarium_server.configuration import Configuration, ConfigurationError
from terrarium_server.engines.registry import Engines, discover
from terrarium_server.settings import Settings

AUTOMATIC = "AUTOMATIC = True\n"
ENGINE = """
from terrarium_server.engines.rehearsal.engine import RehearsalEngine
from terrarium_server.engines.setup import EngineOptions

OPTIONS = EngineOptions

def build(setup):
    return RehearsalEngine(setup.name)
"""
BUILT = "return RehearsalEngine(setup.name)"
CARD = """
id = "{id}"
name = "A tone"
type = "audio"
provider = "tests"
engine = "{engine}"
description = "A tone."
estimated_seconds = 1
"""
REMEDY = "; correct that, or update or uninstall terrarium-tone"


def files(old: str = "", new: str = "", *, package: str = AUTOMATIC, more: str = "") -> Mapping[str, str]:
    """The files of a kind that works, with a part of its engine replaced."""
    return {"__init__.py": package, "engine.py": (ENGINE.replace(old, new) if old else ENGINE) + more}


# The files of a kind that does not work, and the reason that is logged.
BROKEN = {
    "exits when it is imported": (
        files(package="import sys\nsys.exit('no licence')\n"),
        "kind tone cannot be loaded (SystemExit: no licence); reinstall terrarium-tone, or uninstall it",
    ),
    "exits when its engine is imported": (
        files(more="raise SystemExit('no licence')\n"),
        "kind tone cannot be loaded (SystemExit: no licence); reinstall terrarium-tone, or uninstall it",
    ),
    "exits when it builds": (
        files(BUILT, "raise SystemExit('no licence')"),
        f"kind tone cannot be used (SystemExit: no licence){REMEDY}",
    ),
    "builds nothing": (
        files(BUILT, "return None"),
        "kind tone cannot be used (TypeError: `build` returned NoneType, without name, repeatable, "
        "longest_silence, problem, followers, prepare, submit, find, follow, cancel, close)" + REMEDY,
    ),
    "builds an engine with another name": (
        files("setup.name", "'sketch'"),
        f"kind tone cannot be used (ValueError: its engine is named 'sketch', not 'tone'){REMEDY}",
    ),
    "has no options": (
        files("OPTIONS =", "OPTION ="),
        "kind tone cannot be used (its module `engine` has no OPTIONS, a subclass of EngineOptions)" + REMEDY,
    ),
    "has no function": (
        files("def build", "def make"),
        "kind tone cannot be used (its module `engine` has no function `build`)" + REMEDY,
    ),
    "needs an option": (
        files("OPTIONS = EngineOptions", "class OPTIONS(EngineOptions):\n    loudness: float"),
        "kind tone needs an [[engine]] in terrarium.toml: loudness: Field required",
    ),
}


def discovered(folder: Path, configuration: Configuration | None = None) -> Engines:
    engines = discover(configuration, processes=1, scratch=folder)
    asyncio.run(engines.close())
    return engines


def configured(folder: Path, text: str) -> Configuration:
    path = folder / "terrarium.toml"
    path.write_text(text)
    return Configuration.read(path)


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_automatic_kind_is_logged_and_left_out(
    case: str, tmp_path: Path, distributions: InstalledDistributions, caplog: pytest.LogCaptureFixture
) -> None:
    broken, reason = BROKEN[case]
    distributions.install("terrarium-tone", "tone_package", broken, kind="tone")
    distributions.install("terrarium-hum", "hum_package", files(), kind="hum")
    engines = discovered(tmp_path)
    assert engines.get("tone") is None and engines.get("hum") is not None
    assert engines.why_missing("tone") == reason
    assert caplog.messages == [f"engine tone is left out: {reason}"]


@pytest.mark.parametrize(
    "case", sorted(set(BROKEN) - {"needs an option", "builds an engine with another name"})
)
def test_a_broken_kind_that_is_configured_stops_the_start_with_its_line(
    case: str, tmp_path: Path, distributions: InstalledDistributions
) -> None:
    broken, reason = BROKEN[case]
    distributions.install("terrarium-tone", "tone_package", broken, kind="tone")
    wanted = configured(tmp_path, '\n[[engine]]\nkind = "tone"\nname = "quiet"\n')
    with pytest.raises(ConfigurationError) as caught:
        discovered(tmp_path, wanted)
    assert str(caught.value) == f"{tmp_path / 'terrarium.toml'}:2: [[engine]] quiet: kind: {reason}"


def test_options_that_fail_in_another_way_are_reported_too(
    tmp_path: Path, distributions: InstalledDistributions
) -> None:
    options = "class OPTIONS(EngineOptions):\n    def model_post_init(self, _):\n        raise KeyError('a')"
    broken = files("OPTIONS = EngineOptions", options)
    distributions.install("terrarium-tone", "tone_package", broken, kind="tone")
    why = f"kind tone cannot be used (KeyError: 'a'){REMEDY}"
    assert discovered(tmp_path).why_missing("tone") == why
    with pytest.raises(ConfigurationError, match=r"toml:1: .* tone: kind: kind tone cannot be used"):
        discovered(tmp_path, configured(tmp_path, '[[engine]]\nkind = "tone"\n'))


@pytest.mark.parametrize("name", ["my tone", "Tone", "töne", "-tone"])
def test_the_names_of_kinds_follow_the_rule_for_engines(
    name: str, tmp_path: Path, distributions: InstalledDistributions, caplog: pytest.LogCaptureFixture
) -> None:
    distributions.install("terrarium-tone", "tone_package", files(), kind=name)
    engines = discovered(tmp_path)
    assert engines.get(name) is None
    [message] = caplog.messages
    assert message.startswith(f"engine {name} is left out: kind {name} cannot be used (a name may have only")
    assert message.endswith("uninstall terrarium-tone")


def test_a_server_starts_with_every_kind_of_broken_distribution(
    tmp_path: Path, distributions: InstalledDistributions
) -> None:
    for number, (broken, _) in enumerate(BROKEN.values()):
        name, card = f"broken-{number}", CARD.format(id=f"t2a-broken-{number}", engine=f"broken-{number}")
        content = {**broken, "cards/tone.toml": card}
        distributions.install(name, f"broken_package_{number}", content, kind=name, cards=True)
    hum = {**files(), "cards/hum.toml": CARD.format(id="t2a-hum", engine="hum")}
    distributions.install("terrarium-hum", "hum_package", hum, kind="hum", cards=True)
    services = Services(Settings(data_dir=tmp_path / "data"))
    try:
        usable = {card.id for card in services.catalog.available()}
        listed = {card.id: services.catalog.problem_of(card) for card in services.catalog.cards("audio")}
    finally:
        services.close()
    assert {"t2i-sketch", "t2a-hum"} <= usable and not any("broken" in model for model in usable)
    assert listed["t2a-broken-2"] == (
        "kind broken-2 cannot be used (SystemExit: no licence); correct that, or update or uninstall broken-2"
    )
