"""The repository's files, for the tests about the code itself."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "server/src/terrarium_server"
POCKET = ROOT / "pocket/src/terrarium_pocket"
CLIENT = ROOT / "client/src/terrarium"

# Generated files, which the rules for hand-written code do not cover.
GENERATED = {"client/src/terrarium/_wire.py", "contract/openapi.json", "web/src/api/schema.d.ts"}


@cache
def tracked_files() -> tuple[Path, ...]:
    """Return every file that git tracks or would add."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    paths = (ROOT / name for name in listed.split("\0") if name)
    return tuple(sorted(path for path in paths if path.is_file()))


def python_files(*folders: Path) -> Iterator[Path]:
    """Yield the tracked, hand-written Python files below any of ``folders``."""
    for path in tracked_files():
        is_hand_written = path.suffix == ".py" and name_of(path) not in GENERATED
        if is_hand_written and any(path.is_relative_to(folder) for folder in folders):
            yield path


def name_of(path: Path) -> str:
    """Return a file's path relative to the repository."""
    return path.relative_to(ROOT).as_posix()


@cache
def syntax(path: Path) -> ast.Module:
    """Return a file's syntax tree."""
    return ast.parse(path.read_text("utf-8"), str(path))
