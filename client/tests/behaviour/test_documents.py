"""The examples of the documents are executed unchanged."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import terrarium
from terrarium.cli._app import EPILOG, app
from terrarium.cli._report import Exit

from .scripted import START, STARTED, RecordedRequest, Response, ScriptedServer, refusal, run
from .test_batches import BATCH_STARTED, batch, step
from .test_cli import MODEL, PNG, PROJECT, WORKSPACE
from .test_events import END, event, position, progress, streamed

ROOT = Path(__file__).parents[3]
DOCUMENTS = [ROOT / "client/README.md", ROOT / "docs/python.md"]


def blocks(document: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", document.read_text("utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture
def working_server(configured_server: ScriptedServer) -> ScriptedServer:
    server = configured_server

    def start(request: RecordedRequest) -> Response:
        if not request.body["prompt"]:
            return refusal(400, "input_validation_error", "prompt: Required", ("prompt", "Required"))
        if request.headers["idempotency-key"] == "mug-7":
            return refusal(
                409, "idempotency_duplicate", "Dup.", location="/runs/run_1", x_should_retry="false"
            )
        assert {*START} <= {*request.body}
        return Response(201, STARTED)

    picture = {"output_id": "o1", "type": "imageUrl", "url": f"{server.origin}/media/a.png"}
    done = run(status="completed", progress=100, outputs=[picture], charged_cost=0.004)
    row = {**done, "generation_id": "run_1", "workspace_id": "ws_1", "project_id": "prj_1"}
    ended = {"status": "completed", "progress": 100, "completed_at": 9}
    Path("mugs.csv").write_text("prompt,seed\nA ceramic mug,7\n")
    server.routes = {
        "GET /workspaces": Response(200, {"workspaces": [WORKSPACE]}),
        "GET /projects": Response(200, {"projects": [PROJECT], "meta": {"next_cursor": None}}),
        "POST /projects": Response(201, PROJECT),
        "GET /models": Response(200, {"models": [MODEL]}),
        "POST /runs/generation": start,
        "POST /runs/estimate": Response(
            200,
            {
                "charged_cost": 0.004,
                "estimated_seconds": 3,
                "model": {"model_id": "t2i-sketch"},
                "type": "generation",
            },
        ),
        "GET /runs/run_1": Response(200, done, {"etag": '"1"', "request-id": "req_1"}),
        "GET /runs/run_1/events": streamed(position("open", None), END),
        "POST /runs/run_1/rerun": Response(201, STARTED),
        "POST /runs/batch": Response(201, BATCH_STARTED),
        "GET /runs/run_9": Response(200, batch(step(1, **ended), **ended)),
        "GET /runs/run_9/events": streamed(
            position("open", 3), event(4), progress(40), event(5, "run.completed", "run_9")
        ),
        "GET /generations": Response(200, {"generations": [row], "meta": {"next_cursor": None}}),
        "GET /media/a.png": Response(200, PNG, {"content-type": "image/png"}),
    }
    return server


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_python_examples_run(
    document: Path, working_server: ScriptedServer, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {"__name__": "example"}
    examples = blocks(document, "python")
    assert examples
    for example in examples:
        exec(compile(example, document.name, "exec"), names)
    assert capsys.readouterr().out


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_command_examples_run(document: Path, working_server: ScriptedServer) -> None:
    lines = [line for block in blocks(document, "sh") for line in block.splitlines()]
    commands = [line.partition(" > ")[0] for line in lines if line.startswith("terrarium ")]
    assert commands
    for command in commands:
        done = CliRunner().invoke(app, shlex.split(command)[1:])
        assert done.exit_code == 0, f"{command}: {done.stderr}"


def test_every_exit_code_is_documented() -> None:
    text = DOCUMENTS[1].read_text("utf-8")
    for code in Exit:
        assert f"| {int(code)} |" in text
        assert f" {int(code)} " in EPILOG


def test_every_error_is_documented() -> None:
    text = DOCUMENTS[1].read_text("utf-8")
    for name in terrarium.__all__:
        if name.endswith(("Error", "Timeout")) and name != "APIError" and name != "FieldError":
            assert f"`{name}`" in text or f"`{name}s`" in text or f"`{name}`s" in text, name
