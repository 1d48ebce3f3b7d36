"""A folder or module is named after what it owns; a word that fits anything tells nothing."""

from pathlib import Path

import pytest

from support import tree

FORBIDDEN = {"services", "core", "common", "utils", "helpers", "managers", "base"}
FORBIDDEN |= {word.removesuffix("s") for word in FORBIDDEN - {"base"}}


def forbidden_words(path: Path) -> set[str]:
    return {part.partition(".")[0].strip("_") for part in path.parts} & FORBIDDEN


def test_no_name_fits_anything() -> None:
    found = [name for path in tree.tracked_files() if forbidden_words(Path(name := tree.name_of(path)))]
    assert found == []


@pytest.mark.parametrize("name", ["server/src/x/_utils.py", "web/src/core/a.ts", "tests/helper.py"])
def test_the_rule_sees_folders_and_files(name: str) -> None:
    assert forbidden_words(Path(name))
