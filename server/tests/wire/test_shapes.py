"""The wire shapes: closed, and without absent fields where FLORA never sends null."""

from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError

from terrarium_server import wire

SHAPES = [getattr(wire, name) for name in wire.__all__ if isinstance(getattr(wire, name), type)]
RUN = {"run_id": "run_1", "status": "pending", "progress": 0, "created_at": 1}


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.__name__)
def test_every_shape_is_closed(shape: type[BaseModel]) -> None:
    assert shape.model_config.get("extra") == "forbid"


def test_the_error_codes_are_floras_closed_list() -> None:
    assert set(get_args(wire.ErrorCode)) == {
        "unauthorized",
        "invalid_api_key",
        "forbidden",
        "invalid_json",
        "input_validation_error",
        "not_found",
        "insufficient_credits",
        "idempotency_duplicate",
        "rate_limited",
        "service_unavailable",
        "unknown_error",
    }


def test_the_body_of_a_start_has_floras_fields_and_the_priority() -> None:
    required = {name for name, field in wire.StartGeneration.model_fields.items() if field.is_required()}
    assert required == {"project_id", "prompt", "type", "workspace_id"}
    assert set(wire.StartGeneration.model_fields) - required == {"model", "params", "priority"}


def test_the_answer_to_a_start_has_every_field_of_floras() -> None:
    started = wire.RunStarted(run_id="run_1", type="generation", charged_cost=0, estimated_seconds=None)
    assert started.model_dump() == {
        "run_id": "run_1",
        "type": "generation",
        "charged_cost": 0,
        "estimated_seconds": None,
        "action": None,
        "model": None,
        "technique": None,
        "poll_url": None,
        "project_id": None,
    }


def test_a_run_omits_absent_fields() -> None:
    assert wire.Run.model_validate(RUN).model_dump() == RUN
    whole = {**RUN, "outputs": [{"output_id": "out_1", "type": "text", "url": "words"}], "charged_cost": 0.1}
    assert wire.Run.model_validate(whole).model_dump() == whole


@pytest.mark.parametrize(
    "change",
    [
        {"progress": 101},
        {"progress": -1},
        {"status": "lost"},
        {"charged_cost": -0.1},
        {"outputs": [{"url": ""}]},
    ],
)
def test_an_invalid_run_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        wire.Run.model_validate({**RUN, **change})


def test_the_37_actions_of_flora_are_listed() -> None:
    schema = wire.RunStarted.model_json_schema()["$defs"]["RunAction"]["properties"]["action_id"]
    assert len(schema["enum"]) == len(set(schema["enum"])) == 37
    assert (schema["enum"][0], schema["enum"][-1]) == ("split-text", "merge-audio-into-video")


@pytest.mark.parametrize(
    ("field", "value", "valid"),
    [
        ("workspace_id", "ws_1", True),
        ("workspace_id", "ws_", False),
        ("workspace_id", "ws_1 2", False),
        ("workspace_id", "WS_1", False),
        ("project_id", "prj_ä", True),
        ("project_id", "prj_\t", False),
        ("project_id", "proj_1", False),
        ("prompt", " ", True),
        ("prompt", "", False),
        ("prompt", "\0", False),
        ("params", None, True),
        ("params", {"any": [{"thing": None}]}, True),
        ("params", "text", False),
    ],
)
def test_a_start_checks_its_fields(field: str, value: object, *, valid: bool) -> None:
    body = {"workspace_id": "ws_1", "project_id": "prj_1", "type": "image", "prompt": "a fox", field: value}
    if valid:
        assert wire.StartGeneration.model_validate(body).model_dump()[field] == value
    else:
        with pytest.raises(ValidationError):
            wire.StartGeneration.model_validate(body)
