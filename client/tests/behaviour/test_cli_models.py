"""`terrarium models` on a server without models."""

import pytest
from typer.testing import CliRunner

from terrarium.cli._app import app

from .scripted import KEY, Response, ScriptedServer


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "No models. `terrarium models --all` shows what is missing, if anything.\n"),
        (["--all"], "No models.\n"),
        (["--type", "video"], "No models. `terrarium models --all` shows what is missing, if anything.\n"),
    ],
)
def test_an_empty_list_is_said_and_not_shown_as_a_table(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, options: list[str], message: str
) -> None:
    monkeypatch.setenv("FLORA_API_KEY", KEY)
    monkeypatch.setenv("FLORA_BASE_URL", server.url)
    server.routes = {"GET /models": Response(200, {"models": []})}
    listed = CliRunner().invoke(app, ["models", *options])
    assert (listed.exit_code, listed.stdout, listed.stderr) == (0, "", message)
