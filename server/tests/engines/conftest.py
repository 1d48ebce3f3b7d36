import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.driving import driving

from .puppets import Open, Puppets


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A folder that has to be made."""
    return tmp_path / "data" / "scratch"


@pytest.fixture
def open_pool(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Opens engines of puppets, and closes them at the end."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    with ExitStack() as stack:
        yield lambda **how: stack.enter_context(driving(Puppets(scratch, **how)))
