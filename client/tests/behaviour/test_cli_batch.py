"""`terrarium batch`: from a file of starts to a folder of outputs."""

import json
from pathlib import Path
from typing import Any

import pytest

from .scripted import Response, ScriptedServer, refusal
from .test_batches import BATCH_STARTED, batch, step
from .test_cli import MODEL, PNG, PROJECT, WORKSPACE, call, outputs, posted_body

CSV = 'prompt,model,seed,aspect_ratio\nA mug,t2i-sketch,7,16:9\n"A glass, full",,,\n'


def member(server: ScriptedServer, number: int, prompt: str) -> dict[str, Any]:
    return {**outputs(f"{server.origin}/media/a.png"), "run_id": f"run_{number}", "prompt": prompt}


@pytest.fixture
def working_server(configured_server: ScriptedServer) -> ScriptedServer:
    """A server that completes the first and the last of three starts."""
    server = configured_server
    done = {"status": "completed", "progress": 100}
    failed = step(1, status="failed", progress=100, error_code="LLM_REFUSAL", error_message="No.")
    ended = batch(step(0, **done), failed, step(2, **done), **done, started_at=1_000, completed_at=3_500)
    server.routes = {
        "GET /workspaces": Response(200, {"workspaces": [WORKSPACE]}),
        "GET /projects": Response(200, {"projects": [PROJECT], "meta": {"next_cursor": None}}),
        "GET /models": Response(200, {"models": [MODEL]}),
        "POST /runs/batch": Response(201, BATCH_STARTED),
        "GET /runs/run_9": Response(200, ended),
        "GET /runs/run_0": Response(200, member(server, 0, "A mug")),
        "GET /runs/run_2": Response(200, member(server, 2, "A tin mug")),
        "GET /media/a.png": Response(200, PNG, {"content-type": "image/png"}),
    }
    Path("mugs.jsonl").write_text('{"prompt": "A mug"}\n\n{"prompt": "B"}\n{"prompt": "A tin mug"}\n')
    Path("mugs.csv").write_text(CSV)
    return server


def complete_all(server: ScriptedServer) -> None:
    done = step(0, status="completed", progress=100)
    server.routes["GET /runs/run_9"] = Response(200, batch(done, status="completed", completed_at=1))


def test_outputs_are_saved_in_a_folder_and_failures_are_listed(working_server: ScriptedServer) -> None:
    result = call("batch", "mugs.jsonl")
    assert result.exit_code == 5
    assert result.stdout.splitlines() == ["mugs/0-a-mug-run_0.png", "mugs/2-a-tin-mug-run_2.png"]
    assert Path("mugs/0-a-mug-run_0.png").read_bytes() == PNG
    assert result.stderr.splitlines() == [
        "Done 100 % (2 completed, 1 failed), 0 s of about 4 s",
        "run_9: $0.50, 2.5 s, 2 completed, 1 failed",
        "Error: 1 of 3 runs failed",
        "  starts[1] (run_1): LLM_REFUSAL: No.",
    ]


def test_json_has_the_files_of_each_run(working_server: ScriptedServer) -> None:
    result = call("batch", "mugs.jsonl", "--json", "--out", "elsewhere")
    assert result.exit_code == 5
    printed = json.loads(result.stdout)
    assert [each["files"] for each in printed["steps"]] == [
        ["elsewhere/0-a-mug-run_0.png"],
        [],
        ["elsewhere/2-a-tin-mug-run_2.png"],
    ]


def test_a_batch_whose_runs_all_complete_is_a_success(working_server: ScriptedServer) -> None:
    complete_all(working_server)
    assert call("batch", "mugs.jsonl").exit_code == 0
    assert call("runs", "wait", "run_9").stdout == "run_9/0-a-mug-run_0.png\n"


