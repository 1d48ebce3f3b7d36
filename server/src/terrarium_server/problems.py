"""The refusals of Terrarium: one class each, with FLORA's wire code and a message. No HTTP statuses.

The codes are FLORA's closed list; `http/refusals.py` maps a class to a status and a body.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One rejected field: its dotted path (``params.seed``) and what would be accepted."""

    field: str
    message: str


@dataclass(frozen=True, slots=True)
class Resource:
    """Something with an address of its own."""

    type: Literal["run", "project"]
    id: str


class Problem(Exception):
    """A refusal with a wire ``code`` and a ``message`` that says what to do."""

    code: str = "unknown_error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidInput(Problem):
    """One or more fields were rejected; ``fields`` names every one of them."""

    code = "input_validation_error"

    def __init__(self, fields: Iterable[FieldProblem]) -> None:
        self.fields = tuple(fields)
        first = self.fields[0]
        super().__init__(f"{first.field}: {first.message}")

    @classmethod
    def one(cls, field: str, message: str) -> "InvalidInput":
        """Refuse a single field."""
        return cls([FieldProblem(field, message)])


class InvalidJson(Problem):
    """The body is not JSON, or was not sent as JSON."""

    code = "invalid_json"


class TooLarge(Problem):
    """The body is larger than the server's limit."""

    code = "input_validation_error"


class TooSlow(Problem):
    """The body takes longer than the server's limit."""

    code = "input_validation_error"


class Unauthorized(Problem):
    """There is no API key, or it is unknown, expired or revoked."""

    code = "unauthorized"

    def __init__(self, message: str = "Invalid API key.") -> None:
        super().__init__(message)


class InsufficientCredits(Problem):
    """The balance, or what is left of the key's spending cap, does not cover the quote."""

    code = "insufficient_credits"

    def __init__(self, message: str = "Insufficient credits.") -> None:
        super().__init__(message)


class Forbidden(Problem):
    """The key is valid but its role does not allow this."""

    code = "forbidden"

    def __init__(self, message: str = "Forbidden.") -> None:
        super().__init__(message)


class NotFound(Problem):
    """The resource does not exist or belongs to another workspace."""

    code = "not_found"

    def __init__(self, message: str = "Not found.") -> None:
        super().__init__(message)


class DuplicateKey(Problem):
    """The idempotency key was used within two hours; ``resource`` is what that request made or changed."""

    code = "idempotency_duplicate"

    def __init__(self, resource: Resource) -> None:
        super().__init__("Duplicate idempotency key.")
        self.resource = resource


class RateLimited(Problem):
    """The workspace's rate limit is spent; try again after ``retry_after`` whole seconds."""

    code = "rate_limited"

    def __init__(self, retry_after: int) -> None:
        super().__init__("Rate limit exceeded.")
        self.retry_after = retry_after
