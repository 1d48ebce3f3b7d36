"""`docs/engines/ADDING.md`, followed to the letter with the distribution that it shows."""

import re
import shutil
import wave
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

from support.tree import ROOT, tracked_files

from .environments import Environment

TONE = Path(__file__).parent / "terrarium-tone"
PAGE = (ROOT / "docs/engines/ADDING.md").read_text("utf-8")


def test_the_page_shows_every_file_as_it_is() -> None:
    shown = {name: text for name, text in re.findall(r"`([\w./-]+)`:\n\n```\w+\n(.*?)```", PAGE, re.DOTALL)}
    files = {path.relative_to(TONE).as_posix(): path for path in tracked_files() if path.is_relative_to(TONE)}
    assert shown == {name: path.read_text("utf-8") for name, path in files.items()}


def test_what_the_page_says_works(install: Callable[..., Environment]) -> None:
    mine = install("terrarium-server", "terrarium")
    shutil.copytree(TONE, mine.folder / "terrarium-tone")
    installing, serving, using = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    assert serving == "terrarium serve\n"
    mine.shell(installing)
    with mine.serving() as greeting:
        client = mine.as_client(greeting)
        assert "t2a-tone" in client.shell(using)
        # What it refuses is told in the words of its engine, and of its process.
        refused = client.shell("terrarium generate 'A tone' --type audio 2>&1 || true")
        assert "Name a frequency in the prompt" in refused
        too_high = client.shell("terrarium generate '40000 Hz' --type audio 2>&1 || true")
        assert "at most 22050 Hz" in " ".join(too_high.split())
    with wave.open(str(mine.folder / "tone.wav")) as sound:
        assert (sound.getframerate(), sound.getnframes()) == (44_100, 88_200)
        samples = memoryview(sound.readframes(88_200)).cast("h")
    rising = sum(before < 0 <= after for before, after in pairwise(samples))
    assert rising in (2 * 440 - 1, 2 * 440)


def test_an_owner_sets_up_another_engine_of_the_kind(install: Callable[..., Environment]) -> None:
    mine = install("terrarium-server", "terrarium")
    mine.run("pip", "install", str(TONE))
    (entry,) = re.findall(r"```toml\n(\[\[engine.*?)```", PAGE, re.DOTALL)
    (mine.folder / "terrarium.toml").write_text(entry)
    card = (TONE / "src/terrarium_tone/cards/t2a-tone.toml").read_text("utf-8")
    quiet = card.replace('"t2a-tone"', '"t2a-quiet"').replace('engine = "tone"', 'engine = "quiet-tone"')
    (mine.folder / "cards").mkdir()
    (mine.folder / "cards/quiet.toml").write_text(quiet)
    mine.variables["TERRARIUM_CARDS_DIR"] = "cards"
    with mine.serving() as greeting:
        client = mine.as_client(greeting)
        assert client.models() == ["t2a-quiet", "t2a-tone"]
        client.shell("terrarium generate '440 Hz' --type audio --model t2a-quiet --out quiet.wav")
    with wave.open(str(mine.folder / "quiet.wav")) as sound:
        loudest = max(memoryview(sound.readframes(44_100)).cast("h"))
    assert loudest == int(32767 * 0.1) or loudest == int(32767 * 0.1) - 1


def test_an_engine_that_cannot_be_loaded_leaves_the_others_alone(install: Callable[..., Environment]) -> None:
    mine = install("terrarium-server", "terrarium")
    mine.run("pip", "install", str(TONE))
    (package,) = mine.folder.glob("venv/lib/python*/site-packages/terrarium_tone")
    why = "ModuleNotFoundError: No module named 'what_is_not_installed'"
    cannot = f"kind tone cannot be loaded ({why}); reinstall terrarium-tone"
    # The card is there, and says why it cannot be used.
    (package / "engine.py").write_text("import what_is_not_installed\n")
    with mine.serving() as greeting:
        client = mine.as_client(greeting)
        assert client.models() == []
        assert cannot in " ".join(client.shell("terrarium models --all 2>&1").split())
    (package / "__init__.py").write_text("import what_is_not_installed\n")
    with mine.serving():
        warnings = (mine.folder / "serve.log").read_text()
    assert f"engine tone is left out: {cannot}" in warnings
    assert f"the cards in terrarium_tone.cards are left out: {why}" in warnings
    # Whoever asks for the engine is told at the start.
    (mine.folder / "terrarium.toml").write_text('[[engine]]\nkind = "tone"\n')
    refused = " ".join(mine.shell("terrarium serve --port 0 2>&1 || true").split())
    assert f"terrarium.toml:1: [[engine]] tone: kind: {cannot}" in refused
