"""Where the commands save outputs, under which names, and what happens to those that cannot be saved."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .scripted import STARTED, Response, ScriptedServer, refusal
from .test_cli import PNG, call, outputs, posted_body


def serve(server: ScriptedServer, *names: str) -> None:
    """Complete a run whose pictures have these names; only ``a.png`` exists."""
    server.routes = {
        "POST /runs/run_1/rerun": Response(201, STARTED),
        "GET /runs/run_1": Response(200, outputs(*(f"{server.origin}/media/{name}" for name in names))),
        "GET /media/a.png": Response(200, PNG, {"content-type": "image/png"}),
        "GET /media/absent.png": refusal(404, "not_found", "Not found."),
    }


@pytest.mark.parametrize("out", ["/proc/new/", "/proc/mug.png", "file/mug.png", "link"])
def test_an_unusable_path_is_refused_before_anything_is_paid(
    configured_server: ScriptedServer, out: str
) -> None:
    Path("file").write_text("mine")
    Path("link").symlink_to("absent")
    result = call("generate", "mug", "--out", out)
    assert (result.exit_code, result.stderr[:7]) == (2, "Error: ")
    assert configured_server.requests == []


def test_what_cannot_be_saved_does_not_stop_the_others(configured_server: ScriptedServer) -> None:
    serve(configured_server, "a.png", "absent.png", "a.png", "\x00")
    result = call("runs", "wait", "run_1", "-o", "m.png")
    assert (result.exit_code, result.stdout.split()) == (8, ["m.png", "m-3.png"])
    error, missing, invalid, remedy = result.stderr.splitlines()[-4:]
    assert error == "Error: 2 of 4 outputs could not be saved"
    assert missing == "  Not found. (404 not_found, request req_1)"
    assert invalid.startswith("  The URL of the output is invalid: ")
    assert remedy == "Save again with `terrarium runs wait run_1 --out m.png`."


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "grune-vase-run_1.png"),
        ({"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "latin-1"}, "grüne-vase-花瓶-run_1.png"),
    ],
)
def test_names_and_texts_fit_the_encodings_of_the_system(
    configured_server: ScriptedServer, settings: dict[str, str], name: str
) -> None:
    serve(configured_server, "a.png")
    shown = configured_server.routes["GET /runs/run_1"].body
    shown["outputs"].append({"output_id": "o9", "type": "text", "url": "Grün → 緑"})
    shown["prompt"] = "Grüne Vase 花瓶"
    command = [sys.executable, "-m", "terrarium.cli", "runs", "rerun", "run_1", "--prompt", "Grüne Vase"]
    result = subprocess.run(command, capture_output=True, env={**os.environ, **settings}, check=False)
    assert result.returncode == 0, result.stderr
    assert posted_body(configured_server) == {"prompt": "Grüne Vase"}
    assert [path.name for path in Path().iterdir()] == [name]


def test_suffixes_of_urls_are_harmless(configured_server: ScriptedServer) -> None:
    serve(configured_server, "a.b%00c")
    configured_server.routes["GET /media/a.b%00c"] = Response(200, PNG, {"content-type": "odd/odd"})
    assert call("runs", "wait", "run_1").stdout == "run_1.png\n"
