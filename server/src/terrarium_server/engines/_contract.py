from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NewType, Protocol

Ticket = NewType("Ticket", str)


@dataclass(frozen=True, slots=True)
class Job:
    """What to make. ``key`` is unique for the run, for providers that suppress duplicates.

    ``seed`` is the caller's, or one derived from ``key``, so that doing it again gives the same.
    """

    key: str
    model_id: str
    type: str
    prompt: str
    params: Mapping[str, Any]
    seed: int


@dataclass(frozen=True, slots=True)
class Output:
    """One result: bytes, or str for text. ``width`` and ``height`` in pixels where they apply."""

    content_type: str
    data: bytes | str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not done yet; ``progress`` is a fraction from 0 to 1."""

    progress: float


@dataclass(frozen=True, slots=True)
class Finished:
    """Done, with at least one output."""

    outputs: tuple[Output, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """Not made. ``code`` is one of FLORA's run error codes, ``message`` says what a person can do."""

    code: str
    message: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """Nobody knows this ticket any more."""


Look = Waiting | Finished | Failed | Lost


class Refused(Exception):
    """Raised by `Engine.submit` when a job is not taken; nothing was started and nothing is owed."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.failure = Failed(code, message)


class Engine(Protocol):
    """One backend. It sees jobs and tickets, never the database, the ledger or the canvas.

    ``repeatable`` says that submitting a job a second time costs nothing and makes the same: then a
    crash needs no memory of the ticket, and the run skips that durable step.
    """

    name: str
    repeatable: bool

    def submit(self, job: Job) -> Ticket:
        """Start a job and return at once. Raises Refused."""
        ...

    def look(self, ticket: Ticket, *, wait_seconds: float) -> Look:
        """Say how a job stands, waiting at most ``wait_seconds`` for news."""
        ...

    def cancel(self, ticket: Ticket) -> None:
        """Stop a job if it can be stopped; its result will not be asked for."""
        ...

    def close(self) -> None:
        """Let go of processes and connections."""
        ...
