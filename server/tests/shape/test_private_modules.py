"""Other packages import a package, never the files in it that begin with an underscore."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from support import tree


def imported_names(module: ast.Module, package: str) -> Iterator[tuple[int, str]]:
    """Line and full dotted name of everything imported by a file of ``package``."""
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{origin}.{alias.name}") for alias in node.names)


def is_private_to_another(name: str, owner: str) -> bool:
    parts = name.split(".")
    hidden = any(part.startswith("_") and not part.startswith("__") for part in parts[2:])
    return parts[0] == "terrarium_server" and hidden and parts[1] != owner


def owner_of(path: Path) -> tuple[str, str]:
    """The dotted package that a file is in, and the server's package whose private files it may import.

    Tests may import what they test: a package's tests its files, the benchmarks those of the engines, which
    they measure in parts, and the crash tests those of `execution`, which they stop between its steps.
    """
    if path.is_relative_to(tree.SERVER):
        package = ".".join(["terrarium_server", *path.relative_to(tree.SERVER).parent.parts])
        return package, path.relative_to(tree.SERVER).parts[0].removesuffix(".py")
    if path.is_relative_to(tree.ROOT / "bench"):
        return "", "engines"
    if path.is_relative_to(tree.ROOT / "tests/crash"):
        return "", "execution"
    tests = tree.ROOT / "server/tests"
    return "", path.relative_to(tests).parts[0] if path.is_relative_to(tests) else ""


def test_no_package_imports_private_files_of_another() -> None:
    found = [
        f"{tree.name_of(path)}:{line} imports {name}"
        for path in tree.python_files(tree.ROOT)
        for package, owner in [owner_of(path)]
        for line, name in imported_names(tree.syntax(path), package)
        if is_private_to_another(name, owner)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "refused"),
    [
        ("from terrarium_server import store", False),
        ("from terrarium_server.runs._states import RunState", False),
        ("from terrarium_server.store._database import Database", True),
        ("from terrarium_server.store import _database", True),
        ("import terrarium_server.store._database", True),
        ("from ..store._database import Database", True),
        ("from . import _states", False),
    ],
)
def test_the_rule_sees_every_way_to_import(source: str, *, refused: bool) -> None:
    names = imported_names(ast.parse(source), "terrarium_server.runs")
    assert any(is_private_to_another(name, "runs") for _, name in names) is refused
