"""How the command line parses parameter values, and how it names files."""

import pytest

from terrarium.cli._defaults import parse_value
from terrarium.cli._report import BadInput
from terrarium.cli._saving import name_for


@pytest.mark.parametrize(
    ("text", "parameter_type", "value"),
    [
        ("7", None, 7),
        ("7", "string", "7"),
        ("true", "bool", True),
        ("16:9", None, "16:9"),
        ('"7"', None, "7"),
        ('["a"]', "string[]", ["a"]),
        ("a", "string[]", ["a"]),
        ('{"a": 1}', "dict", {"a": 1}),
        ("NaN", "string", "NaN"),
        ("9" * 5000, None, "9" * 5000),
    ],
)
def test_values_are_parsed_by_type(text: str, parameter_type: str | None, value: object) -> None:
    assert parse_value(text, parameter_type) == value


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e999", '{"a": [NaN]}', "[" * 100_000])
def test_values_that_no_request_can_contain_are_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_value(text, "float")


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
def test_file_names_come_from_the_prompt(prompt: str, name: str) -> None:
    assert name_for(prompt, "run_0123abcdef") == name
