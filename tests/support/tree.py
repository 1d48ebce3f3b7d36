"""The repository as the meta-tests see it."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "server/src/terrarium_server"
CLIENT = ROOT / "client/src/terrarium"

# Written by a program: rules about how people write do not hold for them.
GENERATED = {"client/src/terrarium/_wire.py", "contract/openapi.json", "web/src/api/schema.d.ts"}


@cache
def tracked_files() -> tuple[Path, ...]:
    """Every file that git has or would add."""
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
    """The tracked Python files people write below any of ``folders``."""
    for path in tracked_files():
        written = path.suffix == ".py" and name_of(path) not in GENERATED
        if written and any(path.is_relative_to(folder) for folder in folders):
            yield path


def name_of(path: Path) -> str:
    """The path as the repository knows it."""
    return path.relative_to(ROOT).as_posix()


@cache
def syntax(path: Path) -> ast.Module:
    """The file's syntax tree."""
    return ast.parse(path.read_text("utf-8"), str(path))
