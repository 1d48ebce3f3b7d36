"""Batches, and runs that are started again."""

from typing import Any

import pytest

from terrarium import BadRequestError, ConflictError

from .scripted import LOST, START, STARTED, Clients, Response, ScriptedServer, refusal, run

TARGET = {"project_id": "prj_1", "workspace_id": "ws_1"}
STARTS = [{"type": "text", "prompt": "a"}, {"type": "image", "prompt": "b", "params": {"seed": 7}}]
TAKEN = refusal(
    409,
    "idempotency_duplicate",
    "Duplicate.",
    location="http://elsewhere.example/api/v1/runs/run_9",
    x_should_retry="false",
)


def step(number: int, **changes: Any) -> dict[str, Any]:
    return {
        "step": f"starts[{number}]",
        "run_id": f"run_{number}",
        "status": "running",
        "progress": 40,
        "type": "text",
        "model": {"model_id": "t2t-sketch"},
        "charged_cost": 0.25,
        **changes,
    }


def batch(*steps: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A batch as a response shows it."""
    states = [each["status"] for each in steps]
    counts = {
        state: states.count(state) for state in ("pending", "running", "completed", "failed", "skipped")
    }
    shown = {"type": "batch", "actor": "key:key_1", "project_id": "prj_1", "charged_cost": 0.5}
    shown["poll_url"] = "http://127.0.0.1/api/v1/runs/run_9"
    return run(run_id="run_9", **shown, counts=counts, steps=list(steps), **changes)


BATCH_STARTED = {
    "run_id": "run_9",
    "type": "batch",
    "charged_cost": 0.5,
    "estimated_seconds": 4,
    "poll_url": "http://127.0.0.1/api/v1/runs/run_9",
    "project_id": "prj_1",
    "runs": [{**STARTED, "run_id": "run_0"}, {**STARTED, "run_id": "run_1"}],
}


def start_batch(client: Any, **options: Any) -> Any:
    return client.runs.start_batch(**TARGET, starts=STARTS, **options)


def test_a_batch_is_started_with_one_key(flora: Clients, server: ScriptedServer) -> None:
    server.script = [Response(503), Response(201, BATCH_STARTED)]
    started = flora(lambda c: start_batch(c, max_parallel=1, priority=-3))
    assert (started.run_id, [each.run_id for each in started.runs]) == ("run_9", ["run_0", "run_1"])
    first, second = server.requests
    assert first.path == "/api/v1/runs/batch"
    assert first.body == {**TARGET, "starts": STARTS, "max_parallel": 1, "priority": -3}
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


def test_rejected_starts_are_named(flora: Clients, server: ScriptedServer) -> None:
    fields = [("starts[1].params.seed", "Must be a whole number"), ("starts[0].type", "Must be image")]
    server.script = [refusal(400, "input_validation_error", "starts[1].params.seed: …", *fields)]
    with pytest.raises(BadRequestError) as caught:
        flora(start_batch)
    assert [field.field for field in caught.value.fields] == ["starts[1].params.seed", "starts[0].type"]


def test_a_batch_whose_answer_was_lost_is_found(flora: Clients, server: ScriptedServer) -> None:
    server.routes = {"GET /runs/run_9": Response(200, batch(step(0), step(1, charged_cost=0.1)))}
    server.script = [LOST, TAKEN]
    started = flora(start_batch)
    assert (started.run_id, started.type, started.project_id) == ("run_9", "batch", "prj_1")
    assert (started.charged_cost, started.estimated_seconds) == (0.5, None)
    assert [(each.run_id, each.charged_cost) for each in started.runs] == [("run_0", 0.25), ("run_1", 0.1)]
    assert started.runs[0].poll_url == "http://127.0.0.1/api/v1/runs/run_0"


def test_waiting_for_a_batch_reports_its_steps(flora: Clients, server: ScriptedServer) -> None:
    done = step(0, status="completed", progress=100)
    failed = step(1, status="failed", progress=100, error_code="LLM_REFUSAL", error_message="No.")
    server.script = [
        Response(200, batch(step(0), step(1))),
        Response(200, batch(done, step(1))),
        Response(200, batch(done, failed, status="completed", progress=100, completed_at=9)),
    ]
    reported: list[Any] = []
    ended = flora(lambda c: c.runs.wait("run_9", on_progress=reported.append))
    assert [each.counts.running for each in reported] == [2, 1, 0]
    assert (ended.status, ended.counts.completed, ended.counts.failed) == ("completed", 1, 1)
    assert (ended.steps[1].error_code, ended.steps[1].step) == ("LLM_REFUSAL", "starts[1]")


def test_a_run_shows_what_was_asked_for_and_its_place(flora: Clients, server: ScriptedServer) -> None:
    asked = {"type": "generation", "prompt": "a mug", "model": {"model_id": "t2i-sketch"}}
    asked |= {"params": {"seed": 7}, "seed": 7, "actor": "key:key_1", "priority": 2}
    place = {"queue_position": 3, "estimated_start_seconds": 12}
    server.script = [Response(200, run(status="pending", progress=0, **asked, **place))]
    shown = flora(lambda c: c.runs.retrieve("run_1"))
    assert (shown.prompt, shown.model.model_id, shown.params) == ("a mug", "t2i-sketch", {"seed": 7})
    assert (shown.seed, shown.actor, shown.priority) == (7, "key:key_1", 2)
    assert (shown.queue_position, shown.estimated_start_seconds, shown.steps) == (3, 12, None)


def test_a_priority_is_sent_with_a_start(flora: Clients, server: ScriptedServer) -> None:
    server.script = [Response(201, STARTED), Response(201, STARTED)]
    flora(lambda c: c.runs.start_generation(**START, priority=5))
    flora(lambda c: c.generations.create(**START, priority=-5))
    assert [request.body["priority"] for request in server.requests] == [5, -5]


class TestRerun:
    def test_only_changes_are_sent(self, flora: Clients, server: ScriptedServer) -> None:
        server.script = [Response(201, STARTED), Response(201, STARTED)]
        assert flora(lambda c: c.runs.rerun("run_5")).run_id == "run_1"
        flora(lambda c: c.runs.rerun("run_5", prompt="b", params={"seed": None}, priority=0))
        assert [request.path for request in server.requests] == ["/api/v1/runs/run_5/rerun"] * 2
        assert [request.body for request in server.requests] == [
            {},
            {"prompt": "b", "params": {"seed": None}, "priority": 0},
        ]
        assert all(request.headers["idempotency-key"] for request in server.requests)

    def test_the_answer_is_that_of_a_run_or_of_a_batch(self, flora: Clients, server: ScriptedServer) -> None:
        server.script = [Response(201, {**STARTED, "type": "of tomorrow"}), Response(201, BATCH_STARTED)]
        single = flora(lambda c: c.runs.rerun("run_5"))
        assert (type(single).__name__, single.type) == ("RunStarted", "of tomorrow")
        many = flora(lambda c: c.runs.rerun("run_5"))
        assert (type(many).__name__, len(many.runs)) == ("BatchStarted", 2)

    @pytest.mark.parametrize(
        ("shown", "kind"),
        [
            (run(run_id="run_9", model={"model_id": "t2i-sketch"}), "RunStarted"),
            (batch(step(0)), "BatchStarted"),
        ],
    )
    def test_a_lost_answer_is_found(
        self, flora: Clients, server: ScriptedServer, shown: dict[str, Any], kind: str
    ) -> None:
        server.routes = {"GET /runs/run_9": Response(200, shown)}
        server.script = [LOST, TAKEN]
        started = flora(lambda c: c.runs.rerun("run_5"))
        assert (type(started).__name__, started.run_id) == (kind, "run_9")

    def test_a_key_that_another_call_used_is_refused(self, flora: Clients, server: ScriptedServer) -> None:
        server.script = [TAKEN]
        with pytest.raises(ConflictError):
            flora(lambda c: c.runs.rerun("run_5", idempotency_key="again"))
