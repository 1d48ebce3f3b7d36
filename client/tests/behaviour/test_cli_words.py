"""What the command line makes of words: parameter values as typed, and names for files."""

import pytest

from terrarium.cli._choose import value_of
from terrarium.cli._saving import name_for


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("7", None, 7),
        ("7", "string", "7"),
        ("true", "bool", True),
        ("16:9", None, "16:9"),
        ('"7"', None, "7"),
        ('["a"]', "string[]", ["a"]),
        ("a", "string[]", ["a"]),
        ('{"a": 1}', "dict", {"a": 1}),
    ],
)
def test_values_as_typed(text: str, kind: str | None, value: object) -> None:
    assert value_of(text, kind) == value


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("A mug!", "a-mug-abcdef"),
        ("../../etc/passwd", "etc-passwd-abcdef"),
        ("…", "output-abcdef"),
        ("Grün & Blau", "grün-blau-abcdef"),
        ("word " * 30, "word-word-word-word-word-word-word-word-word-abcdef"),
        ("x" * 100, f"{'x' * 48}-abcdef"),
    ],
)
def test_names(prompt: str, name: str) -> None:
    assert name_for(prompt, "run_0123abcdef") == name
