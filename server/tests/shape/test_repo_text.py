"""What is committed works anywhere: no registry's address, no path of one machine."""

import re
from pathlib import Path

import pytest

from support import tree

# In pieces, so that this file passes its own test.
REGISTRIES = [
    "pypi" + ".org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "yarn" + "pkg.com",
    "deb." + "debian.org",
]
HOST = re.compile("|".join(map(re.escape, REGISTRIES)))
MACHINE_PATH = re.compile(r"(?<![\w./-])/(?:work|root|home/\w+|Users/\w+)/")


def text_of(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        return ""  # a picture or the like


@pytest.mark.parametrize("pattern", [HOST, MACHINE_PATH], ids=["registry host", "machine path"])
def test_no_address_of_a_registry_or_a_machine(pattern: re.Pattern[str]) -> None:
    found = [
        f"{tree.name_of(path)}:{number}"
        for path in tree.tracked_files()
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def test_the_patterns_tell_paths_from_addresses() -> None:
    here, there = "/wo" + "rk/main", "/ho" + "me/ada/x"
    assert MACHINE_PATH.search(f"cd {here}/") and MACHINE_PATH.search(f'"{there}"')
    assert not MACHINE_PATH.search("https://example.com/work/file and docs/root/x")
