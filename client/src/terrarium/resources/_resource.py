"""The base classes of the resources, and the types of their raw views."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar, cast

from .._driver import AsyncDriver, Driver
from .._operation import Listing, Operation
from .._pages import AsyncPage, AsyncPaginator, SyncPage
from .._response import APIResponse

P = ParamSpec("P")
T = TypeVar("T")


class Resource:
    """Sends operations.

    The methods of a raw resource return ``APIResponse`` objects, although they are typed as returning the
    parsed value. Only the ``…WithRawResponse`` views use raw resources; they declare the true types.
    """

    def __init__(self, driver: Driver, *, raw: bool = False) -> None:
        self._driver, self._raw = driver, raw

    def _send(self, operation: Operation[T]) -> T:
        response = self._driver.exchange(operation)
        return cast("T", response) if self._raw else response.parse()

    def _list(self, listing: Listing[T]) -> SyncPage[T]:
        response = self._driver.exchange(listing.operation)
        page = response.parsed_by(lambda _: SyncPage(listing, response, self._driver))
        return cast("SyncPage[T]", page) if self._raw else page.parse()


class AsyncResource:
    """Sends operations asynchronously; raw resources work as in ``Resource``."""

    def __init__(self, driver: AsyncDriver, *, raw: bool = False) -> None:
        self._driver, self._raw = driver, raw

    async def _send(self, operation: Operation[T]) -> T:
        response = await self._driver.exchange(operation)
        return cast("T", response) if self._raw else response.parse()

    def _list(self, listing: Listing[T]) -> AsyncPaginator[T]:
        return cast("AsyncPaginator[T]", self._raw_list(listing)) if self._raw else self._pages(listing)

    def _pages(self, listing: Listing[T]) -> AsyncPaginator[T]:
        return AsyncPaginator(listing, self._driver)

    async def _raw_list(self, listing: Listing[T]) -> APIResponse[AsyncPage[T]]:
        response = await self._driver.exchange(listing.operation)
        return response.parsed_by(lambda _: AsyncPage(listing, response, self._driver))


def raw(method: Callable[P, T]) -> Callable[P, APIResponse[T]]:
    """A method of a raw resource, with its true type."""
    return cast("Any", method)


def raw_async(method: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[APIResponse[T]]]:
    """A method of a raw asynchronous resource, with its true type."""
    return cast("Any", method)
