"""Commands that other distributions add to `terrarium`."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from terrarium.cli import _plugins
from terrarium.cli._app import app

from .scripted import KEY, Response, ScriptedServer


@pytest.fixture(autouse=True)
def plugins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "plugin_of_test.py").write_text(
        "import typer\napp = typer.Typer()\n"
        "@app.callback(invoke_without_command=True)\ndef water(litres: int = 1):\n"
        "    typer.echo(f'{litres} l')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    entries = [
        EntryPoint("water", "plugin_of_test:app", _plugins.GROUP),
        EntryPoint("broken", "no_such_module_here:app", _plugins.GROUP),
        EntryPoint("models", "no_such_module_here:app", _plugins.GROUP),
    ]
    monkeypatch.setattr(_plugins, "entry_points", lambda **_: entries)


def call(*args: str) -> Any:
    return CliRunner().invoke(app, [*args])


def test_they_are_listed_without_being_imported() -> None:
    shown = call("--help").stdout
    assert "water" in shown
    assert "Provided by plugin_of_test" in shown
    assert "plugin_of_test" not in sys.modules


def test_they_are_executed() -> None:
    assert call("water", "--litres", "3").stdout == "3 l\n"
    sys.modules.pop("plugin_of_test")


def test_a_command_that_cannot_be_imported_is_an_error() -> None:
    result = call("broken")
    assert result.exit_code == 1
    assert "no_such_module_here" in result.stderr


def test_our_own_commands_take_precedence(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLORA_API_KEY", KEY)
    monkeypatch.setenv("FLORA_BASE_URL", server.url)
    server.routes = {"GET /models": Response(200, {"models": []})}
    assert call("models").exit_code == 0
