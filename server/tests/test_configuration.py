"""A wrong terrarium.toml stops the start with an error that says where it is wrong and what to do."""

from pathlib import Path

import pytest

from terrarium_server.app import Services
from terrarium_server.configuration import Configuration, ConfigurationError
from terrarium_server.engines.registry import discover
from terrarium_server.settings import Settings

GOOD = """
cards = "cards"

[defaults]
text = "t2t-sketch"

[fallback]
"t2t-sketch" = "t2t-sketch"

[aliases]
"t2i-flux-2-pro" = "t2i-sketch"
"t2v-*" = "t2v-sketch"

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


def test_a_valid_configuration_is_read(tmp_path: Path) -> None:
    configuration = read(tmp_path, GOOD)
    assert configuration.cards == tmp_path / "cards"
    assert configuration.defaults == {"text": "t2t-sketch"}
    assert [(entry.name, entry.line, entry.key_env) for entry in configuration.engines] == [
        ("first", 14, None),
        ("second", 19, "SECOND_KEY"),
    ]
    assert configuration.aliases == {"t2i-flux-2-pro": "t2i-sketch", "t2v-*": "t2v-sketch"}
    engines = discover(configuration, processes=1, scratch=tmp_path)
    assert {"first", "second", "sketch"} <= {engine.name for engine in engines}
    assert engines.limits["first"] == 2


@pytest.mark.parametrize(
    ("change", "line", "message"),
    [
        (('cards = "cards"', "cards ="), 2, "not valid TOML"),
        (('cards = "cards"', 'card = "cards"'), 2, "card: unknown; known here: cards, defaults"),
        (('text = "t2t-sketch"', 'txt = "t2t-sketch"'), 5, "unknown; known here: image, video"),
        (('"t2v-*" = "t2v-sketch"', '"t2v-*" = 1'), 12, "aliases.t2v-*: Input should be a valid string"),
        (('name = "second"', 'name = "first"'), 19, "taken by an engine above"),
        (('name = "second"', 'name = "The second"'), 21, "should match pattern"),
        (("concurrency = 2", "concurrency = 0"), 17, "greater than or equal to 1"),
        (
            ('kind = "rehearsal"\nname = "second"', 'kind = "hearsay"\nname = "second"'),
            19,
            "no kind of engine",
        ),
        (("concurrency = 2", "colour = 2"), 14, "colour: unknown; known here: kind, name"),
    ],
)
def test_a_mistake_is_reported_with_its_line(
    tmp_path: Path, change: tuple[str, str], line: int, message: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        discover(read(tmp_path, GOOD.replace(*change)), processes=1, scratch=tmp_path)
    assert str(caught.value).startswith(f"{tmp_path / 'terrarium.toml'}:{line}: ")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[defaults]\naudio = "t2t-sketch"\n', "toml:2: [defaults] audio: t2t-sketch is not a model of this"),
        ('[fallback]\n"t2t-sketch" = "t2i-sketch"\n', "toml:2: [fallback] t2t-sketch: t2t-sketch and"),
        ('[aliases]\n"" = "t2i-sketch"\n', "toml:2: [aliases] : must have 1 to 200 printable ASCII"),
        ('[aliases]\n"a b" = "t2i-sketch"\n', "toml:2: [aliases] a b: must have 1 to 200 printable ASCII"),
        ('[aliases]\n"t2i-*" = "t2i-none"\n', "toml:2: [aliases] t2i-*: t2i-none is not a model of this"),
        ('[aliases]\nt2i-a = "t2i-sketch"\nt2i-b = "t2i-a"\n', "toml:3: [aliases] t2i-b: t2i-a is not a"),
        (
            '[defaults]\ntext = "t2t-sketch"\n[aliases]\nt2t-sketch = "t2t-smollm2-135m"\n',
            "toml:2: [defaults] text: t2t-sketch is not a model",
        ),
    ],
)
def test_unsuitable_models_stop_the_start(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "terrarium.toml"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        Services(Settings(data_dir=tmp_path, config=path))
    assert message in str(caught.value)


def test_a_secret_is_not_shown_by_any_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECOND_KEY", "sk-very-secret")
    engines = discover(read(tmp_path, GOOD), processes=1, scratch=tmp_path)
    assert "sk-very-secret" not in repr(engines) + repr([vars(engine) for engine in engines])
