"""Code and pages use the field's terms: private metaphors do not come back."""

import re
from pathlib import Path

import pytest

from support import tree

# Each with what is said instead.
METAPHORS = {
    r"houses?": "server, services",
    r"doors?": "the HTTP layer, an endpoint",
    r"visits?|visitors?|visiting": "request",
    r"rooms?": "package; space, capacity, memory",
    r"corridors?": "path of a run",
    r"bells?": "signal, notification",
    r"rings?|ringing": "notify, wake",
    r"hangs? up|hung up|hanging up": "close the connection",
    r"talk|talks|talking": "connection, context",
    r"unfit": "JobError",
    r"paced": "rate limited",
    r"bites?|bitten": "take effect",
    r"beside": "next to, in addition to",
    r"but_not": "except",
    r"gives? back|gave back|given back|give_back|hands? back|handed back": "return, release, refund",
    r"carry|carries|carried|carrying|carriers?": "run, execute, contain",
    r"strangers?": "untrusted, unrelated",
}
CLASSES = ("Line", "Bench", "House", "Talk")

# What pictures show and music sounds like is called what it is, and history stays as it was written.
EXEMPT = (
    "LICENSE",
    "contract/",
    "docs/engines/band.md",
    "docs/engines/sketch.md",
    "docs/gallery/",
    "docs/licences.md",
    "pocket/src/terrarium_pocket/band/",
    "pocket/src/terrarium_pocket/sketch/",
    "pocket/tests/band/",
    "pocket/tests/sketch/",
    "requirements/",
    "scripts/gallery.py",
    "scripts/licences.toml",
    # A column of this name is in databases.
    "server/src/terrarium_server/canvas/_tables.py",
    "server/src/terrarium_server/migrations/versions/",
    "server/tests/migrations/recorded/",
    "server/tests/shape/test_plain_words.py",
)
# Words of a name stand between underscores or begin with a capital: `open_door`, `OpenDoor`.
_NAME_PARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_+")
_METAPHOR = re.compile(rf"\b(?:{'|'.join(METAPHORS)})\b", re.IGNORECASE)
_CLASS = re.compile(rf"\bclass (?:{'|'.join(CLASSES)})\b")


def metaphors(text: str) -> list[tuple[int, str]]:
    """Number and word of each line with a word that is not plain."""
    found: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        word = _METAPHOR.search(f"{line} {_NAME_PARTS.sub(' ', line)}") or _CLASS.search(line)
        if word:
            found.append((number, word[0]))
    return found


def is_written_by_people(path: Path) -> bool:
    name = tree.name_of(path)
    return name not in tree.GENERATED and not name.startswith(EXEMPT)


def test_names_and_sentences_are_plain() -> None:
    found: list[str] = []
    for path in filter(is_written_by_people, tree.tracked_files()):
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue  # a picture or the like
        found += [f"{tree.name_of(path)}:{number}: {word}" for number, word in metaphors(text)]
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "class House:",
        "self._bell.set()",
        "def open_door(self) -> None:",
        "door = OpenDoor()",
        "# Rooms that stand beside each other.",
        "# It hangs up.",
        "class Line(NamedTuple):",
        "accounts.give_back(tx)",
    ],
)
def test_the_rule_sees_names_and_sentences(line: str) -> None:
    assert metaphors(line)


@pytest.mark.parametrize(
    "line", ["string = during(bring)", "# indoor warehouse", "headline", "besides", "class Baseline:"]
)
def test_the_rule_leaves_other_words_alone(line: str) -> None:
    assert metaphors(line) == []
