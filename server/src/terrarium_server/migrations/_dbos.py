"""Reads the records of DBOS, which executed runs until schema 0002, without DBOS.

Each run on an engine that is not repeatable was a workflow under the run's id, with one step `submit` for
every call: a pickled dictionary with the ticket, or with the engine's refusal.
"""

import base64
import io
import pickle
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

import sqlalchemy as sa
from alembic import op

_SCHEMA = "dbos"
# On SQLite its tables are in the same schema as ours.
_TABLES = (
    "application_versions dbos_migrations notifications operation_outputs queues streams workflow_events "
    "workflow_events_history workflow_input workflow_output workflow_schedules workflow_status"
).split()
_FORMATS = (None, "py_pickle")
_UNREADABLE = (
    pickle.UnpicklingError,
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    MemoryError,
    OverflowError,
    TypeError,
    ValueError,
)
# How often a job was submitted to a busy provider.
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Failure:
    """The error that a run fails with."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """A step that returned a ticket."""

    ticket: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A step whose job the engine refused; a refusal by a busy provider was tried again."""

    failure: Failure
    is_busy: bool


@dataclass(frozen=True, slots=True)
class Submission:
    """The ticket that a run waits for; ``fallback`` is the record of a run that moved to its second model."""

    model: str
    engine: str
    ticket: str
    fallback: dict[str, str] | None


# None is a step that cannot be read.
Step = Ticket | Refusal | None

SUBMISSION_UNCERTAIN = Failure(
    "SERVER_ERROR",
    "The server was upgraded while this run was being handed to its provider, which may have charged for it; "
    "start it once more.",
)
MODEL_GONE = Failure(
    "SERVER_ERROR",
    "When the server was upgraded this run was with a model that is not known here any more, and whose "
    "provider may have charged for it; start it once more, with one of GET /models.",
)


class Records:
    """DBOS's tables in this database, if it has any: only workers created them."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._schema = _SCHEMA if connection.dialect.name == "postgresql" else None
        inspector = sa.inspect(connection)
        self._exists = inspector.has_table("dbos_migrations", schema=self._schema)
        tables = ("workflow_status", "operation_outputs")
        self._is_complete = self._exists and all(
            inspector.has_table(name, schema=self._schema) for name in tables
        )

    def steps(self, run_id: str) -> list[Step] | None:
        """Return the recorded steps of a run, in their order; None if no workflow was started for it."""
        if not self._is_complete:
            return None
        workflow = self._table("workflow_status", "workflow_uuid")
        started = sa.select(workflow).where(workflow.c.workflow_uuid == run_id)
        if self._connection.execute(started).first() is None:
            return None
        names = ("workflow_uuid", "function_id", "function_name", "output", "serialization")
        steps = self._table("operation_outputs", *names)
        submits = (steps.c.workflow_uuid == run_id, steps.c.function_name == "submit")
        rows = sa.select(steps.c.output, steps.c.serialization).where(*submits).order_by(steps.c.function_id)
        return [read_step(output, format) for output, format in map(tuple, self._connection.execute(rows))]

    def drop(self) -> None:
        """Drop DBOS's tables."""
        if not self._exists:
            return
        if self._schema is not None:
            op.execute(f"DROP SCHEMA {self._schema} CASCADE")
            return
        for name in _TABLES:
            op.drop_table(name, if_exists=True)

    def _table(self, name: str, *columns: str) -> sa.TableClause:
        return sa.table(name, *map(sa.column, columns), schema=self._schema)


def read_step(output: str | None, format: str | None) -> Step:
    """Read a recorded step, serialized in this format."""
    if output is None or format not in _FORMATS:
        return None
    try:
        value = _Unpickler(io.BytesIO(base64.b64decode(output))).load()
    except _UNREADABLE:
        return None
    match value:
        case {"ticket": str(ticket), **rest} if not rest:
            return Ticket(ticket)
        case {"code": str(code), "message": str(message), "retry_after": delay, **rest} if not rest:
            is_valid = delay is None or isinstance(delay, int | float)
            return Refusal(Failure(code, message), is_busy=delay is not None) if is_valid else None
        case _:
            return None


def follow(
    model: str,
    steps: Sequence[Step],
    engines: Mapping[str, str],
    fallback: Mapping[str, str],
    repeatable: Collection[str],
) -> Submission | Failure:
    """Return the ticket that a run of this model waits for, or the error it fails with, from its steps."""
    if not steps or None in steps:
        return SUBMISSION_UNCERTAIN
    # Calls to repeatable engines were not recorded as steps.
    models = [
        candidate
        for candidate in (model, fallback.get(model))
        if candidate is not None and engines.get(candidate) not in repeatable
    ]
    parts = _parts(steps)
    first, last = parts[0][-1], parts[-1][-1]
    if isinstance(last, Refusal):
        if not _is_done(parts[-1]):
            return SUBMISSION_UNCERTAIN
        # Callers always got the first model's error.
        return first.failure if isinstance(first, Refusal) else last.failure
    current = models[len(parts) - 1] if len(parts) <= len(models) else ""
    engine = engines.get(current)
    if engine is None or not isinstance(last, Ticket):
        return MODEL_GONE
    if current == model:
        return Submission(current, engine, last.ticket, None)
    unknown = Failure("GENERATION_GENERIC_ERROR", f"{model} failed, and so did {current}; try once more.")
    failure = first.failure if isinstance(first, Refusal) else unknown
    record = {"model": current, "error_code": failure.code, "error_message": failure.message}
    return Submission(current, engine, last.ticket, record)


def _parts(steps: Sequence[Step]) -> list[list[Step]]:
    """Split the steps by model: a part ends where its model was done, and the next one was tried."""
    parts: list[list[Step]] = [[]]
    for step in steps:
        if _is_done(parts[-1]):
            parts.append([])
        parts[-1].append(step)
    return parts


def _is_done(part: Sequence[Step]) -> bool:
    """Whether these steps end with a ticket, a final refusal or the last try."""
    if not part:
        return False
    last = part[-1]
    return not isinstance(last, Refusal) or not last.is_busy or len(part) == _TRIES


class _Unpickler(pickle.Unpickler):
    """Reads texts, numbers and their containers; refuses classes and functions."""

    def find_class(self, module_name: str, global_name: str, /) -> NoReturn:
        raise pickle.UnpicklingError(f"{module_name}.{global_name} does not belong here")