def test_lines_of_json_are_sent_as_they_are(working_server: ScriptedServer) -> None:
    lines = [
        '{"prompt": "a", "params": {"x": 1}}',
        '{"prompt": "b", "type": "image", "model": "m", "odd": 1}',
    ]
    options = ["--type", "text", "--model", "t2t-sketch", "--max-parallel", "2", "--priority", "1"]
    assert call("batch", "-", *options, "--no-wait", input="\n".join(lines)).stdout == "run_9\n"
    assert posted_body(working_server) == {
        "workspace_id": "ws_1",
        "project_id": "prj_1",
        "max_parallel": 2,
        "priority": 1,
        "starts": [
            {"type": "text", "model": "t2t-sketch", "prompt": "a", "params": {"x": 1}},
            {"type": "image", "model": "m", "prompt": "b", "odd": 1},
        ],
    }


def test_columns_of_a_table_are_parameters(working_server: ScriptedServer) -> None:
    Path("mugs.csv").write_text(f"\ufeff{CSV}", "utf-8")
    assert call("batch", "mugs.csv", "--no-wait").exit_code == 0
    assert posted_body(working_server)["starts"] == [
        {
            "type": "image",
            "model": "t2i-sketch",
            "prompt": "A mug",
            "params": {"seed": 7, "aspect_ratio": "16:9"},
        },
        {"type": "image", "prompt": "A glass, full"},
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The first line must name the columns, separated by commas, one of them `prompt`."),
        ("promt\na\n", "The first line must name the columns, separated by commas, one of them `prompt`."),
        (
            "prompt;seed\na;1\n",
            "The first line must name the columns, separated by commas, one of them `prompt`; "
            "here they are separated by semicolons.",
        ),
        ("prompt,seed, seed\na,1,2\n", "Two columns have the name `seed`."),
        ("prompt,prompt\na,b\n", "Two columns have the name `prompt`."),
        ("prompt,\na,\nb,1\n", "Line 3 has a cell in a column without a name."),
        ("prompt\n", "There are no starts in the file."),
        ("prompt\na\n\nb,c\n", "Line 4 has more cells than there are columns."),
        ('prompt\na\n"b\nc",d\n', "Line 3 has more cells than there are columns."),
        ('prompt\n"a\nb\n', "The row that begins in line 2 cannot be read: unexpected end of data"),
        ("prompt,seconds\na,NaN\n", "Line 2, seconds: NaN is not a number that JSON has."),
        ("prompt,seconds\na,1e999\n", "Line 2, seconds: The number 1e999 is too large."),
        (f"prompt,tags\na,{'[' * 100_000}\n", "Line 2, tags: It is nested too deeply."),
        (
            '{"prompt": "a"}\n{"prompt"',
            "Line 2 is not JSON: Expecting ':' delimiter: line 1 column 10 (char 9)",
        ),
        ('{"prompt": "a"}\n7', 'Line 2 must be an object, such as {"prompt": "A mug"}'),
        ('{"prompt": "a"}\n{"params": {"x": -Infinity}}', "Line 2: -Infinity is not a number that JSON has."),
        ('{"a": ' + "[" * 100_000, "Line 1: It is nested too deeply."),
        (b'{"prompt": "Gr\xfcn"}', "Standard input must be a text in UTF-8."),
    ],
)
def test_an_unusable_file_is_refused(working_server: ScriptedServer, text: str | bytes, message: str) -> None:
    result = call("batch", "-", input=text)
    assert (result.exit_code, result.stderr) == (2, f"Error: {message}\n")
    assert "POST" not in [request.method for request in working_server.requests]


@pytest.mark.parametrize(
    "options",
    [
        ["absent.csv"],
        ["binary"],
        ["mugs.csv", "--out", "mugs.jsonl"],
        ["mugs.csv", "--out", "mugs.jsonl/new"],
        ["mugs.csv", "--out", "/proc/new"],
        ["mugs.csv", "--out", "/proc"],
        ["mugs.csv", "--out", "x" * 300],
    ],
)
def test_unusable_paths_are_refused_before_anything_is_paid(
    working_server: ScriptedServer, options: list[str]
) -> None:
    Path("binary").write_bytes(PNG)
    result = call("batch", *options)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert "POST" not in [request.method for request in working_server.requests]


