from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NewType, Protocol

Ticket = NewType("Ticket", str)
Mark = NewType("Mark", str)

# Who can follow a ticket: the worker that submitted it, any worker on the same machine, or any worker that
# has an engine of the same name.
Followers = Literal["worker", "machine", "anyone"]


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
    """What to make. ``key`` is unique for each submission, for providers that suppress duplicates.

    ``params`` are checked against the card; of its media parameters they hold what the caller wrote, while
    ``inputs`` holds the files, by parameter name. ``seed`` was fixed when the run was admitted, so that
    doing it again gives the same. ``options`` is what the card says under ``[options]`` for its engine (a
    ``file`` is a whole path there), and ``weights`` the files it names under ``[weights]``.
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
    """One result: bytes, a file, or str for text.

    ``width`` and ``height`` in pixels and ``duration_seconds`` where they apply and are known. A file is
    given away: whoever receives the output moves or deletes it.
    """

    content_type: str
    data: bytes | str | Path
    width: int | None = None
    height: int | None = None
    duration_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """Not done yet; ``fraction`` goes from 0 to 1, ``preview`` is what can be shown so far."""

    fraction: float
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


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody can tell whether a submission arrived."""


News = Progress | Finished | Failed | Lost


class Refused(Exception):
    """Raised by `Engine.prepare` and `Engine.submit` when a job is not taken.

    Nothing was started and nothing is owed.
    """

    def __init__(self, code: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.failure = Failed(code, message, retry_after)


class Engine(Protocol):
    """One backend. It sees jobs and tickets, never the database, the ledger or the canvas.

    All coroutines run on one loop and hold it for less than 50 ms; what takes longer goes to a thread or a
    process. A submission goes

        prepare → (the mark is written down) → submit → (the ticket is written down) → follow

    and may be taken up after a crash at either note: by ``find`` where only the mark is known, by
    ``follow`` where the ticket is.

    ``repeatable`` says that submitting a job again costs nothing and makes the same: then nothing is
    written down, and what was lost is submitted again. ``longest_silence`` is how many seconds `follow` may
    say nothing before the job is taken for hung; also how long a call may take whose ticket only this worker
    can follow.
    """

    name: str
    repeatable: bool
    longest_silence: float

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Say why a model with these card options cannot work here now and what to do about it, or None.

        Asked from any thread, when the server starts and when the catalogue is shown; it must be quick and
        load nothing.
        """
        ...

    def followers(self, mark: Mark) -> Followers:
        """Say who can follow the ticket of the submission that this mark is for."""
        ...

    async def prepare(self, job: Job) -> Mark:
        """Return what `find` needs to look for the submission to come. Raises Refused; owes nothing."""
        ...

    async def submit(self, job: Job, mark: Mark) -> Ticket:
        """Start a job. Raises Refused."""
        ...

    async def find(self, mark: Mark) -> Ticket | Unknown | None:
        """Look for a submission whose ticket was never heard of.

        None only if it certainly did not arrive; it is submitted again then.
        """
        ...

    def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        """Tell how a job goes: any number of `Progress`, then its one end.

        Closing the generator ends the following, not the job. A ticket alone is enough, also in a process
        that was started anew.
        """
        ...

    async def cancel(self, ticket: Ticket) -> None:
        """Stop a job if it can be stopped; its result will not be asked for. Harmless when it is over."""
        ...

    async def close(self) -> None:
        """Let go of processes and connections. Harmless when done before."""
        ...
