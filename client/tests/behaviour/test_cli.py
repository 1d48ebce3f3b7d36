"""The command line, in this process and once as a separate process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import terrarium
from terrarium.cli._app import app

from .scripted import STARTED, RecordedRequest, Response, ScriptedServer, refusal, run

PNG = b"\x89PNG\r\n"
WORKSPACE = {"workspace_id": "ws_1", "name": "Ours", "created_at": 1, "role": "owner"}
PROJECT = {
    "project_id": "prj_1",
    "name": "Spring",
    "workspace_id": "ws_1",
    "origin": None,
    "last_modified": 1_700_000_000_000,
    "created_at": 1_700_000_000_000,
}
MODEL = {
    "model_id": "t2i-sketch",
    "name": "Sketch",
    "type": "image",
    "provider": "terrarium",
    "capabilities": [],
    "estimated_credits": 4,
    "estimated_seconds": 3,
    "params": [
        {"name": "aspect_ratio", "type": "string", "required": False},
        {"name": "seed", "type": "seed", "required": False},
        {"name": "image_urls", "type": "string[]", "required": False},
    ],
}


def outputs(*urls: str, output_type: str = "imageUrl") -> dict[str, Any]:
    listed = [{"output_id": f"o{n}", "type": output_type, "url": url} for n, url in enumerate(urls)]
    return run(
        status="completed",
        progress=100,
        charged_cost=0.004,
        started_at=1_000,
        completed_at=3_500,
        outputs=listed,
    )


@pytest.fixture
def working_server(configured_server: ScriptedServer) -> ScriptedServer:
    """A server that completes every run, and an empty working folder."""
    server = configured_server
    server.routes = {
        "GET /workspaces": Response(200, {"workspaces": [WORKSPACE]}),
        "GET /projects": Response(200, {"projects": [PROJECT], "meta": {"next_cursor": None}}),
        "GET /projects/prj_1": Response(200, PROJECT),
        "GET /models": Response(200, {"models": [MODEL]}),
        "POST /runs/generation": Response(201, STARTED),
        "GET /media/a.png": Response(200, PNG, {"content-type": "image/png"}),
    }
    server.script = [
        Response(200, run(status="pending", progress=0)),
        Response(200, run(progress=40, stage="Painting")),
        Response(200, outputs(f"{server.origin}/media/a.png")),
    ]
    return server


def call(*args: str, **options: Any) -> Any:
    return CliRunner().invoke(app, [*args], **options)


def posted_body(server: ScriptedServer) -> Any:
    return next(request.body for request in server.requests if request.method == "POST")


class TestGenerate:
    def test_the_image_is_saved(self, working_server: ScriptedServer) -> None:
        result = call("generate", "A ceramic mug, on a sunlit table!")
        assert result.exit_code == 0, result.stderr
        assert result.stdout == "a-ceramic-mug-on-a-sunlit-table-run_1.png\n"
        assert Path(result.stdout.strip()).read_bytes() == PNG
        assert result.stderr.splitlines() == [
            "Queued 0 %, 0 s of about 3 s",
            "Painting 40 %, 0 s of about 3 s",
            "Done 100 %, 0 s of about 3 s",
            "run_1: $0.004, 2.5 s, t2i-sketch",
        ]
        assert posted_body(working_server) == {
            "prompt": "A ceramic mug, on a sunlit table!",
            "type": "image",
            "workspace_id": "ws_1",
            "project_id": "prj_1",
        }

    def test_nothing_is_overwritten(self, working_server: ScriptedServer) -> None:
        Path("mug-run_1.png").write_text("mine")
        assert call("generate", "mug").stdout == "mug-run_1-2.png\n"
        assert Path("mug-run_1.png").read_text() == "mine"

    def test_a_file_that_exists_is_refused_before_anything_is_paid(
        self, working_server: ScriptedServer
    ) -> None:
        Path("mug.png").write_text("mine")
        result = call("generate", "mug", "--out", "mug.png")
        assert (result.exit_code, result.stderr) == (
            2,
            "Error: mug.png exists; choose another --out, or add --force to overwrite it\n",
        )
        assert working_server.requests == []
        assert call("generate", "mug", "--out", "mug.png", "--force").exit_code == 0
        assert Path("mug.png").read_bytes() == PNG

    def test_several_outputs_get_numbered_names(self, working_server: ScriptedServer) -> None:
        url = f"{working_server.origin}/media/a.png"
        working_server.routes["GET /runs/run_1"] = Response(200, outputs(url, url, url))
        assert call("generate", "mug", "-o", "new/").stdout.split() == [
            "new/mug-run_1.png",
            "new/mug-run_1-2.png",
            "new/mug-run_1-3.png",
        ]
        assert call("generate", "mug", "-o", "m.png").stdout.split() == ["m.png", "m-2.png", "m-3.png"]

    def test_text_is_printed(self, working_server: ScriptedServer) -> None:
        poem = "Ein Grün\n\x1b[2Jist hier"
        working_server.routes["GET /runs/run_1"] = Response(200, outputs(poem, output_type="text"))
        result = call("generate", "-", "--type", "text", input="A poem\n")
        assert result.stdout == "Ein Grün\n[2Jist hier\n"  # without the control character
        assert posted_body(working_server)["prompt"] == "A poem"
        assert [*Path().iterdir()] == []
        call("generate", "A poem", "-t", "text", "-o", "poem.txt")
        assert Path("poem.txt").read_text("utf-8") == poem

    def test_json_is_the_only_output(self, working_server: ScriptedServer) -> None:
        result = call("generate", "mug", "--json")
        printed = json.loads(result.stdout)
        assert result.stderr == ""
        assert (printed["run_id"], printed["status"], printed["files"]) == (
            "run_1",
            "completed",
            ["mug-run_1.png"],
        )
        assert printed["model"] == {"model_id": "t2i-sketch"}

    def test_no_wait_only_starts_the_run(self, working_server: ScriptedServer) -> None:
        assert call("generate", "mug", "--no-wait").stdout == "run_1\n"
        assert json.loads(call("generate", "mug", "--no-wait", "--json").stdout) == STARTED
        assert [*Path().iterdir()] == []

    def test_parameters_are_converted_to_the_types_of_the_model(self, working_server: ScriptedServer) -> None:
        pairs = ["aspect_ratio=5", "seed=7", "image_urls=a, b", "other=[1]", "name=x=y"]
        args = [arg for pair in pairs for arg in ("--param", pair)]
        assert call("generate", "mug", "--model", "t2i-sketch", *args).exit_code == 0
        assert posted_body(working_server)["model"] == "t2i-sketch"
        assert posted_body(working_server)["params"] == {
            "aspect_ratio": "5",
            "seed": 7,
            "image_urls": ["a", "b"],
            "other": [1],
            "name": "x=y",
        }

    @pytest.mark.parametrize(
        "args",
        [
            ["mug", "--param", "seed"],
            ["mug", "--param", "=3"],
            ["mug", "--param", "seconds=Infinity"],
            ["mug", "--param", f"tags={'[' * 100_000}"],
            [""],
        ],
    )
    def test_unusable_arguments_are_refused(self, working_server: ScriptedServer, args: list[str]) -> None:
        result = call("generate", *args)
        assert result.exit_code == 2
        assert result.stderr.startswith("Error: ")

    def test_the_workspace_of_a_given_project_is_used(self, working_server: ScriptedServer) -> None:
        call("generate", "mug", "--project", "prj_1")
        assert (working_server.requests[0].path, posted_body(working_server)["workspace_id"]) == (
            "/api/v1/projects/prj_1",
            "ws_1",
        )

    def test_without_a_project_the_error_says_how_to_create_one(self, working_server: ScriptedServer) -> None:
        working_server.routes["GET /projects"] = Response(
            200, {"projects": [], "meta": {"next_cursor": None}}
        )
        result = call("generate", "mug")
        assert result.exit_code == 2
        assert "terrarium projects create" in result.stderr

    def test_a_failed_run_is_an_error(self, working_server: ScriptedServer) -> None:
        working_server.routes["GET /runs/run_1"] = Response(
            200, run(status="failed", progress=100, error_code="LLM_REFUSAL", error_message="No.")
        )
        result = call("generate", "mug", "--json")
        assert result.exit_code == 5
        assert json.loads(result.stdout)["error"] == {
            "message": "No. (LLM_REFUSAL, run_1)",
            "code": "LLM_REFUSAL",
            "run_id": "run_1",
        }

    def test_after_an_interrupt_the_run_continues(self, working_server: ScriptedServer) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(terrarium.Flora, "runs", _Interrupted())
            result = call("generate", "mug")
        assert result.exit_code == 130
        assert "terrarium runs wait run_1" in result.stderr


class _Interrupted:
    def start_generation(self, **_: Any) -> Any:
        return terrarium.types.RunStarted.model_validate(STARTED)

    def wait(self, *_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("response", "code", "message"),
    [
        (refusal(400, "input_validation_error", "x: Bad"), 2, "x: Bad"),
        (refusal(401, "unauthorized", "Invalid API key."), 3, "Check FLORA_API_KEY"),
        (refusal(402, "insufficient_credits", "Insufficient credits."), 4, "cheaper models"),
        (refusal(403, "forbidden", "Forbidden."), 3, "another key"),
        (refusal(404, "not_found", "Not found."), 2, "another workspace"),
        (refusal(409, "idempotency_duplicate", "Dup."), 2, "Dup."),
        (refusal(429, "rate_limited", "Rate limit exceeded."), 6, "Try again later"),
        (refusal(500, "unknown_error", "An unknown error occurred."), 6, "log has it under req_1"),
        (Response(200, b"<html>", {"content-type": "text/html"}), 6, "Is base_url the address"),
    ],
)
def test_every_refusal_has_an_exit_code_and_a_remedy(
    working_server: ScriptedServer, response: Response, code: int, message: str
) -> None:
    working_server.routes["POST /runs/generation"] = response
    result = call("generate", "mug")
    assert result.exit_code == code
    assert message in result.stderr
    assert result.stderr.startswith("Error: ")
    assert result.stdout == ""


def test_every_rejected_field_is_listed(working_server: ScriptedServer) -> None:
    fields = (("prompt", "Required"), ("type", "Must be image"))
    working_server.routes["POST /runs/generation"] = refusal(
        400, "input_validation_error", "prompt: Required", *fields
    )
    result = call("generate", "mug", "--json")
    assert result.stderr.splitlines() == [
        "Error: prompt: Required",
        "  prompt: Required",
        "  type: Must be image",
    ]
    error = json.loads(result.stdout)["error"]
    assert error["fields"][1] == {"field": "type", "message": "Must be image"}
    assert (error["code"], error["request_id"]) == ("input_validation_error", "req_1")


def test_without_a_key_the_error_says_how_to_get_one(
    working_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLORA_API_KEY")
    result = call("models")
    assert (result.exit_code, "terrarium serve" in result.stderr) == (3, True)


def test_without_a_server_the_error_names_the_address(
    working_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLORA_BASE_URL", "http://127.0.0.1:1/api/v1")
    result = call("models")
    assert (result.exit_code, "Cannot reach http://127.0.0.1:1" in result.stderr) == (6, True)
    monkeypatch.setenv("FLORA_BASE_URL", "nonsense")
    assert call("models").exit_code == 2


def test_models_are_listed(working_server: ScriptedServer) -> None:
    result = call("models", "--type", "image")
    assert " ".join(result.stdout.splitlines()[1].split()) == (
        "t2i-sketch image Sketch terrarium $0.004 3 s aspect_ratio seed image_urls"
    )
    assert working_server.requests[0].query == {"type": "image"}
    assert json.loads(call("models", "--json").stdout) == [MODEL]
    assert call("models", "--type", "smell").exit_code == 2


def test_aliases_are_listed_with_the_models_that_they_stand_for(working_server: ScriptedServer) -> None:
    aliases = ["t2i-flux-2-pro", "t2i-*"]
    working_server.routes["GET /models"] = Response(200, {"models": [{**MODEL, "aliases": aliases}]})
    assert call("models").stdout.splitlines()[2:] == [
        "",
        "ALIAS           MODEL",
        "t2i-flux-2-pro  t2i-sketch",
        "t2i-*           t2i-sketch",
    ]


def test_parameters_of_an_alias_have_the_types_of_its_model(working_server: ScriptedServer) -> None:
    listed = {"models": [{**MODEL, "aliases": ["t2i-flux-2-pro"]}]}
    working_server.routes["GET /models"] = Response(200, listed)
    call("generate", "mug", "--model", "t2i-flux-2-pro", "-p", "image_urls=a,b", "-p", "aspect_ratio=1")
    assert posted_body(working_server)["params"] == {"image_urls": ["a", "b"], "aspect_ratio": "1"}


def test_projects_and_workspaces_are_listed(working_server: ScriptedServer) -> None:
    assert "prj_1    Spring" in call("projects", "list").stdout
    assert json.loads(call("projects", "list", "--json", "-w", "ws_1").stdout) == [PROJECT]
    working_server.routes["POST /projects"] = Response(201, PROJECT)
    assert call("projects", "create", "Spring").stdout == "prj_1\n"
    assert posted_body(working_server) == {"name": "Spring", "workspace_id": "ws_1"}
    assert call("workspaces").stdout.splitlines()[1].split() == ["ws_1", "Ours", "owner"]
    assert json.loads(call("workspaces", "--json").stdout) == [WORKSPACE]


class TestRuns:
    def test_runs_of_all_pages_are_listed(self, working_server: ScriptedServer) -> None:
        rows = [
            run(run_id=f"run_{n}", generation_id=f"run_{n}", workspace_id="ws_1", project_id="prj_1")
            for n in range(5)
        ]
        pages = [rows[:3], rows[3:]]

        def page(request: RecordedRequest) -> Response:
            first = "cursor" not in request.query
            body = {"generations": pages[not first], "meta": {"next_cursor": "b" if first else None}}
            return Response(200, body)

        working_server.routes["GET /generations"] = page
        listed = call("runs", "list", "--status", "running", "--limit", "4").stdout
        assert [line.split()[0] for line in listed.splitlines()] == [
            "RUN",
            "run_0",
            "run_1",
            "run_2",
            "run_3",
        ]
        assert working_server.requests[-1].query == {"status": "running", "limit": "4", "cursor": "b"}
        assert len(json.loads(call("runs", "list", "--json").stdout)) == 5

    def test_a_run_is_shown(self, working_server: ScriptedServer) -> None:
        working_server.routes["GET /runs/run_1"] = Response(200, outputs("https://x/a.png"))
        shown = call("runs", "show", "run_1").stdout
        assert "status    completed, 100 %" in shown
        assert "output    https://x/a.png" in shown
        assert json.loads(call("runs", "show", "run_1", "--json").stdout)["charged_cost"] == 0.004

    def test_wait_saves_the_outputs(self, working_server: ScriptedServer) -> None:
        assert call("runs", "wait", "run_1").stdout == "run_1.png\n"

    def test_a_timeout_has_its_own_exit_code(self, working_server: ScriptedServer) -> None:
        result = call("runs", "wait", "run_1", "--timeout", "0")
        assert result.exit_code == 7
        assert "terrarium runs wait run_1" in result.stderr


def test_the_command_runs_as_a_process(working_server: ScriptedServer) -> None:
    # The run has ended at the first poll, because this process really sleeps.
    working_server.routes["GET /runs/run_1"] = Response(200, outputs(f"{working_server.origin}/media/a.png"))
    command = [sys.executable, "-W", "error", "-m", "terrarium.cli", "generate", "mug"]
    result = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert (result.returncode, result.stdout) == (0, "mug-run_1.png\n"), result.stderr
    assert Path("mug-run_1.png").read_bytes() == PNG


def test_the_command_starts_without_an_http_client() -> None:
    code = (
        "import sys; from terrarium.cli._app import app; "
        "assert not {'httpx', 'pydantic', 'rich.progress'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_version_is_printed() -> None:
    assert call("--version").stdout == f"terrarium {terrarium.__version__}\n"
