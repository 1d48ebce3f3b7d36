"""`docs/settings.md` lists exactly the fields of `Settings`."""

import re
from pathlib import Path

from terrarium_server.settings import Settings

_PAGE = Path(__file__).parents[2] / "docs" / "settings.md"


def test_the_page_lists_every_setting_with_its_description_and_no_other() -> None:
    listed = dict(re.findall(r"^\| `TERRARIUM_(\w+)` \| [^|]+ \| (.+) \|$", _PAGE.read_text(), re.MULTILINE))
    known = {name.upper(): field.description for name, field in Settings.model_fields.items()}
    assert listed == known


def test_the_page_shows_the_defaults() -> None:
    shown = dict(re.findall(r"^\| `TERRARIUM_(\w+)` \| `([^`]+)` \|", _PAGE.read_text(), re.MULTILINE))
    for name, value in shown.items():
        assert value == str(Settings.model_fields[name.lower()].default), name
