"""A test that is skipped or expected to fail says why; pytest prints it (`-rsx`)."""

import ast

import pytest

from support import tree

NEEDS_REASON = {
    "pytest.skip",
    "pytest.xfail",
    "pytest.importorskip",
    "pytest.mark.skip",
    "pytest.mark.skipif",
    "pytest.mark.xfail",
}
TESTS = [
    tree.ROOT / name
    for name in ("tests", "tests-local", "tests-peers", "server/tests", "pocket/tests", "client/tests")
]
REASON_COMES_FIRST = {"pytest.skip", "pytest.xfail", "pytest.mark.skip"}


def without_reason(module: ast.Module) -> list[int]:
    called = {id(node.func): node for node in ast.walk(module) if isinstance(node, ast.Call)}
    found: list[int] = []
    for node in ast.walk(module):
        if not isinstance(node, ast.Attribute) or ast.unparse(node) not in NEEDS_REASON:
            continue
        call = called.get(id(node))
        reasons = [word.value for word in call.keywords if word.arg == "reason"] if call else []
        if call and ast.unparse(node) in REASON_COMES_FIRST:
            reasons += call.args[:1]
        if not any(not isinstance(reason, ast.Constant) or reason.value for reason in reasons):
            found.append(node.lineno)
    return found


def test_every_skip_says_why() -> None:
    found = [
        f"{tree.name_of(path)}:{line}"
        for path in tree.python_files(*TESTS)
        for line in without_reason(tree.syntax(path))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("pytest.skip('no GPU here')", []),
        ("pytest.skip(f'{program} is not installed')", []),
        ("pytest.skip('')", [1]),
        ("@pytest.mark.skip\ndef test(): ...", [1]),
        ("@pytest.mark.skipif(old)\ndef test(): ...", [1]),
        ("@pytest.mark.skipif(old, reason='too old')\ndef test(): ...", []),
    ],
)
def test_the_rule_sees_every_way_to_skip(source: str, lines: list[int]) -> None:
    assert without_reason(ast.parse(source)) == lines
