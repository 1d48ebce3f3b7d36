"""Shot descriptions: structured, repeatable, and with the prompt's own words."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terrarium_pocket.sketch.shot_description import write_shot_description

SECTIONS = (
    "Brief",
    "Subject",
    "Setting",
    "Composition",
    "Camera",
    "Light",
    "Palette",
    "Mood",
    "Style",
    "Avoid",
    "Prompt",
)


def section(text: str, name: str) -> str:
    """The body of one section."""
    match = re.search(rf"\*\*{name}:\*\*\s*(.+?)(?=\n\n\*\*|\Z)", text, re.S)
    assert match, name
    return match[1]


def test_same_arguments_same_text() -> None:
    assert write_shot_description("a mug", seed=1) == write_shot_description("a mug", seed=1)


def test_seeds_vary_the_description() -> None:
    assert len({write_shot_description("a mug on a table", seed=seed) for seed in range(12)}) > 6


@settings(max_examples=60, deadline=None)
@given(prompt=st.text(max_size=200), seed=st.integers())
def test_every_section_is_there_in_order(prompt: str, seed: int) -> None:
    text = write_shot_description(prompt, seed=seed)
    places = [text.rindex(f"**{name}:**") for name in SECTIONS[1:-1]]
    assert places == sorted(places)


@pytest.mark.parametrize(
    "prompt", ["A cinematic product photo of a ceramic mug on a sunlit table", "портрет 🎉", "x" * 300]
)
def test_the_prompt_is_quoted(prompt: str) -> None:
    text = write_shot_description(prompt, seed=3)
    assert section(text, "Brief") == prompt
    assert section(text, "Prompt").startswith(prompt)
    assert "\n" not in section(text, "Prompt").strip()


def test_named_colours_come_first_with_codes() -> None:
    palette = section(
        write_shot_description("a teal vase on a #ff8800 background", seed=1), "Palette"
    ).splitlines()
    assert palette[0] == "- teal `#1f7f80`"
    assert palette[1] == "- #ff8800 `#ff8800`"
    assert all(re.fullmatch(r"- .+ `#[0-9a-f]{6}`", line) for line in palette)
    assert 3 <= len(palette) <= 5


def test_light_and_subject_follow_the_words() -> None:
    text = write_shot_description("a foggy forest", seed=2)
    assert "mist" in section(text, "Light")
    assert section(text, "Subject").startswith("forest")


def test_the_text_says_that_no_language_model_wrote_it() -> None:
    assert "no language model" in write_shot_description("anything", seed=1)


def test_a_huge_prompt_is_cut_not_refused() -> None:
    text = write_shot_description("mug " * 5_000, seed=1)
    assert len(text) < 12_000
