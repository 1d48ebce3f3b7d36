"""The exceptions of this package, with what a caller needs to handle them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx

    from .types import Run

NO_KEY = (
    "No API key. Set FLORA_API_KEY (or TERRARIUM_API_KEY), or pass api_key=...; "
    "`terrarium serve` prints a key when it starts for the first time."
)


class FloraError(Exception):
    """The parent of all exceptions of this package."""


class MissingAPIKeyError(FloraError):
    """A request was made without an API key: set ``FLORA_API_KEY`` or pass ``api_key``."""


class FieldError(NamedTuple):
    """One rejected field (its dotted path, such as ``params.seed``) and what would be accepted."""

    field: str
    message: str


class APIError(FloraError):
    """A request failed, or its response cannot be used."""

    def __init__(self, message: str, *, request: httpx.Request, body: object = None) -> None:
        super().__init__(message)
        self.message = message
        self.request = request
        self.body = body


class APIStatusError(APIError):
    """The server refused a request.

    ``code`` and ``fields`` say why; the server's log has the request under ``request_id``.
    """

    def __init__(self, message: str, *, response: httpx.Response, body: object = None) -> None:
        super().__init__(message, request=response.request, body=body)
        self.response = response
        self.status_code = response.status_code
        self.request_id = request_id(response.headers)
        detail = _detail(body)
        code = detail.get("code")
        self.code: str | None = code if isinstance(code, str) else None
        self.fields = _fields(detail)

    def __str__(self) -> str:
        lines = [self.message]
        # The server's message repeats the first field, so a single rejected field needs no second line.
        if len(self.fields) > 1 or (self.fields and self.fields[0].message not in self.message):
            lines += [f"  {field}: {message}" for field, message in self.fields]
        status = f"{self.status_code} {self.code}" if self.code else str(self.status_code)
        lines[-1] += f" ({status}, request {self.request_id})" if self.request_id else f" ({status})"
        return "\n".join(lines)


class BadRequestError(APIStatusError):
    """400: the input was rejected; ``fields`` names every rejected field."""


class AuthenticationError(APIStatusError):
    """401: the key is missing, unknown or revoked."""


class InsufficientCreditsError(APIStatusError):
    """402: the balance does not cover the quote. Grant credits, or choose a cheaper model."""


class PermissionDeniedError(APIStatusError):
    """403: the key is valid but its role does not allow this."""


class NotFoundError(APIStatusError):
    """404: it does not exist, or it belongs to another workspace."""


class ConflictError(APIStatusError):
    """409: the idempotency key has been used; ``run_url`` leads to the run that used it, if known."""

    @property
    def run_url(self) -> str | None:
        """The URL of the run that used the key, as the server gave it."""
        return self.response.headers.get("location")


class UnprocessableEntityError(APIStatusError):
    """422: the request was understood but cannot be executed."""


class RateLimitError(APIStatusError):
    """429: too many requests; the client has waited and retried before raising this."""


class InternalServerError(APIStatusError):
    """500 and above: the server failed; its log has the request id."""


class APIConnectionError(APIError):
    """The server could not be reached, or the connection broke before the response was complete."""

    def __init__(self, *, request: httpx.Request, message: str | None = None) -> None:
        origin = f"{request.url.scheme}://{request.url.netloc.decode('ascii')}"
        super().__init__(message or f"Cannot reach {origin}. Is the server running?", request=request)


class APITimeoutError(APIConnectionError):
    """No response within the client's ``timeout``."""

    def __init__(self, *, request: httpx.Request) -> None:
        super().__init__(request=request, message=f"No response from {request.url.host} within the timeout.")


class APIResponseValidationError(APIError):
    """The response does not have the promised shape: perhaps ``base_url`` is not a FLORA API."""

    def __init__(self, message: str, *, response: httpx.Response, body: object = None) -> None:
        super().__init__(message, request=response.request, body=body)
        self.response = response
        self.status_code = response.status_code
        self.request_id = request_id(response.headers)


class RunFailedError(FloraError):
    """The run that was waited for has failed; ``code`` and ``message`` say why, ``run`` is the whole run."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.code = run.error_code
        self.message = run.error_message or "The run failed without saying why."
        details = f"{self.code}, {run.run_id}" if self.code else run.run_id
        super().__init__(f"{self.message} ({details})")


class WaitTimeout(FloraError, TimeoutError):
    """The run did not end in time. It continues on the server: wait again with the same ``run_id``."""

    def __init__(self, run_id: str, timeout: float, run: Run | None) -> None:
        self.run_id = run_id
        self.run = run
        state = f"{run.status} at {run.progress:.0f} %" if run else "status unknown"
        super().__init__(
            f"{run_id} did not end within {timeout:g} s ({state}). It continues on the server; wait again."
        )


_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: InsufficientCreditsError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
    429: RateLimitError,
}


def status_error(response: httpx.Response) -> APIStatusError:
    """The exception for a response whose status is 400 or above; its body has been read."""
    try:
        body: object = response.json()
    except ValueError:
        body = response.text
    fallback = InternalServerError if response.status_code >= 500 else APIStatusError
    message = _detail(body).get("message")
    if not isinstance(message, str) or not message:
        text = body if isinstance(body, str) else response.text
        message = f"The server answered {response.status_code}" + (f": {text[:300]}" if text else ".")
    return _BY_STATUS.get(response.status_code, fallback)(message, response=response, body=body)


def request_id(headers: Mapping[str, str]) -> str | None:
    """The id under which the server logged this request."""
    return headers.get("request-id") or headers.get("x-request-id")


def _detail(body: object) -> dict[str, Any]:
    error = cast("dict[str, Any]", body).get("error") if isinstance(body, dict) else None
    return cast("dict[str, Any]", error) if isinstance(error, dict) else {}


def _fields(detail: dict[str, Any]) -> list[FieldError]:
    rows: Any = detail.get("fields")
    items = cast("list[Any]", rows) if isinstance(rows, list) else []
    fields = [cast("dict[str, Any]", item) for item in items if isinstance(item, dict)]
    return [FieldError(str(each.get("field", "")), str(each.get("message", ""))) for each in fields]
