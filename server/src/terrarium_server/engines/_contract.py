from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NewType, Protocol

Ticket = NewType("Ticket", str)


@dataclass(frozen=True, slots=True)
class Input:
    """One medium that a job starts from: a file of this machine, kept until the job is over.

    ``url`` is where the caller's server can be asked for it too, if it is public; a provider may fetch it
    there instead of being sent the bytes.
    """

    path: Path
    content_type: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """What to make. ``key`` is unique for the run, for providers that suppress duplicates.

    ``params`` are checked against the card; of its media parameters they hold what the caller wrote, while
    ``inputs`` holds the files, by parameter name. ``seed`` is the caller's, or one derived from ``key``, so
    that doing it again gives the same. ``options`` is what the card says under ``[options]`` for its
    engine (a ``file`` is a whole path there), and ``weights`` the files it names under ``[weights]``.
    """

    key: str
    model_id: str
    type: str
    prompt: str
    params: Mapping[str, Any]
    seed: int
    inputs: Mapping[str, tuple[Input, ...]] = field(default_factory=dict[str, tuple[Input, ...]])
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    weights: Mapping[str, Path] = field(default_factory=dict[str, Path])


@dataclass(frozen=True, slots=True)
class Output:
    """One result: bytes, or str for text. ``width`` and ``height`` in pixels where they apply."""

    content_type: str
    data: bytes | str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not done yet; ``progress`` is a fraction from 0 to 1, ``preview`` what can be shown so far."""

    progress: float
    preview: Output | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """Done, with at least one output."""

    outputs: tuple[Output, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """Not made. ``code`` is one of `CODES`, ``message`` says what a person can do.

    ``retry_after`` is the provider's delay in seconds, if it named one.
    """

    code: str
    message: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """Nobody knows this ticket any more."""


Look = Waiting | Finished | Failed | Lost


class Refused(Exception):
    """Raised by `Engine.submit` when a job is not taken; nothing was started and nothing is owed."""

    def __init__(self, code: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.failure = Failed(code, message, retry_after)


class Engine(Protocol):
    """One backend. It sees jobs and tickets, never the database, the ledger or the canvas.

    ``repeatable`` says that submitting a job a second time costs nothing and makes the same: then a
    crash needs no memory of the ticket, and the run skips that durable step.
    """

    name: str
    repeatable: bool

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Say why a model with these card options cannot work here now and what to do about it, or None.

        Asked when the server starts and when the catalogue is shown; it must be quick and load nothing.
        """
        ...

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