def test_what_cannot_be_saved_does_not_stop_the_others(working_server: ScriptedServer) -> None:
    done = {"status": "completed", "progress": 100}
    ended = batch(*(step(number, **done) for number in range(9)), **done, completed_at=9)
    working_server.routes["GET /runs/run_9"] = Response(200, ended)
    for number in range(9):
        working_server.routes[f"GET /runs/run_{number}"] = Response(200, member(working_server, number, "A"))
    missing = outputs(*(f"{working_server.origin}/media/{name}.png" for name in ("absent", "a")))
    # One of the two pictures of a run is missing, and another run cannot be read.
    working_server.routes["GET /runs/run_3"] = Response(200, {**missing, "run_id": "run_3", "prompt": "A"})
    working_server.routes["GET /runs/run_5"] = refusal(404, "not_found", "Not found.")
    working_server.routes["GET /media/absent.png"] = refusal(404, "not_found", "Not found.")
    result = call("batch", "mugs.jsonl")
    assert result.exit_code == 8
    assert [line[:6] for line in result.stdout.splitlines()] == [
        f"mugs/{number}" for number in range(9) if number != 5
    ]
    assert all(Path(line).read_bytes() == PNG for line in result.stdout.splitlines())
    assert result.stderr.splitlines()[-4:] == [
        "Error: Not all outputs could be saved: 2 missing",
        "  starts[3] (run_3): Not found. (404 not_found, request req_1)",
        "  starts[5] (run_5): Not found. (404 not_found, request req_1)",
        "Save one again with `terrarium runs wait RUN_ID --out mugs/`, "
        "or all with `terrarium runs wait run_9 --out FOLDER`.",
    ]
    steps = json.loads(call("batch", "mugs.jsonl", "--json").stdout)["steps"]
    assert [bool(each["save_errors"]) for each in steps] == [number in (3, 5) for number in range(9)]


def test_a_batch_that_cannot_be_followed_is_named(working_server: ScriptedServer) -> None:
    working_server.routes["GET /runs/run_9"] = refusal(401, "unauthorized", "Invalid API key.")
    result = call("batch", "mugs.jsonl")
    assert result.exit_code == 3
    assert "`terrarium runs wait run_9` goes on" in result.stderr


def test_a_file_without_a_suffix_has_another_folder(working_server: ScriptedServer) -> None:
    complete_all(working_server)
    Path("starts").write_text('{"prompt": "A mug"}')
    assert call("batch", "starts").stdout == "starts-outputs/0-a-mug-run_0.png\n"


def test_nothing_is_checked_or_made_for_outputs_that_are_not_saved(working_server: ScriptedServer) -> None:
    Path("mugs").write_text("mine")
    assert call("batch", "mugs.csv", "--no-wait", "--out", "mugs").stdout == "run_9\n"
    assert call("batch", "mugs.csv", "--no-wait", "--out", "new").exit_code == 0
    assert not Path("new").exists()


def test_only_line_feeds_separate_lines_of_json(working_server: ScriptedServer) -> None:
    prompt = "a\u2028b\u2029c\u0085d"
    text = f'{{"prompt": "{prompt}"}}\r\n{{"prompt": "e"}}\r\n'
    assert call("batch", "-", "--no-wait", input=text.encode()).exit_code == 0
    assert [start["prompt"] for start in posted_body(working_server)["starts"]] == [prompt, "e"]


def test_rejected_starts_are_found_in_the_file(working_server: ScriptedServer) -> None:
    field = ("starts[1].params.seed", "Must be a whole number")
    working_server.routes["POST /runs/batch"] = refusal(
        400, "input_validation_error", "starts[1].params.seed: Must be a whole number", field
    )
    result = call("batch", "mugs.jsonl")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[0] == "starts[1] is line 3 of the file."
    rows = call("batch", "-", input='prompt\n"A\nmug"\n"B\nmug"\n')
    assert rows.stderr.splitlines()[0] == "starts[1] is line 4 of the file."
