"""The closed error envelope, one for every refusal."""

from typing import Annotated, Literal

from ._shapes import LeftOut, Wire

ErrorCode = Literal[
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
]


class ErrorField(Wire):
    """A rejected field and why."""

    field: str
    message: str


class ErrorDetail(Wire):
    """What went wrong; ``fields`` only where fields were rejected."""

    code: ErrorCode
    message: str
    fields: Annotated[list[ErrorField] | None, LeftOut] = None


class ErrorEnvelope(Wire):
    """``{"error": {...}}``."""

    error: ErrorDetail
