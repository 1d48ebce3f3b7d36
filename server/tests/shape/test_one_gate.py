"""Routes write through one gate, which claims the idempotency key: `MutationContext.write`."""

import ast
from pathlib import Path

from support import tree

HTTP = tree.SERVER / "http"
GATE = HTTP / "_context.py"
# What begins a transaction that may write, see `Database`.
BEGINS = {"write", "write_for_worker", "transaction", "renewal", "engine"}


def begins_to_write(path: Path) -> list[str]:
    """Each use of a method of a database that begins such a transaction."""
    return [
        f"{path.name}:{node.lineno}"
        for node in ast.walk(tree.syntax(path))
        if isinstance(node, ast.Attribute)
        and node.attr in BEGINS
        and isinstance(node.value, ast.Name | ast.Attribute)
        and (node.value.id if isinstance(node.value, ast.Name) else node.value.attr).endswith("database")
    ]


def test_only_the_gate_begins_a_transaction_that_writes() -> None:
    used = [place for path in sorted(HTTP.glob("**/*.py")) for place in begins_to_write(path)]
    assert [place.partition(":")[0] for place in used] == [GATE.name]


def test_the_gate_claims_the_key_in_that_transaction() -> None:
    [gate] = [
        node
        for node in ast.walk(tree.syntax(GATE))
        if isinstance(node, ast.AsyncFunctionDef) and node.name == "write"
    ]
    calls = [ast.unparse(node.func) for node in ast.walk(gate) if isinstance(node, ast.Call)]
    assert "idempotency.claim" in calls and "self.http.database.write" in calls
