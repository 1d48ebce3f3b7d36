"""The shape that all refusals share."""

import re
from typing import Any

import httpx

CODES = {
    "input_validation_error",
    "invalid_json",
    "unauthorized",
    "invalid_api_key",
    "insufficient_credits",
    "forbidden",
    "not_found",
    "idempotency_duplicate",
    "rate_limited",
    "service_unavailable",
    "unknown_error",
}


def error_of(answer: httpx.Response) -> dict[str, Any]:
    """The error of an answer, after checking that the body is exactly the closed envelope."""
    assert answer.headers["request-id"].startswith("req_")
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert set(body) == {"error"}
    error = body["error"]
    assert set(error) in ({"code", "message"}, {"code", "message", "fields"})
    assert error["code"] in CODES
    assert isinstance(error["message"], str) and error["message"]
    if "fields" in error:
        assert error["fields"] and all(set(field) == {"field", "message"} for field in error["fields"])
        first = error["fields"][0]
        count = r"( \(\d+ fields were rejected, the first 100 are listed\))?"
        assert re.fullmatch(re.escape(f"{first['field']}: {first['message']}") + count, error["message"])
    return error


def assert_refused(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check status, code and shape of a refusal; returns its error."""
    error = error_of(answer)
    assert (answer.status_code, error["code"]) == (status, code), answer.text
    return error


def rejected_fields(answer: httpx.Response) -> dict[str, str]:
    """The fields that a 400 names, with their messages."""
    error = assert_refused(answer, 400, "input_validation_error")
    return {field["field"]: field["message"] for field in error["fields"]}
