"""How a command tells of trouble: one red line, what to do about it, and an exit code."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import typer

if TYPE_CHECKING:
    from .. import FieldError, FloraError

P = ParamSpec("P")
T = TypeVar("T")


class Exit(IntEnum):
    """The exit codes; ``terrarium --help`` lists them."""

    UNFORESEEN = 1
    BAD_INPUT = 2
    KEY = 3
    CREDITS = 4
    RUN_FAILED = 5
    SERVER = 6
    STILL_RUNNING = 7
    INTERRUPTED = 130


class BadInput(Exception):
    """Something that the person typed cannot be used; the message says what would be."""


def reported(command: Callable[P, T]) -> Callable[P, T]:
    """Run a command; turn what it raises into a message and an exit code.

    With ``as_json`` the trouble is JSON on standard output too.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except KeyboardInterrupt:
            fail("Interrupted.")
            code = Exit.INTERRUPTED
        except Exception as trouble:
            from .. import FloraError

            as_json = bool(kwargs.get("as_json"))
            if isinstance(trouble, BrokenPipeError):  # `| head` has seen enough
                raise
            if isinstance(trouble, FloraError):
                code = _tell_of(trouble, as_json=as_json)
            elif isinstance(trouble, BadInput | OSError):
                code = _tell(str(trouble), Exit.BAD_INPUT, as_json=as_json)
            else:
                raise
        raise typer.Exit(code)

    return run


def fail(message: str, *details: str, remedy: str | None = None) -> None:
    """One red line, details indented under it, and what to do, on standard error."""
    typer.secho(f"Error: {plain(message)}", fg="red", err=True)
    for detail in details:
        typer.echo(f"  {plain(detail)}", err=True)
    if remedy:
        typer.echo(remedy, err=True)


def note(message: str) -> None:
    """A line for the person, on standard error: standard output is for what was asked for."""
    typer.echo(plain(message), err=True)


def plain(text: str) -> str:
    """Text from elsewhere, without the control characters that could steer a terminal."""
    return "".join(c for c in text if c.isprintable() or c in "\n\t")


def emit_json(value: object) -> None:
    """A value on standard output."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=not _speaks_unicode()))


def _speaks_unicode() -> bool:
    return (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"


def _tell(
    message: str,
    code: Exit,
    *,
    as_json: bool,
    remedy: str | None = None,
    fields: Sequence[FieldError] = (),
    known: Mapping[str, object] | None = None,
) -> Exit:
    # One rejected field is what the message is about; it needs no list.
    fail(message, *(f"{row.field}: {row.message}" for row in fields if len(fields) > 1), remedy=remedy)
    if as_json:
        rows = [row._asdict() for row in fields]
        all_known = {"message": message, "fields": rows, **(known or {})}
        emit_json({"error": {name: value for name, value in all_known.items() if value}})
    return code


def _tell_of(trouble: FloraError, *, as_json: bool) -> Exit:
    from .. import APIStatusError, ConflictError, MissingAPIKeyError, RunFailedError, WaitTimeout

    code, remedy = _meaning(trouble)
    if isinstance(trouble, APIStatusError):
        known = {"code": trouble.code, "request_id": trouble.request_id}
        if isinstance(trouble, ConflictError):
            known["run_url"] = trouble.run_url
        if trouble.request_id and code == Exit.SERVER:
            remedy = f"{remedy or ''} The server's log has it under {trouble.request_id}.".strip()
        return _tell(
            trouble.message, code, as_json=as_json, remedy=remedy, fields=trouble.fields, known=known
        )
    message, known = str(trouble), dict[str, str | None]()
    if isinstance(trouble, MissingAPIKeyError):
        message = "No API key: set FLORA_API_KEY (or TERRARIUM_API_KEY)."
    elif isinstance(trouble, RunFailedError):
        known = {"code": trouble.code, "run_id": trouble.run.run_id}
    elif isinstance(trouble, WaitTimeout):
        known = {"run_id": trouble.run_id}
        remedy = f"Wait on with `terrarium runs wait {trouble.run_id}`."
    return _tell(message, code, as_json=as_json, remedy=remedy, known=known)


def _meaning(trouble: FloraError) -> tuple[Exit, str | None]:
    import terrarium as e

    meanings: list[tuple[type[FloraError], Exit, str | None]] = [
        (e.MissingAPIKeyError, Exit.KEY, "`terrarium serve` prints a key when it starts for the first time."),
        (e.AuthenticationError, Exit.KEY, "Check FLORA_API_KEY, and that FLORA_BASE_URL is its server."),
        (e.PermissionDeniedError, Exit.KEY, "This key's role does not allow it; use another key."),
        (
            e.InsufficientCreditsError,
            Exit.CREDITS,
            "`terrarium models` shows cheaper models; on your own server, `terrarium admin` grants credits.",
        ),
        (e.RunFailedError, Exit.RUN_FAILED, None),
        (e.WaitTimeout, Exit.STILL_RUNNING, None),
        (e.APITimeoutError, Exit.SERVER, "It may be busy; try again."),
        (e.APIConnectionError, Exit.SERVER, "Start one with `terrarium serve`, or set FLORA_BASE_URL."),
        (e.APIResponseValidationError, Exit.SERVER, None),
        (e.RateLimitError, Exit.SERVER, "Try again in a while."),
        (e.InternalServerError, Exit.SERVER, "The server failed; try again."),
        (
            e.NotFoundError,
            Exit.BAD_INPUT,
            "Check the id (it may belong to another workspace), and that FLORA_BASE_URL ends in /api/v1.",
        ),
        (e.APIStatusError, Exit.BAD_INPUT, None),
    ]
    for kind, code, remedy in meanings:
        if isinstance(trouble, kind):
            return code, remedy
    return Exit.UNFORESEEN, None
