"""Error reports of the commands: one red line, what to do about it, and an exit code."""

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

    UNEXPECTED = 1
    BAD_INPUT = 2
    KEY = 3
    CREDITS = 4
    RUN_FAILED = 5
    SERVER = 6
    STILL_RUNNING = 7
    NOT_SAVED = 8
    INTERRUPTED = 130


class BadInput(Exception):
    """The user's input cannot be used; the message says what to enter instead."""


def reports_errors(command: Callable[P, T]) -> Callable[P, T]:
    """Decorate a command: turn its exceptions into a message and an exit code.

    With ``as_json`` the error is also printed as a line of JSON on standard output.
    """

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except KeyboardInterrupt:
            fail("Interrupted.")
            code = Exit.INTERRUPTED
        except Exception as error:
            from .. import FloraError

            as_json = bool(kwargs.get("as_json"))
            if isinstance(error, BrokenPipeError):  # for example `| head` has read enough
                raise
            if isinstance(error, FloraError):
                code = _report_flora_error(error, as_json=as_json)
            elif isinstance(error, BadInput | OSError):
                code = _report(str(error), Exit.BAD_INPUT, as_json=as_json)
            else:
                raise
        raise typer.Exit(code)

    return run


def fail(message: str, *details: str, remedy: str | None = None) -> None:
    """Print one red line, indented details, and the remedy on standard error."""
    typer.secho(f"Error: {printable(message)}", fg="red", err=True)
    for detail in details:
        typer.echo(f"  {printable(detail)}", err=True)
    if remedy:
        typer.echo(remedy, err=True)


def note(message: str) -> None:
    """Print a line on standard error: standard output is for results."""
    typer.echo(printable(message), err=True)


def printable(text: str) -> str:
    """Text of other origin, without control characters that could control the terminal."""
    return "".join(c for c in text if c.isprintable() or c in "\n\t")


def emit_json(value: object) -> None:
    """Print a value as JSON on standard output."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=not _stdout_is_utf8()))


def emit_json_line(value: object) -> None:
    """Print a value as one line of JSON on standard output, where others may precede it."""
    typer.echo(json.dumps(value))


def _stdout_is_utf8() -> bool:
    return (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") == "utf8"


def _report(
    message: str,
    code: Exit,
    *,
    as_json: bool,
    remedy: str | None = None,
    fields: Sequence[FieldError] = (),
    details: Mapping[str, object] | None = None,
) -> Exit:
    # The message is about the first rejected field, so a single one needs no list.
    fail(message, *(f"{row.field}: {row.message}" for row in fields if len(fields) > 1), remedy=remedy)
    if as_json:
        rows = [row._asdict() for row in fields]
        values = {"message": message, "fields": rows, **(details or {})}
        emit_json_line({"error": {name: value for name, value in values.items() if value}})
    return code


def _report_flora_error(error: FloraError, *, as_json: bool) -> Exit:
    from .. import APIStatusError, ConflictError, MissingAPIKeyError, RunFailedError, WaitTimeout

    code, remedy = _code_and_remedy(error)
    if isinstance(error, APIStatusError):
        details = {"code": error.code, "request_id": error.request_id}
        if isinstance(error, ConflictError):
            details["run_url"] = error.run_url
        if error.request_id and code == Exit.SERVER:
            remedy = f"{remedy or ''} The server's log has it under {error.request_id}.".strip()
        return _report(
            error.message, code, as_json=as_json, remedy=remedy, fields=error.fields, details=details
        )
    message, details = str(error), dict[str, str | None]()
    if isinstance(error, MissingAPIKeyError):
        message = "No API key: set FLORA_API_KEY (or TERRARIUM_API_KEY)."
    elif isinstance(error, RunFailedError):
        details = {"code": error.code, "run_id": error.run.run_id}
    elif isinstance(error, WaitTimeout):
        details = {"run_id": error.run_id}
        remedy = f"Wait again with `terrarium runs wait {error.run_id}`."
    return _report(message, code, as_json=as_json, remedy=remedy, details=details)


def _code_and_remedy(error: FloraError) -> tuple[Exit, str | None]:
    import terrarium as e

    table: list[tuple[type[FloraError], Exit, str | None]] = [
        (e.MissingAPIKeyError, Exit.KEY, "`terrarium serve` prints a key when it starts for the first time."),
        (
            e.AuthenticationError,
            Exit.KEY,
            "Check FLORA_API_KEY, and that FLORA_BASE_URL is the server of this key.",
        ),
        (e.PermissionDeniedError, Exit.KEY, "This key's role does not allow it; use another key."),
        (
            e.InsufficientCreditsError,
            Exit.CREDITS,
            "`terrarium models` shows cheaper models; on your own server, `terrarium admin` grants credits.",
        ),
        (e.RunFailedError, Exit.RUN_FAILED, None),
        (e.WaitTimeout, Exit.STILL_RUNNING, None),
        (e.APITimeoutError, Exit.SERVER, "The server may be busy; try again."),
        (e.APIConnectionError, Exit.SERVER, "Start a server with `terrarium serve`, or set FLORA_BASE_URL."),
        (e.APIResponseValidationError, Exit.SERVER, None),
        (e.RateLimitError, Exit.SERVER, "Try again later."),
        (e.InternalServerError, Exit.SERVER, "The server failed; try again."),
        (
            e.NotFoundError,
            Exit.BAD_INPUT,
            "Check the id (it may belong to another workspace), and that FLORA_BASE_URL ends in /api/v1.",
        ),
        (e.APIStatusError, Exit.BAD_INPUT, None),
    ]
    for error_type, code, remedy in table:
        if isinstance(error, error_type):
            return code, remedy
    return Exit.UNEXPECTED, None
