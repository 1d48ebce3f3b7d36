"""The two drivers, synchronous and asynchronous: they perform the steps that the shared code yields."""

from __future__ import annotations

import inspect
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx

from ._clock import Clock
from ._config import Config
from ._errors import APIConnectionError, APITimeoutError
from ._exchange import exchange
from ._operation import Callback, Operation, Request, Send, Sleep, Steps
from ._response import APIResponse

T = TypeVar("T")


class Driver:
    """Performs steps with a synchronous HTTP client."""

    def __init__(self, config: Config, http: httpx.Client, clock: Clock) -> None:
        self.config, self.http, self.clock = config, http, clock

    def exchange(self, operation: Operation[T]) -> APIResponse[T]:
        """Send one call and return its response, unparsed."""
        return self.run(exchange(operation, self.config, self.clock))

    def run(self, steps: Steps[T]) -> T:
        """Perform ``steps`` until they return."""
        try:
            step = next(steps)
            while True:
                try:
                    outcome = self._perform(step)
                except APIConnectionError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(outcome)
        except StopIteration as end:
            return end.value
        finally:
            steps.close()

    def _perform(self, step: Send | Sleep | Callback) -> Any:
        match step:
            case Send():
                return self._send(step)
            case Sleep():
                return self.clock.sleep(step.seconds)
            case Callback():
                return step.callback(step.value)

    def _send(self, step: Send) -> httpx.Response:
        request = build_request(self.http, step.request)
        with errors_converted(request):
            response = self.http.send(request, stream=True)
            try:
                if step.sink and response.is_success:
                    step.sink.restart()
                    for chunk in response.iter_bytes():
                        step.sink.write(chunk)
                else:
                    response.read()
            finally:
                response.close()
            return response


class AsyncDriver:
    """Performs steps with an asynchronous HTTP client."""

    def __init__(self, config: Config, http: httpx.AsyncClient, clock: Clock) -> None:
        self.config, self.http, self.clock = config, http, clock

    async def exchange(self, operation: Operation[T]) -> APIResponse[T]:
        """Send one call and return its response, unparsed."""
        return await self.run(exchange(operation, self.config, self.clock))

    async def run(self, steps: Steps[T]) -> T:
        """Perform ``steps`` until they return."""
        try:
            step = next(steps)
            while True:
                try:
                    outcome = await self._perform(step)
                except APIConnectionError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(outcome)
        except StopIteration as end:
            return end.value
        finally:
            steps.close()

    async def _perform(self, step: Send | Sleep | Callback) -> Any:
        match step:
            case Send():
                return await self._send(step)
            case Sleep():
                return await self.clock.sleep_async(step.seconds)
            case Callback():
                result = step.callback(step.value)
                return await result if inspect.isawaitable(result) else result

    async def _send(self, step: Send) -> httpx.Response:
        request = build_request(self.http, step.request)
        with errors_converted(request):
            response = await self.http.send(request, stream=True)
            try:
                if step.sink and response.is_success:
                    step.sink.restart()
                    async for chunk in response.aiter_bytes():
                        step.sink.write(chunk)
                else:
                    await response.aread()
            finally:
                await response.aclose()
            return response


def build_request(http: httpx.Client | httpx.AsyncClient, request: Request) -> httpx.Request:
    """Convert a request to httpx's type."""
    return http.build_request(
        request.method,
        request.url,
        headers=dict(request.headers),
        content=request.content,
        timeout=request.timeout,
    )


@contextmanager
def errors_converted(request: httpx.Request) -> Generator[None]:
    """Convert httpx's exceptions to ours."""
    try:
        yield
    except httpx.TimeoutException as error:
        raise APITimeoutError(request=request) from error
    except httpx.HTTPError as error:
        raise APIConnectionError(request=request) from error
