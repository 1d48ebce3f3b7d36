"""The two drivers: they perform the steps of a conversation, and are all that differs by colour."""

from __future__ import annotations

import inspect
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx

from ._config import Config
from ._errors import APIConnectionError, APITimeoutError
from ._exchange import exchange
from ._operation import Operation, Request, Send, Sleep, Steps, Tell
from ._pace import Pace
from ._response import APIResponse

T = TypeVar("T")


class Driver:
    """Performs steps with a blocking HTTP client."""

    def __init__(self, config: Config, http: httpx.Client, pace: Pace) -> None:
        self.config, self.http, self.pace = config, http, pace

    def exchange(self, operation: Operation[T]) -> APIResponse[T]:
        """Send one call and give its answer, unparsed."""
        return self.run(exchange(operation, self.config, self.pace))

    def run(self, steps: Steps[T]) -> T:
        """Perform ``steps`` to their end."""
        try:
            step = next(steps)
            while True:
                try:
                    outcome = self._perform(step)
                except APIConnectionError as broken:
                    step = steps.throw(broken)
                else:
                    step = steps.send(outcome)
        except StopIteration as end:
            return end.value
        finally:
            steps.close()

    def _perform(self, step: Send | Sleep | Tell) -> Any:
        match step:
            case Send():
                return self._send(step)
            case Sleep():
                return self.pace.sleep(step.seconds)
            case Tell():
                return step.callback(step.value)

    def _send(self, step: Send) -> httpx.Response:
        with _translated(self.http, step.request) as request:
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

    def __init__(self, config: Config, http: httpx.AsyncClient, pace: Pace) -> None:
        self.config, self.http, self.pace = config, http, pace

    async def exchange(self, operation: Operation[T]) -> APIResponse[T]:
        """Send one call and give its answer, unparsed."""
        return await self.run(exchange(operation, self.config, self.pace))

    async def run(self, steps: Steps[T]) -> T:
        """Perform ``steps`` to their end."""
        try:
            step = next(steps)
            while True:
                try:
                    outcome = await self._perform(step)
                except APIConnectionError as broken:
                    step = steps.throw(broken)
                else:
                    step = steps.send(outcome)
        except StopIteration as end:
            return end.value
        finally:
            steps.close()

    async def _perform(self, step: Send | Sleep | Tell) -> Any:
        match step:
            case Send():
                return await self._send(step)
            case Sleep():
                return await self.pace.sleep_async(step.seconds)
            case Tell():
                told = step.callback(step.value)
                return await told if inspect.isawaitable(told) else told

    async def _send(self, step: Send) -> httpx.Response:
        with _translated(self.http, step.request) as request:
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


@contextmanager
def _translated(http: httpx.Client | httpx.AsyncClient, ours: Request) -> Generator[httpx.Request]:
    """The request in httpx's words; what goes wrong, in ours."""
    request = http.build_request(
        ours.method, ours.url, headers=dict(ours.headers), content=ours.content, timeout=ours.timeout
    )
    try:
        yield request
    except httpx.TimeoutException as late:
        raise APITimeoutError(request=request) from late
    except httpx.HTTPError as broken:
        raise APIConnectionError(request=request) from broken
