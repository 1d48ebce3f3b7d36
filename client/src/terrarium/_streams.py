"""Streamed responses, synchronous and asynchronous: values for the caller as they arrive."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from typing import TypeVar

import httpx

from ._driver import AsyncDriver, Driver, build_request, errors_converted
from ._errors import APIConnectionError
from ._operation import Connect, Emit, Receive, Request, StreamSteps

T = TypeVar("T")


def stream(driver: Driver, steps: StreamSteps[T]) -> Generator[T]:
    """Perform ``steps`` and yield what they emit; closing the generator closes the connection."""
    connection = _Connection(driver.http)
    try:
        step = next(steps)
        while True:
            outcome: object = None
            try:
                match step:
                    case Connect():
                        outcome = connection.open(step.request)
                    case Receive():
                        outcome = connection.receive()
                    case Emit():
                        yield step.value
                    case _:
                        driver.clock.sleep(step.seconds)
            except APIConnectionError as error:
                step = steps.throw(error)
            else:
                step = steps.send(outcome)
    except StopIteration:
        return
    finally:
        steps.close()
        connection.close()


async def stream_async(driver: AsyncDriver, steps: StreamSteps[T]) -> AsyncGenerator[T]:
    """Perform ``steps`` and yield what they emit; closing the generator closes the connection."""
    connection = _AsyncConnection(driver.http)
    try:
        step = next(steps)
        while True:
            outcome: object = None
            try:
                match step:
                    case Connect():
                        outcome = await connection.open(step.request)
                    case Receive():
                        outcome = await connection.receive()
                    case Emit():
                        yield step.value
                    case _:
                        await driver.clock.sleep_async(step.seconds)
            except APIConnectionError as error:
                step = steps.throw(error)
            else:
                step = steps.send(outcome)
    except StopIteration:
        return
    finally:
        steps.close()
        await connection.close()


class _Connection:
    """One response at a time."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http
        self._response: httpx.Response | None = None
        self._chunks: Iterator[bytes] = iter(())

    def open(self, request: Request) -> httpx.Response:
        self.close()
        converted = build_request(self._http, request)
        with errors_converted(converted):
            response = self._response = self._http.send(converted, stream=True)
            if response.status_code != 200:
                response.read()
            self._chunks = response.iter_bytes()
        return response

    def receive(self) -> bytes | None:
        assert self._response is not None
        with errors_converted(self._response.request):
            return next(self._chunks, None)

    def close(self) -> None:
        if self._response is not None:
            self._response.close()
            self._response = None


class _AsyncConnection:
    """One response at a time."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http
        self._response: httpx.Response | None = None
        self._chunks: AsyncIterator[bytes] | None = None

    async def open(self, request: Request) -> httpx.Response:
        await self.close()
        converted = build_request(self._http, request)
        with errors_converted(converted):
            response = self._response = await self._http.send(converted, stream=True)
            if response.status_code != 200:
                await response.aread()
            self._chunks = response.aiter_bytes()
        return response

    async def receive(self) -> bytes | None:
        assert self._response is not None
        assert self._chunks is not None
        with errors_converted(self._response.request):
            return await anext(self._chunks, None)

    async def close(self) -> None:
        if self._response is not None:
            await self._response.aclose()
            self._response = None
