"""The examples of the documents, run as they stand."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import terrarium._async_client
import terrarium._client
from terrarium.cli._app import EPILOG, app
from terrarium.cli._report import Exit

from .scripted import KEY, START, STARTED, Answer, FakeTime, ScriptedServer, Seen, refusal, run
from .test_cli import MODEL, PNG, PROJECT, WORKSPACE

ROOT = Path(__file__).parents[3]
DOCUMENTS = [ROOT / "client/README.md", ROOT / "docs/python.md"]


def blocks(document: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", document.read_text("utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture
def house(
    server: ScriptedServer, time: FakeTime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> ScriptedServer:
    monkeypatch.setenv("FLORA_API_KEY", KEY)
    monkeypatch.setenv("FLORA_BASE_URL", server.url)
    monkeypatch.setattr(terrarium._client, "REAL", time.pace)
    monkeypatch.setattr(terrarium._async_client, "REAL", time.pace)
    monkeypatch.chdir(tmp_path)

    def start(seen: Seen) -> Answer:
        if not seen.body["prompt"]:
            return refusal(400, "input_validation_error", "prompt: Required", ("prompt", "Required"))
        if seen.headers["idempotency-key"] == "mug-7":
            return refusal(
                409, "idempotency_duplicate", "Dup.", location="/runs/run_1", x_should_retry="false"
            )
        assert {*START} <= {*seen.body}
        return Answer(201, STARTED)

    picture = {"output_id": "o1", "type": "imageUrl", "url": f"{server.origin}/media/a.png"}
    done = run(status="completed", progress=100, outputs=[picture], charged_cost=0.004)
    row = {**done, "generation_id": "run_1", "workspace_id": "ws_1", "project_id": "prj_1"}
    server.routes = {
        "GET /workspaces": Answer(200, {"workspaces": [WORKSPACE]}),
        "GET /projects": Answer(200, {"projects": [PROJECT], "meta": {"next_cursor": None}}),
        "POST /projects": Answer(201, PROJECT),
        "GET /models": Answer(200, {"models": [MODEL]}),
        "POST /runs/generation": start,
        "POST /runs/estimate": Answer(
            200,
            {
                "charged_cost": 0.004,
                "estimated_seconds": 3,
                "model": {"model_id": "t2i-sketch"},
                "type": "generation",
            },
        ),
        "GET /runs/run_1": Answer(200, done, {"etag": '"1"', "request-id": "req_1"}),
        "GET /generations": Answer(200, {"generations": [row], "meta": {"next_cursor": None}}),
        "GET /media/a.png": Answer(200, PNG, {"content-type": "image/png"}),
    }
    return server


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_python(document: Path, house: ScriptedServer, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {"__name__": "example"}
    found = blocks(document, "python")
    assert found
    for block in found:
        exec(compile(block, document.name, "exec"), names)
    assert capsys.readouterr().out


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_commands(document: Path, house: ScriptedServer) -> None:
    lines = [line for block in blocks(document, "sh") for line in block.splitlines()]
    commands = [line.partition(" > ")[0] for line in lines if line.startswith("terrarium ")]
    assert commands
    for command in commands:
        done = CliRunner().invoke(app, shlex.split(command)[1:])
        assert done.exit_code == 0, f"{command}: {done.stderr}"


def test_every_exit_code_is_told() -> None:
    text = DOCUMENTS[1].read_text("utf-8")
    for code in Exit:
        assert f"| {int(code)} |" in text
        assert f" {int(code)} " in EPILOG


def test_every_error_is_told() -> None:
    text = DOCUMENTS[1].read_text("utf-8")
    for name in terrarium.__all__:
        if name.endswith(("Error", "Timeout")) and name != "APIError" and name != "FieldError":
            assert f"`{name}`" in text or f"`{name}s`" in text or f"`{name}`s" in text, name
