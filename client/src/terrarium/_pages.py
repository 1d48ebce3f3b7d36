"""Cursor pages: iterate over the items of all pages, or over the pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from typing import Any, Generic, TypeVar, cast

from pydantic import ValidationError

from ._driver import AsyncDriver, Driver
from ._errors import APIResponseValidationError
from ._model import decode
from ._operation import Listing
from ._response import APIResponse

T = TypeVar("T")


class BasePage(Generic[T]):
    """What pages of both clients have in common."""

    def __init__(self, listing: Listing[T], response: APIResponse[dict[str, Any]]) -> None:
        self._listing = listing
        self.body: dict[str, Any] = response.parse()
        try:
            self.items: list[T] = decode(list[listing.item], self.body.get(listing.key) or [])
        except ValidationError as invalid:
            raise APIResponseValidationError(
                f"The server's {listing.key} do not have the promised shape: {invalid.errors()[0]['msg']}",
                response=response.http_response,
                body=self.body,
            ) from invalid
        meta: Any = self.body.get("meta")
        cursor = cast("dict[str, Any]", meta).get("next_cursor") if isinstance(meta, dict) else None
        # An empty page ends the list even with a cursor, or a faulty server could cause an endless loop.
        self.next_cursor: str | None = cursor if cursor and self.items else None

    def has_next_page(self) -> bool:
        """Whether there is another page."""
        return self.next_cursor is not None

    def next_page_info(self) -> dict[str, str] | None:
        """The query of the next page, or None on the last one."""
        return {"cursor": self.next_cursor} if self.next_cursor else None

    def _next(self) -> Listing[T]:
        if not self.next_cursor:
            raise RuntimeError("This is the last page; call has_next_page() first.")
        return self._listing.starting_at(self.next_cursor)


class SyncPage(BasePage[T]):
    """One page: its ``items``, the whole ``body``, and access to the next page."""

    def __init__(self, listing: Listing[T], response: APIResponse[dict[str, Any]], driver: Driver) -> None:
        super().__init__(listing, response)
        self._driver = driver

    def get_next_page(self) -> SyncPage[T]:
        """Fetch the next page; ``RuntimeError`` on the last one."""
        listing = self._next()
        return SyncPage(listing, self._driver.exchange(listing.operation), self._driver)

    def iter_pages(self) -> Iterator[SyncPage[T]]:
        """This page and all that follow."""
        page = self
        yield page
        while page.has_next_page():
            page = page.get_next_page()
            yield page

    def __iter__(self) -> Iterator[T]:
        for page in self.iter_pages():
            yield from page.items


class AsyncPage(BasePage[T]):
    """One page: its ``items``, the whole ``body``, and access to the next page."""

    def __init__(
        self, listing: Listing[T], response: APIResponse[dict[str, Any]], driver: AsyncDriver
    ) -> None:
        super().__init__(listing, response)
        self._driver = driver

    async def get_next_page(self) -> AsyncPage[T]:
        """Fetch the next page; ``RuntimeError`` on the last one."""
        listing = self._next()
        return AsyncPage(listing, await self._driver.exchange(listing.operation), self._driver)

    async def iter_pages(self) -> AsyncIterator[AsyncPage[T]]:
        """This page and all that follow."""
        page = self
        yield page
        while page.has_next_page():
            page = await page.get_next_page()
            yield page

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.iter_pages():
            for item in page.items:
                yield item


class AsyncPaginator(Generic[T]):
    """A list call of the asynchronous client: await it for the first page, or iterate over all items."""

    def __init__(self, listing: Listing[T], driver: AsyncDriver) -> None:
        self._listing, self._driver = listing, driver

    def __await__(self) -> Generator[Any, None, AsyncPage[T]]:
        return self._first().__await__()

    async def _first(self) -> AsyncPage[T]:
        response = await self._driver.exchange(self._listing.operation)
        return AsyncPage(self._listing, response, self._driver)

    async def __aiter__(self) -> AsyncIterator[T]:
        async for item in await self._first():
            yield item
