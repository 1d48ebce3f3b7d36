"""The command line, in this process and once as a program of its own."""

import json
import os
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import terrarium._client
from terrarium.cli import _plugins
from terrarium.cli._app import app

from .scripted import KEY, STARTED, Answer, FakeTime, ScriptedServer, Seen, refusal, run

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


def outputs(*urls: str, kind: str = "imageUrl") -> dict[str, Any]:
    listed = [{"output_id": f"o{n}", "type": kind, "url": url} for n, url in enumerate(urls)]
    return run(
        status="completed",
        progress=100,
        charged_cost=0.004,
        started_at=1_000,
        completed_at=3_500,
        outputs=listed,
    )


@pytest.fixture
def house(
    server: ScriptedServer, time: FakeTime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> ScriptedServer:
    """A server on which everything goes well, and an empty folder to be in."""
    monkeypatch.setenv("FLORA_API_KEY", KEY)
    monkeypatch.setenv("FLORA_BASE_URL", server.url)
    monkeypatch.setattr(terrarium._client, "REAL", time.pace)
    monkeypatch.chdir(tmp_path)
    server.routes = {
        "GET /workspaces": Answer(200, {"workspaces": [WORKSPACE]}),
        "GET /projects": Answer(200, {"projects": [PROJECT], "meta": {"next_cursor": None}}),
        "GET /projects/prj_1": Answer(200, PROJECT),
        "GET /models": Answer(200, {"models": [MODEL]}),
        "POST /runs/generation": Answer(201, STARTED),
        "GET /media/a.png": Answer(200, PNG, {"content-type": "image/png"}),
    }
    server.script = [
        Answer(200, run(status="pending", progress=0)),
        Answer(200, run(progress=40, stage="Painting")),
        Answer(200, outputs(f"{server.origin}/media/a.png")),
    ]
    return server


def call(*args: str, **options: Any) -> Any:
    return CliRunner().invoke(app, [*args], **options)


def sent(server: ScriptedServer) -> Any:
    return next(seen.body for seen in server.seen if seen.method == "POST")


class TestGenerate:
    def test_the_picture_is_saved(self, house: ScriptedServer) -> None:
        done = call("generate", "A ceramic mug, on a sunlit table!")
        assert done.exit_code == 0, done.stderr
        assert done.stdout == "a-ceramic-mug-on-a-sunlit-table-run_1.png\n"
        assert Path(done.stdout.strip()).read_bytes() == PNG
        assert done.stderr.splitlines() == [
            "Queued 0 %, 0 s of about 3 s",
            "Painting 40 %, 0 s of about 3 s",
            "Done 100 %, 0 s of about 3 s",
            "run_1: $0.004, 2.5 s, t2i-sketch",
        ]
        assert sent(house) == {
            "prompt": "A ceramic mug, on a sunlit table!",
            "type": "image",
            "workspace_id": "ws_1",
            "project_id": "prj_1",
        }

    def test_nothing_is_overwritten(self, house: ScriptedServer) -> None:
        Path("mug-run_1.png").write_text("mine")
        assert call("generate", "mug").stdout == "mug-run_1-2.png\n"
        assert Path("mug-run_1.png").read_text() == "mine"

    def test_a_file_that_exists_is_refused_before_anything_is_paid(self, house: ScriptedServer) -> None:
        Path("mug.png").write_text("mine")
        done = call("generate", "mug", "--out", "mug.png")
        assert (done.exit_code, done.stderr) == (
            2,
            "Error: mug.png exists; give another --out, or --force to overwrite it\n",
        )
        assert house.seen == []
        assert call("generate", "mug", "--out", "mug.png", "--force").exit_code == 0
        assert Path("mug.png").read_bytes() == PNG

    def test_several_outputs(self, house: ScriptedServer) -> None:
        url = f"{house.origin}/media/a.png"
        house.routes["GET /runs/run_1"] = Answer(200, outputs(url, url, url))
        assert call("generate", "mug", "-o", "new/").stdout.split() == [
            "new/mug-run_1.png",
            "new/mug-run_1-2.png",
            "new/mug-run_1-3.png",
        ]
        assert call("generate", "mug", "-o", "m.png").stdout.split() == ["m.png", "m-2.png", "m-3.png"]

    def test_text_is_printed(self, house: ScriptedServer) -> None:
        poem = "Ein Grün\n\x1b[2Jist hier"
        house.routes["GET /runs/run_1"] = Answer(200, outputs(poem, kind="text"))
        done = call("generate", "-", "--type", "text", input="A poem\n")
        assert done.stdout == "Ein Grün\n[2Jist hier\n"  # without what would clear the screen
        assert sent(house)["prompt"] == "A poem"
        assert [*Path().iterdir()] == []
        call("generate", "A poem", "-t", "text", "-o", "poem.txt")
        assert Path("poem.txt").read_text("utf-8") == poem

    def test_json_and_nothing_else(self, house: ScriptedServer) -> None:
        done = call("generate", "mug", "--json")
        result = json.loads(done.stdout)
        assert done.stderr == ""
        assert (result["run_id"], result["status"], result["files"]) == (
            "run_1",
            "completed",
            ["mug-run_1.png"],
        )
        assert result["model"] == {"model_id": "t2i-sketch"}

    def test_no_wait(self, house: ScriptedServer) -> None:
        assert call("generate", "mug", "--no-wait").stdout == "run_1\n"
        assert json.loads(call("generate", "mug", "--no-wait", "--json").stdout) == STARTED
        assert [*Path().iterdir()] == []

    def test_parameters_have_the_models_types(self, house: ScriptedServer) -> None:
        pairs = ["aspect_ratio=5", "seed=7", "image_urls=a, b", "other=[1]", "name=x=y"]
        args = [arg for pair in pairs for arg in ("--param", pair)]
        assert call("generate", "mug", "--model", "t2i-sketch", *args).exit_code == 0
        assert sent(house)["model"] == "t2i-sketch"
        assert sent(house)["params"] == {
            "aspect_ratio": "5",
            "seed": 7,
            "image_urls": ["a", "b"],
            "other": [1],
            "name": "x=y",
        }

    @pytest.mark.parametrize("args", [["mug", "--param", "seed"], ["mug", "--param", "=3"], [""]])
    def test_what_cannot_be_meant(self, house: ScriptedServer, args: list[str]) -> None:
        done = call("generate", *args)
        assert done.exit_code == 2
        assert done.stderr.startswith("Error: ")

    def test_a_project_tells_its_workspace(self, house: ScriptedServer) -> None:
        call("generate", "mug", "--project", "prj_1")
        assert (house.seen[0].path, sent(house)["workspace_id"]) == ("/api/v1/projects/prj_1", "ws_1")

    def test_no_project_yet(self, house: ScriptedServer) -> None:
        house.routes["GET /projects"] = Answer(200, {"projects": [], "meta": {"next_cursor": None}})
        done = call("generate", "mug")
        assert done.exit_code == 2
        assert "terrarium projects create" in done.stderr

    def test_a_failed_run(self, house: ScriptedServer) -> None:
        house.routes["GET /runs/run_1"] = Answer(
            200, run(status="failed", progress=100, error_code="LLM_REFUSAL", error_message="No.")
        )
        done = call("generate", "mug", "--json")
        assert done.exit_code == 5
        assert json.loads(done.stdout)["error"] == {
            "message": "No. (LLM_REFUSAL, run_1)",
            "code": "LLM_REFUSAL",
            "run_id": "run_1",
        }

    def test_an_interrupt_leaves_it_running(self, house: ScriptedServer) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(terrarium.Flora, "runs", _Interrupted())
            done = call("generate", "mug")
        assert done.exit_code == 130
        assert "terrarium runs wait run_1" in done.stderr


class _Interrupted:
    def start_generation(self, **_: Any) -> Any:
        return terrarium.types.RunStarted.model_validate(STARTED)

    def wait(self, *_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (refusal(400, "input_validation_error", "x: Bad"), 2, "x: Bad"),
        (refusal(401, "unauthorized", "Invalid API key."), 3, "Check FLORA_API_KEY"),
        (refusal(402, "insufficient_credits", "Insufficient credits."), 4, "cheaper models"),
        (refusal(403, "forbidden", "Forbidden."), 3, "another key"),
        (refusal(404, "not_found", "Not found."), 2, "another workspace"),
        (refusal(409, "idempotency_duplicate", "Dup."), 2, "Dup."),
        (refusal(429, "rate_limited", "Rate limit exceeded."), 6, "in a while"),
        (refusal(500, "unknown_error", "An unknown error occurred."), 6, "log has it under req_1"),
        (Answer(200, b"<html>", {"content-type": "text/html"}), 6, "Is base_url the address"),
    ],
)
def test_refusals(house: ScriptedServer, answer: Answer, code: int, said: str) -> None:
    house.routes["POST /runs/generation"] = answer
    done = call("generate", "mug")
    assert done.exit_code == code
    assert said in done.stderr
    assert done.stderr.startswith("Error: ")
    assert done.stdout == ""


