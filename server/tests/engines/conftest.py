import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.driver import drive_engine

from .scripted import Open, ScriptedEngine


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """A folder that does not exist yet."""
    return tmp_path / "data" / "scratch"


@pytest.fixture
def open_pool(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Opens engines with scripted processes, and closes them at the end."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
    with ExitStack() as stack:
        yield lambda **how: stack.enter_context(drive_engine(ScriptedEngine(scratch, **how)))
