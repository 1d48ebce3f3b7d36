"""Tiny models with random weights, for the kinds that need torch (`make test-local`)."""

import atexit
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from support import tree


@cache
def _models() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="terrarium-tiny-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    program = tree.ROOT / "tests-local/tiny_models.py"
    done = subprocess.run(
        [sys.executable, str(program), str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


def tiny_model(name: str) -> Path:
    """Return the folder of a model of `tests-local/tiny_models.py`, which runs once for the session."""
    return _models() / name
