"""A response before it is parsed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Generic, TypeVar, cast

import httpx
from pydantic import ValidationError

from ._errors import APIResponseValidationError, request_id
from ._model import decode, is_anything

T = TypeVar("T")
U = TypeVar("U")


class APIResponse(Generic[T]):
    """Status and headers of a response; ``parse()`` returns its content."""

    def __init__(
        self,
        http_response: httpx.Response,
        read: Callable[[httpx.Response], T],
        *,
        idempotency_key: str | None = None,
        retries_taken: int = 0,
    ) -> None:
        self.http_response = http_response
        self.idempotency_key = idempotency_key
        self.retries_taken = retries_taken
        self._read = read
        self._parsed: list[T] = []

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        return self.http_response.status_code

    @property
    def headers(self) -> httpx.Headers:
        """The headers, by case-insensitive name."""
        return self.http_response.headers

    @property
    def request_id(self) -> str | None:
        """The id under which the server logged this request."""
        return request_id(self.headers)

    @property
    def content(self) -> bytes:
        """The body as bytes."""
        return self.http_response.content

    def parse(self) -> T:
        """The body, as the method without ``with_raw_response`` returns it.

        Raises ``APIResponseValidationError`` if the body does not have the promised shape.
        """
        if not self._parsed:
            self._parsed.append(self._read(self.http_response))
        return self._parsed[0]

    def parsed_by(self, read: Callable[[httpx.Response], U]) -> APIResponse[U]:
        """The same response with another parser."""
        return APIResponse(
            self.http_response,
            read,
            idempotency_key=self.idempotency_key,
            retries_taken=self.retries_taken,
        )


def read_as(shape: type[T], response: httpx.Response) -> T:
    """The JSON body as ``shape``. For ``object`` any body is accepted: parsed JSON, text or None.

    Raises ``APIResponseValidationError`` if the body has another shape.
    """
    accepts_anything = is_anything(shape)
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if response.status_code == 204 or not response.content:
        if accepts_anything:
            return cast("T", None)
        raise _unexpected(response, "an empty body")
    if media_type != "application/json" and not media_type.endswith("+json"):
        if accepts_anything:
            return cast("T", response.text)
        raise _unexpected(response, f"{media_type or 'a body without a content type'} instead of JSON")
    try:
        value = json.loads(response.content)
    except ValueError as error:
        raise _unexpected(response, "broken JSON") from error
    try:
        return decode(shape, value)
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the body"
        raise _unexpected(response, f"JSON of another shape ({where}: {first['msg']})", value) from invalid


def _unexpected(response: httpx.Response, content: str, body: object = None) -> APIResponseValidationError:
    request = f"{response.request.method} {response.request.url}"
    return APIResponseValidationError(
        f"{request} answered {response.status_code} with {content}. "
        "Is base_url the address of a FLORA API (it ends in /api/v1)?",
        response=response,
        body=body,
    )