def test_every_rejected_field_is_listed(house: ScriptedServer) -> None:
    fields = (("prompt", "Required"), ("type", "Must be image"))
    house.routes["POST /runs/generation"] = refusal(
        400, "input_validation_error", "prompt: Required", *fields
    )
    done = call("generate", "mug", "--json")
    assert done.stderr.splitlines() == [
        "Error: prompt: Required",
        "  prompt: Required",
        "  type: Must be image",
    ]
    error = json.loads(done.stdout)["error"]
    assert error["fields"][1] == {"field": "type", "message": "Must be image"}
    assert (error["code"], error["request_id"]) == ("input_validation_error", "req_1")


def test_no_key(house: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FLORA_API_KEY")
    done = call("models")
    assert (done.exit_code, "terrarium serve" in done.stderr) == (3, True)


def test_no_server(house: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLORA_BASE_URL", "http://127.0.0.1:1/api/v1")
    done = call("models")
    assert (done.exit_code, "Cannot reach http://127.0.0.1:1" in done.stderr) == (6, True)
    monkeypatch.setenv("FLORA_BASE_URL", "nonsense")
    assert call("models").exit_code == 2


def test_models(house: ScriptedServer) -> None:
    done = call("models", "--type", "image")
    assert " ".join(done.stdout.splitlines()[1].split()) == (
        "t2i-sketch image Sketch terrarium $0.004 3 s aspect_ratio seed image_urls"
    )
    assert house.seen[0].query == {"type": "image"}
    assert json.loads(call("models", "--json").stdout) == [MODEL]
    assert call("models", "--type", "smell").exit_code == 2


def test_projects_and_workspaces(house: ScriptedServer) -> None:
    assert "prj_1    Spring" in call("projects", "list").stdout
    assert json.loads(call("projects", "list", "--json", "-w", "ws_1").stdout) == [PROJECT]
    house.routes["POST /projects"] = Answer(201, PROJECT)
    assert call("projects", "create", "Spring").stdout == "prj_1\n"
    assert sent(house) == {"name": "Spring", "workspace_id": "ws_1"}
    assert call("workspaces").stdout.splitlines()[1].split() == ["ws_1", "Ours", "owner"]
    assert json.loads(call("workspaces", "--json").stdout) == [WORKSPACE]


class TestRuns:
    def test_list(self, house: ScriptedServer) -> None:
        rows = [
            run(run_id=f"run_{n}", generation_id=f"run_{n}", workspace_id="ws_1", project_id="prj_1")
            for n in range(5)
        ]
        pages = [rows[:3], rows[3:]]

        def page(seen: Seen) -> Answer:
            first = "cursor" not in seen.query
            body = {"generations": pages[not first], "meta": {"next_cursor": "b" if first else None}}
            return Answer(200, body)

        house.routes["GET /generations"] = page
        listed = call("runs", "list", "--status", "running", "--limit", "4").stdout
        assert [line.split()[0] for line in listed.splitlines()] == [
            "RUN",
            "run_0",
            "run_1",
            "run_2",
            "run_3",
        ]
        assert house.seen[-1].query == {"status": "running", "limit": "4", "cursor": "b"}
        assert len(json.loads(call("runs", "list", "--json").stdout)) == 5

    def test_show(self, house: ScriptedServer) -> None:
        house.routes["GET /runs/run_1"] = Answer(200, outputs("https://x/a.png"))
        shown = call("runs", "show", "run_1").stdout
        assert "status    completed, 100 %" in shown
        assert "output    https://x/a.png" in shown
        assert json.loads(call("runs", "show", "run_1", "--json").stdout)["charged_cost"] == 0.004

    def test_wait(self, house: ScriptedServer) -> None:
        assert call("runs", "wait", "run_1").stdout == "run_1.png\n"

    def test_running_out_of_time(self, house: ScriptedServer) -> None:
        done = call("runs", "wait", "run_1", "--timeout", "0")
        assert done.exit_code == 7
        assert "terrarium runs wait run_1" in done.stderr


class TestOtherDistributions:
    @pytest.fixture(autouse=True)
    def brought(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        (tmp_path / "brought_by_test.py").write_text(
            "import typer\napp = typer.Typer()\n"
            "@app.callback(invoke_without_command=True)\ndef water(litres: int = 1):\n"
            "    typer.echo(f'{litres} l')\n"
        )
        monkeypatch.syspath_prepend(tmp_path)
        found = [
            EntryPoint("water", "brought_by_test:app", _plugins.GROUP),
            EntryPoint("broken", "no_such_module_here:app", _plugins.GROUP),
            EntryPoint("models", "no_such_module_here:app", _plugins.GROUP),
        ]
        monkeypatch.setattr(_plugins, "entry_points", lambda **_: found)

    def test_they_are_listed_without_being_imported(self) -> None:
        shown = call("--help").stdout
        assert "water" in shown
        assert "Provided by brought_by_test" in shown
        assert "brought_by_test" not in sys.modules

    def test_they_run(self) -> None:
        assert call("water", "--litres", "3").stdout == "3 l\n"
        sys.modules.pop("brought_by_test")

    def test_what_cannot_be_imported_says_so(self) -> None:
        done = call("broken")
        assert done.exit_code == 1
        assert "no_such_module_here" in done.stderr

    def test_our_own_names_win(self, house: ScriptedServer) -> None:
        assert call("models").exit_code == 0


def test_as_a_program(house: ScriptedServer) -> None:
    # The run is over at the first look: this process sleeps for real.
    house.routes["GET /runs/run_1"] = Answer(200, outputs(f"{house.origin}/media/a.png"))
    command = [sys.executable, "-W", "error", "-m", "terrarium.cli", "generate", "mug"]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert (done.returncode, done.stdout) == (0, "mug-run_1.png\n"), done.stderr
    assert Path("mug-run_1.png").read_bytes() == PNG


def test_the_command_starts_without_an_http_client() -> None:
    code = (
        "import sys; from terrarium.cli._app import app; "
        "assert not {'httpx', 'pydantic', 'rich.progress'} & {*sys.modules}"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_version() -> None:
    assert call("--version").stdout == f"terrarium {terrarium.__version__}\n"
