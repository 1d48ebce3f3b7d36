"""The contract of engines: jobs, outputs, news of a job, and the methods of an engine."""

from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NewType, Protocol

Ticket = NewType("Ticket", str)
Mark = NewType("Mark", str)

# Who can follow a ticket: only the worker that submitted it, any worker of the same machine, or any worker
# with an engine of the same name.
Followers = Literal["worker", "machine", "anyone"]


@dataclass(frozen=True, slots=True)
class Input:
    """One medium that a job starts from: a file of this machine, kept until the job is over.

    ``url`` is the caller's public link to the same file, if there is one: a provider may fetch it there
    instead of receiving the bytes.
    """

    path: Path
    content_type: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """What to make. ``key`` is unique for each submission, for providers that suppress duplicates.

    ``params`` are checked against the card. For a media parameter they hold the caller's value, and
    ``inputs`` holds the files, by parameter name. ``seed`` was fixed when the run was admitted, so that a
    repeated job gives the same result. ``options`` are the card's ``[options]`` for its engine, in which
    ``file`` is an absolute path, and ``weights`` the files of its ``[weights]``, by name.
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
    """One result: str for text, else bytes or a file.

    ``content_type`` is a lower-case ``type/subtype`` without parameters, whose type is the job's: text,
    image, video or audio. Neither text nor bytes nor file may be empty; text has at most 16 Mi characters, no
    NUL and no lone surrogates.

    ``width`` and ``height``, from 1 to 100,000 pixels, and ``duration_seconds``, at most a day, are set if
    they apply and are known. A file is a regular file, not a link to one, and each output has its own. It
    belongs to the receiver of the output, which moves or deletes it.
    """

    content_type: str
    data: bytes | str | Path
    width: int | None = None
    height: int | None = None
    duration_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """The job is not done yet; ``fraction`` is from 0 to 1, ``preview`` an output to show meanwhile.

    A preview is a text, or the bytes of a picture; anything else is not shown.
    """

    fraction: float
    preview: Output | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """The job is done, with 1 to 64 outputs.

    Without an output the run fails with GENERATION_NO_RESULT. If there are more, or one of them is not as
    `Output` says, it fails with GENERATION_INVALID_PROVIDER_RESPONSE, and nothing is charged.
    """

    outputs: tuple[Output, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """The job failed. ``code`` is one of `CODES`, and ``message`` says what a person can do.

    Any other code reaches the caller as GENERATION_GENERIC_ERROR.

    ``retry_after`` is the delay that the provider named, in seconds.
    """

    code: str
    message: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """The job of this ticket does not exist any more."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """It cannot be determined whether a submission arrived."""


News = Progress | Finished | Failed | Lost


class Refused(Exception):
    """Raised by `Engine.prepare` and `Engine.submit` if a job is not accepted.

    Nothing was started, and nothing has to be paid.
    """

    def __init__(self, code: str, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.failure = Failed(code, message, retry_after)


class Engine(Protocol):
    """One backend. It works with jobs and tickets, never with the database, the ledger or the canvas.

    All coroutines run on one event loop and block it for less than 50 ms; longer work belongs in a thread or
    a process. The steps of a submission are

        prepare → (the mark is recorded) → submit → (the ticket is recorded) → follow

    After a crash it is continued from what was recorded: with ``find`` from the mark, with ``follow`` from
    the ticket.

    ``repeatable`` means that submitting a job again costs nothing and gives the same result. Nothing is
    recorded then, and lost jobs are submitted again. ``longest_silence`` is the number of seconds without an
    update from `follow` after which a job counts as hung. It also limits a call whose ticket only this worker
    can follow.
    """

    name: str
    repeatable: bool
    longest_silence: float

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        """Return why a model with these card options cannot work now and what to do about it, or None.

        Called from any thread, when the server starts and when the catalogue is read: it must be quick and
        load nothing.
        """
        ...

    def followers(self, mark: Mark) -> Followers:
        """Return who can follow the ticket of this mark's submission."""
        ...

    async def prepare(self, job: Job) -> Mark:
        """Check a job and return the mark by which `find` can find its submission. Starts nothing.

        Raises Refused.
        """
        ...

    async def submit(self, job: Job, mark: Mark) -> Ticket:
        """Start a job and return its ticket, which is not empty. Raises Refused."""
        ...

    async def find(self, mark: Mark) -> Ticket | Unknown | None:
        """Find a submission whose ticket was not recorded.

        Return None only if it certainly did not arrive: then the job is submitted again.
        """
        ...

    def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        """Yield any number of `Progress`, then one of `Finished`, `Failed` and `Lost`.

        Closing the generator does not end the job. The ticket alone must suffice, also in a new process of
        the server.
        """
        ...

    async def cancel(self, ticket: Ticket) -> None:
        """Stop a job if possible; its result is no longer needed. Harmless if the job is over."""
        ...

    async def close(self) -> None:
        """End processes and connections. Harmless if called again."""
        ...


def discard(outputs: Iterable[Output]) -> None:
    """Delete the files of outputs that are not used; what is not a regular file is left alone."""
    for output in outputs:
        path = output.data
        if isinstance(path, Path) and not path.is_symlink() and path.is_file():
            path.unlink(missing_ok=True)
