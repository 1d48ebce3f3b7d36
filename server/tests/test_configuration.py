"""A wrong terrarium.toml stops the start and says where it is wrong and what to do."""

from pathlib import Path

import pytest

from terrarium_server.app import House
from terrarium_server.configuration import Configuration, ConfigurationError
from terrarium_server.engines import discover
from terrarium_server.settings import Settings

GOOD = """
cards = "cards"

[defaults]
text = "t2t-sketch"

[fallback]
"t2t-sketch" = "t2t-sketch"

[[engine]]
kind = "rehearsal"
name = "first"
concurrency = 2

[[engine]]
kind = "rehearsal"
name = "second"
key_env = "SECOND_KEY"
"""


def read(folder: Path, text: str) -> Configuration:
    path = folder / "terrarium.toml"
    path.write_text(text)
    return Configuration.read(path)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, GOOD)
    assert found.cards == tmp_path / "cards"
    assert found.defaults == {"text": "t2t-sketch"}
    assert [(entry.name, entry.line, entry.key_env) for entry in found.engines] == [
        ("first", 10, None),
        ("second", 15, "SECOND_KEY"),
    ]
    engines = discover(found, processes=1, scratch=tmp_path)
    assert {"first", "second", "sketch"} <= {engine.name for engine in engines}
    assert engines.limits["first"] == 2


@pytest.mark.parametrize(
    ("change", "line", "told"),
    [
        (('cards = "cards"', "cards ="), 2, "not valid TOML"),
        (('cards = "cards"', 'card = "cards"'), 2, "card: unknown; known here: cards, defaults"),
        (('text = "t2t-sketch"', 'txt = "t2t-sketch"'), 5, "unknown; known here: image, video"),
        (('name = "second"', 'name = "first"'), 15, "taken by an engine above"),
        (('name = "second"', 'name = "The second"'), 17, "should match pattern"),
        (("concurrency = 2", "concurrency = 0"), 13, "greater than or equal to 1"),
        (
            ('kind = "rehearsal"\nname = "second"', 'kind = "hearsay"\nname = "second"'),
            15,
            "no kind of engine",
        ),
        (("concurrency = 2", "colour = 2"), 10, "colour: unknown; this kind takes: kind, name"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(
    tmp_path: Path, change: tuple[str, str], line: int, told: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        discover(read(tmp_path, GOOD.replace(*change)), processes=1, scratch=tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'terrarium.toml'}:{line}: ")
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[defaults]\naudio = "t2t-sketch"\n', "toml:2: [defaults] audio: t2t-sketch is not a model of this"),
        ('[fallback]\n"t2t-sketch" = "t2i-sketch"\n', "toml:2: [fallback] t2t-sketch: t2t-sketch and"),
    ],
)
def test_models_that_cannot_be_what_is_asked_of_them_stop_the_start(
    tmp_path: Path, text: str, told: str
) -> None:
    path = tmp_path / "terrarium.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        House(Settings(data_dir=tmp_path, config=path))
    assert told in str(caught.value)


def test_a_secret_is_nowhere_to_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECOND_KEY", "sk-very-secret")
    engines = discover(read(tmp_path, GOOD), processes=1, scratch=tmp_path)
    assert "sk-very-secret" not in repr(engines) + repr([vars(engine) for engine in engines])
