"""Tables are defined only in the packages that own them."""

import ast

import pytest

from support import tree

OWNERS = {
    "accounts",
    "assets",
    "canvas",
    "catalog",
    "events",
    "execution",
    "idempotency",
    "ledger",
    "runs",
    "store",
}


def table_definitions(module: ast.Module) -> list[int]:
    """The lines that make an SQLAlchemy table, whatever name it was imported under."""
    packages: set[str] = set()
    classes: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            packages |= {alias.asname or alias.name for alias in node.names if "sqlalchemy" in alias.name}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
            classes |= {alias.asname or alias.name for alias in node.names if alias.name == "Table"}
    made = {f"{package}.Table" for package in packages} | classes
    calls = (node for node in ast.walk(module) if isinstance(node, ast.Call))
    return [node.lineno for node in calls if ast.unparse(node.func) in made]


def test_tables_belong_to_their_packages() -> None:
    found = [
        f"{tree.name_of(path)}:{line}"
        for path in tree.python_files(tree.SERVER)
        if path.relative_to(tree.SERVER).parts[0] not in OWNERS
        for line in table_definitions(tree.syntax(path))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("import sqlalchemy as sa\nsa.Table('runs', metadata)", [2]),
        ("from sqlalchemy import Table as T\nT('runs', metadata)", [2]),
        ("from rich.table import Table\nTable(title='runs')", []),
    ],
)
def test_the_rule_knows_a_table(source: str, lines: list[int]) -> None:
    assert table_definitions(ast.parse(source)) == lines
