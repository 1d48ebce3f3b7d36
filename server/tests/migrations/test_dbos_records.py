"""Reading the steps that DBOS recorded, without DBOS."""

import base64
import pickle
from collections import OrderedDict
from typing import Any

import pytest

from terrarium_server.migrations._dbos import (
    MODEL_GONE,
    SUBMISSION_UNCERTAIN,
    Failure,
    Refusal,
    Step,
    Submission,
    Ticket,
    follow,
    read_step,
)

DOWN, LATE = Failure("GPU_PROVIDER_ERROR", "Out of memory."), Failure("SERVER_ERROR", "Late.")
BUSY = Refusal(Failure("GENERATION_QUEUE_TOO_LARGE", "Busy."), is_busy=True)
NO, NO_MORE = Refusal(DOWN, is_busy=False), Refusal(LATE, is_busy=False)
ENGINES = {"one": "a", "two": "b", "free": "c", "lonely": "a"}
FALLBACK = {"one": "two", "free": "two", "two-free": "free"}


def pickled(value: Any) -> str:
    return base64.b64encode(pickle.dumps(value)).decode()


@pytest.mark.parametrize(
    ("value", "step"),
    [
        ({"ticket": "t"}, Ticket("t")),
        ({"code": "C", "message": "M", "retry_after": None}, Refusal(Failure("C", "M"), is_busy=False)),
        ({"code": "C", "message": "M", "retry_after": 2}, Refusal(Failure("C", "M"), is_busy=True)),
        ({"code": "C", "message": "M", "retry_after": 0.5}, Refusal(Failure("C", "M"), is_busy=True)),
        ({"ticket": 5}, None),
        ({"ticket": "t", "more": 1}, None),
        ({"code": "C", "message": "M"}, None),
        ({"code": "C", "message": "M", "retry_after": "soon"}, None),
        (OrderedDict(ticket="t"), None),
        ({"ticket": ValueError("t")}, None),
        (["t"], None),
        ("t", None),
    ],
)
def test_a_step_is_read_only_in_its_exact_shape(value: Any, step: Step) -> None:
    assert read_step(pickled(value), "py_pickle") == step
    assert read_step(pickled(value), None) == step
    assert read_step(pickled(value), "portable_json") is None


def test_a_damaged_pickle_is_no_step() -> None:
    whole = pickle.dumps({"ticket": "t"})
    for end in range(len(whole)):
        assert read_step(base64.b64encode(whole[:end]).decode(), "py_pickle") is None
    for place in range(len(whole)):
        for byte in (0x00, 0x28, 0x63, 0x8C, 0x93, 0xFF):
            changed = base64.b64encode(whole[:place] + bytes([byte]) + whole[place + 1 :]).decode()
            assert read_step(changed, "py_pickle") is None or isinstance(
                read_step(changed, "py_pickle"), Ticket
            )
    for text in ("", "=", "not base64", "gAS", '{"ticket": "t"}'):
        assert read_step(text, "py_pickle") is None
    assert read_step(None, "py_pickle") is None


def first(ticket: str) -> Submission:
    return Submission("one", "a", ticket, None)


def second(ticket: str, failure: Failure) -> Submission:
    note = {"model": "two", "error_code": failure.code, "error_message": failure.message}
    return Submission("two", "b", ticket, note)


UNKNOWN = Failure("GENERATION_GENERIC_ERROR", "one failed, and so did two; try once more.")


@pytest.mark.parametrize(
    ("model", "steps", "outcome"),
    [
        ("one", [], SUBMISSION_UNCERTAIN),
        ("one", [Ticket("t")], first("t")),
        ("one", [BUSY, Ticket("t")], first("t")),
        ("one", [BUSY, BUSY, Ticket("t")], first("t")),
        ("one", [BUSY], SUBMISSION_UNCERTAIN),
        ("one", [BUSY, BUSY], SUBMISSION_UNCERTAIN),
        ("one", [BUSY, BUSY, BUSY], BUSY.failure),
        ("one", [NO], DOWN),
        ("one", [BUSY, NO], DOWN),
        ("one", [NO, Ticket("t")], second("t", DOWN)),
        ("one", [BUSY, BUSY, BUSY, Ticket("t")], second("t", BUSY.failure)),
        ("one", [BUSY, BUSY, BUSY, BUSY, BUSY, Ticket("t")], second("t", BUSY.failure)),
        ("one", [Ticket("t"), Ticket("u")], second("u", UNKNOWN)),
        ("one", [Ticket("t"), BUSY], SUBMISSION_UNCERTAIN),
        ("one", [Ticket("t"), NO_MORE], LATE),
        ("one", [NO, NO_MORE], DOWN),
        ("one", [NO, BUSY, BUSY, BUSY], DOWN),
        ("one", [NO, Ticket("t"), Ticket("u")], MODEL_GONE),
        ("one", [None], SUBMISSION_UNCERTAIN),
        ("one", [None, Ticket("t")], SUBMISSION_UNCERTAIN),
        ("lonely", [Ticket("t")], Submission("lonely", "a", "t", None)),
        ("lonely", [NO, Ticket("t")], MODEL_GONE),
        ("gone", [Ticket("t")], MODEL_GONE),
        ("gone", [NO], DOWN),
    ],
)
def test_the_steps_lead_to_the_current_ticket_or_error(
    model: str, steps: list[Step], outcome: Submission | Failure
) -> None:
    assert follow(model, steps, ENGINES, FALLBACK, ["c"]) == outcome


def test_a_repeatable_engine_left_no_steps() -> None:
    unknown = Failure("GENERATION_GENERIC_ERROR", "free failed, and so did two; try once more.")
    assert follow("free", [Ticket("t")], ENGINES, FALLBACK, ["c"]) == second("t", unknown)
    assert follow("two-free", [Ticket("t")], {"two-free": "b", "free": "c"}, FALLBACK, ["c"]) == Submission(
        "two-free", "b", "t", None
    )
    assert follow("free", [], ENGINES, FALLBACK, ["c"]) == SUBMISSION_UNCERTAIN
