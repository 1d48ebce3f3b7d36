"""What DBOS recorded until version 0002, read without DBOS.

Each run on an engine that is not repeatable was a workflow under the run's id, with one step `submit` for
every call: a pickled dictionary with the ticket, or with what the engine refused the job for.
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
# On SQLite its tables lie among ours.
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
# How often a provider that was busy was asked.
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Failure:
    """What a run fails with."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """A step that came back with a ticket."""

    ticket: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A step whose job the engine did not take; one that was only busy was asked again."""

    failure: Failure
    is_busy: bool


@dataclass(frozen=True, slots=True)
class Submission:
    """The ticket that a run waits for, and what to note of a run that its second model makes."""

    model: str
    engine: str
    ticket: str
    fallback: dict[str, str] | None


# None is a step that cannot be read.
Step = Ticket | Refusal | None

HANDED_OVER = Failure(
    "SERVER_ERROR",
    "The server was upgraded while this run was being handed to its provider, which may have charged for it; "
    "start it once more.",
)
MAKER_GONE = Failure(
    "SERVER_ERROR",
    "When the server was upgraded this run was with a model that is not known here any more, and whose "
    "provider may have charged for it; start it once more, with one of GET /models.",
)


class Records:
    """DBOS's tables in this database, if it has any: without a worker they were never made."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._schema = _SCHEMA if connection.dialect.name == "postgresql" else None
        inspector = sa.inspect(connection)
        self._made = inspector.has_table("dbos_migrations", schema=self._schema)
        tables = ("workflow_status", "operation_outputs")
        self._filled = self._made and all(inspector.has_table(name, schema=self._schema) for name in tables)

    def steps(self, run_id: str) -> list[Step] | None:
        """Return the recorded steps of a run, in their order; None if no workflow was begun for it."""
        if not self._filled:
            return None
        workflow = self._table("workflow_status", "workflow_uuid")
        begun = sa.select(workflow).where(workflow.c.workflow_uuid == run_id)
        if self._connection.execute(begun).first() is None:
            return None
        names = ("workflow_uuid", "function_id", "function_name", "output", "serialization")
        steps = self._table("operation_outputs", *names)
        submits = (steps.c.workflow_uuid == run_id, steps.c.function_name == "submit")
        rows = sa.select(steps.c.output, steps.c.serialization).where(*submits).order_by(steps.c.function_id)
        return [read_step(output, written) for output, written in map(tuple, self._connection.execute(rows))]

    def drop(self) -> None:
        """Remove what DBOS made."""
        if not self._made:
            return
        if self._schema is not None:
            op.execute(f"DROP SCHEMA {self._schema} CASCADE")
            return
        for name in _TABLES:
            op.drop_table(name, if_exists=True)

    def _table(self, name: str, *columns: str) -> sa.TableClause:
        return sa.table(name, *map(sa.column, columns), schema=self._schema)


def read_step(output: str | None, written: str | None) -> Step:
    """Read a recorded step; ``written`` names how."""
    if output is None or written not in _FORMATS:
        return None
    try:
        value = _Unpickler(io.BytesIO(base64.b64decode(output))).load()
    except _UNREADABLE:
        return None
    match value:
        case {"ticket": str(ticket), **rest} if not rest:
            return Ticket(ticket)
        case {"code": str(code), "message": str(message), "retry_after": delay, **rest} if not rest:
            known = delay is None or isinstance(delay, int | float)
            return Refusal(Failure(code, message), is_busy=delay is not None) if known else None
        case _:
            return None


def follow(
    model: str,
    steps: Sequence[Step],
    engines: Mapping[str, str],
    fallback: Mapping[str, str],
    repeatable: Collection[str],
) -> Submission | Failure:
    """Go through the steps of a run of this model to the ticket it waits for, or to what it fails with."""
    if not steps or None in steps:
        return HANDED_OVER
    # A call to a repeatable engine was no step.
    models = [
        maker
        for maker in (model, fallback.get(model))
        if maker is not None and engines.get(maker) not in repeatable
    ]
    parts = _parts(steps)
    first, last = parts[0][-1], parts[-1][-1]
    if isinstance(last, Refusal):
        if not _is_done(parts[-1]):
            return HANDED_OVER
        # What the second model failed with was never told.
        return first.failure if isinstance(first, Refusal) else last.failure
    maker = models[len(parts) - 1] if len(parts) <= len(models) else ""
    engine = engines.get(maker)
    if engine is None or not isinstance(last, Ticket):
        return MAKER_GONE
    if maker == model:
        return Submission(maker, engine, last.ticket, None)
    unknown = Failure("GENERATION_GENERIC_ERROR", f"{model} failed, and so did {maker}; try once more.")
    failure = first.failure if isinstance(first, Refusal) else unknown
    note = {"model": maker, "error_code": failure.code, "error_message": failure.message}
    return Submission(maker, engine, last.ticket, note)


def _parts(steps: Sequence[Step]) -> list[list[Step]]:
    """Part the steps where one model was done with, so that the other one was asked next."""
    parts: list[list[Step]] = [[]]
    for step in steps:
        if _is_done(parts[-1]):
            parts.append([])
        parts[-1].append(step)
    return parts


def _is_done(part: Sequence[Step]) -> bool:
    """Whether these steps brought a ticket, a refusal that is final, or as many tries as there were."""
    if not part:
        return False
    last = part[-1]
    return not isinstance(last, Refusal) or not last.is_busy or len(part) == _TRIES


class _Unpickler(pickle.Unpickler):
    """Reads texts, numbers and what holds them; a name of a class or a function is refused."""

    def find_class(self, module_name: str, global_name: str, /) -> NoReturn:
        raise pickle.UnpicklingError(f"{module_name}.{global_name} does not belong here")
