"""Refusals to statuses and bodies: one table and one envelope, also for errors raised by the framework."""

import json
from collections.abc import Mapping
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from terrarium_server import problems
from terrarium_server.problems import FieldProblem, InvalidInput, InvalidJson, Problem

from ._context import base_url

_STATUSES: dict[type[Problem], int] = {
    problems.InvalidInput: 400,
    problems.InvalidJson: 400,
    problems.Unauthorized: 401,
    problems.InsufficientCredits: 402,
    problems.Forbidden: 403,
    problems.NotFound: 404,
    problems.TooSlow: 408,
    problems.DuplicateKey: 409,
    problems.TooLarge: 413,
    problems.RateLimited: 429,
}

_PATHS = {"run": "runs", "project": "projects"}
_MOST_FIELDS = 100
_LONGEST_NAME = 100
_LONGEST_MESSAGE = 1_000


class RefusedBody(HTTPException):
    """Ends the reading of a body with a refusal.

    FastAPI makes a 400 of every other exception that is raised while it reads a body.
    """

    def __init__(self, problem: Problem) -> None:
        super().__init__(_STATUSES[type(problem)])
        self.problem = problem


# The API's messages for pydantic's error types, with what pydantic says about them; other types keep
# pydantic's message.
_MESSAGES = {
    "missing": "Required",
    "extra_forbidden": "Unknown field",
    "string_type": "Must be a string",
    "string_unicode": "Must be valid Unicode text",
    "string_too_short": "Must not be empty",
    "dict_type": "Must be an object",
    "model_attributes_type": "Must be an object",
    "int_parsing": "Must be a whole number",
    "int_type": "Must be a whole number",
    "int_from_float": "Must be a whole number",
    "list_type": "Must be a list",
    "too_short": "Must have at least {min_length}",
    "too_long": "Must have at most {max_length}, not {actual_length}",
    "less_than_equal": "Must be at most {le}",
    "greater_than_equal": "Must be at least {ge}",
}


def refuse(problem: Problem, base_url: str = "") -> Response:
    """Return the response to a refusal; ``base_url`` is needed for the location of a 409."""
    headers: dict[str, str] = {}
    if isinstance(problem, problems.DuplicateKey):
        # Clients made by Stainless retry every 409 without this header.
        headers = {
            "x-should-retry": "false",
            "location": f"{base_url}/api/v1/{_PATHS[problem.resource.type]}/{problem.resource.id}",
        }
    elif isinstance(problem, problems.RateLimited):
        headers = {"retry-after": str(problem.retry_after)}
    elif isinstance(problem, problems.Unauthorized):
        headers = {"www-authenticate": "Bearer"}
    fields = problem.fields if isinstance(problem, InvalidInput) else ()
    return envelope(_STATUSES.get(type(problem), 500), problem.code, problem.message, fields, headers)


def envelope(
    status: int,
    code: str,
    message: str,
    fields: tuple[FieldProblem, ...] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Build the closed error envelope. Its length is bounded, whatever was rejected."""
    shown = [
        {"field": _shortened(field.field, _LONGEST_NAME), "message": _shortened(field.message)}
        for field in fields[:_MOST_FIELDS]
    ]
    if shown:
        message = "{field}: {message}".format(**shown[0])
    if len(fields) > _MOST_FIELDS:
        message += f" ({len(fields)} fields were rejected, the first {_MOST_FIELDS} are listed)"
    error: dict[str, Any] = {"code": code, "message": message if shown else _shortened(message)}
    if shown:
        error["fields"] = shown
    body = json.dumps({"error": error}, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return Response(body, status, headers, "application/json")


def _shortened(text: str, longest: int = _LONGEST_MESSAGE) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def field_problems(error: RequestValidationError) -> list[FieldProblem]:
    """Return every rejected field of a request with the API's message."""
    problems: list[FieldProblem] = []
    for cause in cast(list[dict[str, Any]], error.errors()):
        # The first part names the place: body, query, path or header.
        path = _path(cause["loc"][1:]) or str(cause["loc"][0])
        error_type: str = cause["type"]
        context: dict[str, Any] = cause.get("ctx") or {}
        if error_type == "literal_error":
            # In queries an empty value stands for none; the message does not offer it.
            expected = context["expected"].removeprefix("'', ")
            message = "Must be one of: " + expected.replace("'", "").replace(" or ", ", ")
        elif error_type == "value_error":
            message = str(context["error"])
        elif error_type == "missing" or (cause["input"] is None and error_type.endswith("_type")):
            message = "Required"
        else:
            message = _MESSAGES.get(error_type, "").format(**context) or str(cause["msg"])
        problems.append(FieldProblem(path, message))
    return problems


def _path(location: tuple[str | int, ...]) -> str:
    """Return the path of a field, such as ``starts[3].type``."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".")


async def _on_problem(request: Request, error: Exception) -> Response:
    return refuse(cast(Problem, error), base_url(request))


async def _on_invalid(request: Request, error: Exception) -> Response:
    invalid = cast(RequestValidationError, error)
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if isinstance(invalid.body, bytes) and invalid.body and content_type != "application/json":
        return refuse(InvalidJson("Send JSON, with content-type: application/json."))
    if any(cause["type"] == "json_invalid" for cause in invalid.errors()):
        return refuse(InvalidJson("The body is not valid JSON."))
    return refuse(InvalidInput(field_problems(invalid)))


async def _on_refused_body(_request: Request, error: Exception) -> Response:
    return refuse(cast(RefusedBody, error).problem)


async def _on_http(request: Request, error: Exception) -> Response:
    status = cast(HTTPException, error).status_code
    if status == 405:
        headers = cast(HTTPException, error).headers
        return envelope(405, "not_found", f"{request.method} is not supported here.", headers=headers)
    if status == 400:
        return refuse(InvalidJson("The body is not valid JSON."))
    return refuse(problems.NotFound())


def install_refusals(app: FastAPI) -> None:
    """Answer every refusal with the envelope; `ResponseHeaders` answers unexpected errors."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(RefusedBody, _on_refused_body)
    app.add_exception_handler(HTTPException, _on_http)
