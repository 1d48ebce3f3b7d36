"""`terrarium runs show`, `rerun`, `watch` and `cancel`, for single runs and for batches."""

import json
from pathlib import Path
from typing import Any

import pytest

from .scripted import STARTED, Response, ScriptedServer, run
from .test_batches import BATCH_STARTED, batch, step
from .test_cli import MODEL, call, outputs, posted_body
from .test_events import END, event, position, progress, streamed


@pytest.fixture(autouse=True)
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


def serve(server: ScriptedServer, shown: dict[str, Any]) -> None:
    server.routes[f"GET /runs/{shown['run_id']}"] = Response(200, shown)


class TestShow:
    def test_what_was_asked_for_and_the_place_in_the_queue(self, configured_server: ScriptedServer) -> None:
        waiting = run(
            status="pending",
            progress=0,
            model={"model_id": "t2i-sketch"},
            prompt="A ceramic mug\non a table, " + "very " * 30,
            params={"aspect_ratio": "16:9", "steps": 20, "tags": ["ü"], "system_prompt": "be brief " * 90},
            seed=7,
            priority=-2,
            actor="key:key_1",
            project_id="prj_1",
            queue_position=3,
            estimated_start_seconds=12,
        )
        serve(configured_server, waiting)
        lines = call("runs", "show", "run_1").stdout.splitlines()
        assert lines[1:13] == [
            "status    pending, 0 %",
            "queue     3 before it, starts in about 12 s",
            "model     t2i-sketch",
            "prompt    A ceramic mug on a table, very very very very very very very very ver…",
            'params    aspect_ratio=16:9 steps=20 tags=["ü"] system_prompt=be brief be brief',
            "          be brief be brief be brief be brief be brief be brief be brief be",
            "          brief be brief be brief be brief be brief be brief be brief be brief",
            "          be brief be brief be brief be brief be brief be brief be brief [...]",
            "seed      7",
            "priority  -2",
            "actor     key:key_1",
            "project   prj_1",
        ]
        assert max(map(len, lines)) <= 80
        assert json.loads(call("runs", "show", "run_1", "--json").stdout) == waiting

    def test_the_steps_of_a_batch(self, configured_server: ScriptedServer) -> None:
        shown = batch(
            step(0, status="completed", progress=100),
            step(1, status="failed", progress=100, error_code="LLM_REFUSAL", error_message="No.\nNo " * 20),
            step(2, progress=40),
            step(3, status="pending", progress=0, after=["starts[0]", "starts[2]"]),
            step(4, status="skipped", progress=100, error_message="A run before it failed."),
            max_parallel=2,
        )
        serve(configured_server, shown)
        lines = call("runs", "show", "run_9").stdout.splitlines()
        assert lines[2:4] == [
            "runs      1 completed, 1 failed, 1 skipped, 1 running, 1 pending",
            "parallel  at most 2",
        ]
        assert lines[-5:] == [
            "✓ starts[0]  t2t-sketch  $0.25",
            "✗ starts[1]  t2t-sketch  LLM_REFUSAL: No. No No. No No. No No. No No. No No. No…",
            "▶ starts[2]  t2t-sketch  ████████░░░░░░░░░░░░ 40 %",
            "· starts[3]  t2t-sketch  after starts[0], starts[2]",
            "- starts[4]  t2t-sketch  A run before it failed.",
        ]
        assert json.loads(call("runs", "show", "run_9", "--json").stdout) == shown

    def test_neighbours_that_are_alike_share_a_line(
        self, configured_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("LC_ALL", "C")
        steps = [step(number, status="completed", progress=100) for number in range(120)]
        steps[7] = step(7, status="failed", progress=100, error_code="LLM_REFUSAL")
        steps += [step(number, progress=10 * (number - 120)) for number in range(120, 126)]
        steps += [step(number, status="pending", progress=0) for number in range(126, 200)]
        serve(configured_server, batch(*steps))
        lines = call("runs", "show", "run_9").stdout.splitlines()
        assert lines[-5:] == [
            "+ starts[0-6]      t2t-sketch  7 completed, $1.75",
            "x starts[7]        t2t-sketch  LLM_REFUSAL",
            "+ starts[8-119]    t2t-sketch  112 completed, $28.00",
            "> starts[120-125]  t2t-sketch  6 running, #####............... 25 %",
            ". starts[126-199]  t2t-sketch  74 pending",
        ]
        assert all(line.isascii() for line in lines)

    @pytest.mark.parametrize("columns", ["1", "10", "12"])
    def test_a_very_narrow_terminal(
        self, configured_server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, columns: str
    ) -> None:
        monkeypatch.setenv("COLUMNS", columns)
        serve(configured_server, run(prompt="A ceramic mug", params={"style": "very " * 30}))
        assert "style=very very very" in call("runs", "show", "run_1").stdout
        failed = step(0, status="failed", error_code="LLM_REFUSAL")
        serve(configured_server, batch(failed, step(1)))
        assert "✗ starts[0" in call("runs", "show", "run_9").stdout


class TestRerun:
    @pytest.fixture(autouse=True)
    def _routes(self, configured_server: ScriptedServer) -> None:
        configured_server.routes = {
            "POST /runs/run_5/rerun": Response(201, STARTED),
            "GET /runs/run_1": Response(200, {**outputs(), "prompt": "A tin mug"}),
            "GET /models": Response(200, {"models": [MODEL]}),
        }
        serve(configured_server, run(run_id="run_5", model={"model_id": "t2i-sketch"}))

    def test_without_options_nothing_changes(self, configured_server: ScriptedServer) -> None:
        assert call("runs", "rerun", "run_5", "--no-wait").stdout == "run_1\n"
        assert posted_body(configured_server) == {}

    def test_options_are_changes(self, configured_server: ScriptedServer) -> None:
        options = ["--prompt", "A tin mug", "--priority", "3", "--seed", "new"]
        pairs = ["-p", "aspect_ratio=1", "-p", "image_urls=null", "-p", "other=1", "-p", "name=a=null"]
        assert call("runs", "rerun", "run_5", *options, *pairs).exit_code == 0
        assert posted_body(configured_server) == {
            "prompt": "A tin mug",
            # In the types of the model that the run had.
            "params": {
                "aspect_ratio": "1",
                "image_urls": None,
                "other": 1,
                "name": "a=null",
                "seed": None,
            },
            "priority": 3,
        }

    def test_files_are_named_after_the_prompt(self, configured_server: ScriptedServer) -> None:
        url = f"{configured_server.origin}/media/a.png"
        configured_server.routes["GET /media/a.png"] = Response(200, b"png", {"content-type": "image/png"})
        configured_server.routes["GET /runs/run_1"] = Response(200, {**outputs(url), "prompt": "A tin mug"})
        assert call("runs", "rerun", "run_5", "--seed", "8").stdout == "a-tin-mug-run_1.png\n"
        assert posted_body(configured_server) == {"params": {"seed": 8}}

    @pytest.mark.parametrize("seed", ["other", "9" * 5000])
    def test_a_seed_that_is_none_is_refused(self, configured_server: ScriptedServer, seed: str) -> None:
        result = call("runs", "rerun", "run_5", "--seed", seed)
        assert (result.exit_code, result.stderr) == (
            2,
            f"Error: --seed {seed}: give a whole number, or `new`\n",
        )
        assert configured_server.requests == []

    def test_a_value_that_no_request_can_contain_is_refused(self, configured_server: ScriptedServer) -> None:
        result = call("runs", "rerun", "run_5", "-p", "seconds=NaN")
        assert (result.exit_code, result.stderr) == (
            2,
            "Error: --param seconds: NaN is not a number that JSON has.\n",
        )

    def test_a_batch_is_started_again(self, configured_server: ScriptedServer) -> None:
        configured_server.routes["POST /runs/run_5/rerun"] = Response(201, BATCH_STARTED)
        failed = step(0, status="failed", progress=100, error_code="LLM_REFUSAL")
        serve(configured_server, {**batch(failed), "run_id": "run_5"})
        serve(configured_server, batch(failed, status="failed", progress=100, completed_at=9))
        result = call("runs", "rerun", "run_5")
        assert result.exit_code == 5
        assert "starts[0] (run_0): LLM_REFUSAL" in result.stderr

    @pytest.mark.parametrize("command", ["rerun", "wait"])
    def test_a_batch_cannot_be_saved_in_a_file(self, configured_server: ScriptedServer, command: str) -> None:
        Path("mug.png").write_text("mine")
        serve(configured_server, batch(step(0)))
        result = call("runs", command, "run_9", "--out", "mug.png", "--force")
        assert (result.exit_code, result.stderr) == (
            2,
            "Error: mug.png is a file; choose a folder with --out\n",
        )
        assert [request.method for request in configured_server.requests] == ["GET"]


class TestWatch:
    def watch(self, server: ScriptedServer, shown: dict[str, Any], *blocks: bytes, **options: Any) -> Any:
        serve(server, shown)
        server.routes[f"GET /runs/{shown['run_id']}/events"] = streamed(position("open", None), *blocks)
        return call("runs", "watch", shown["run_id"], **options)

    def test_each_event_is_a_line(self, configured_server: ScriptedServer) -> None:
        blocks = [event(4, "run.created"), event(5), progress(40), END]
        result = self.watch(configured_server, outputs(), *blocks)
        assert result.exit_code == 0, result.stderr
        assert [line[21:] for line in result.stdout.splitlines()] == [
            "created",
            "started",
            "40 %",
            "completed",
        ]
        assert result.stderr == "run_1: $0.004, 2.5 s\n"

    def test_a_failure_says_why(self, configured_server: ScriptedServer) -> None:
        failed = run(status="failed", progress=100, error_code="LLM_REFUSAL", error_message="No.")
        end = event(5, "run.failed", status="failed", error_code="LLM_REFUSAL", error_message="No.")
        result = self.watch(configured_server, failed, event(4), end)
        assert result.exit_code == 5
        assert result.stdout.splitlines()[1].endswith("  failed: LLM_REFUSAL: No.")
        assert "Error: No. (LLM_REFUSAL, run_1)" in result.stderr

    def test_the_runs_of_a_batch_have_their_names(self, configured_server: ScriptedServer) -> None:
        done = [step(number, status="completed", progress=100) for number in range(2)]
        shown = batch(*done, status="completed", progress=100, completed_at=9)
        blocks = [event(4, run_id="run_0"), event(5, "run.completed", "run_1")]
        blocks += [event(6, "run.completed", "run_9", status="completed")]
        result = self.watch(configured_server, shown, *blocks)
        assert result.exit_code == 0, result.stderr
        assert [line[21:] for line in result.stdout.splitlines()] == [
            "starts[0] started",
            "starts[1] completed",
            "completed",
        ]

    def test_with_json_each_event_is_a_line_of_json(self, configured_server: ScriptedServer) -> None:
        serve(configured_server, outputs())
        configured_server.routes["GET /runs/run_1/events"] = streamed(progress(40), END)
        lines = call("runs", "watch", "run_1", "--json").stdout.splitlines()
        assert [json.loads(line)["type"] for line in lines] == ["run.progress", "run.completed"]

    def test_with_json_errors_are_no_more_than_a_line(self, configured_server: ScriptedServer) -> None:
        failed = run(status="failed", progress=100, error_code="LLM_REFUSAL", error_message="No.")
        serve(configured_server, failed)
        end = event(5, "run.failed", status="failed", error_code="LLM_REFUSAL", error_message="No.")
        configured_server.routes["GET /runs/run_1/events"] = streamed(end)
        result = call("runs", "watch", "run_1", "--json")
        assert (result.exit_code, result.stderr) == (5, "Error: No. (LLM_REFUSAL, run_1)\n")
        assert [json.loads(line)["type"] for line in result.stdout.splitlines()] == ["run.failed"]
        result = call("runs", "watch", "run_2", "--json")
        assert result.exit_code == 2
        assert [[*json.loads(line)] for line in result.stdout.splitlines()] == [["error"]]


def test_the_end_of_a_cancelled_batch_is_counted(configured_server: ScriptedServer) -> None:
    shown = batch(step(0, status="completed"), step(1, status="failed"), status="completed", completed_at=9)
    configured_server.routes["POST /runs/run_9/cancel"] = Response(200, shown)
    assert call("runs", "cancel", "run_9").stderr == "The batch has ended: 1 completed, 1 failed.\n"
