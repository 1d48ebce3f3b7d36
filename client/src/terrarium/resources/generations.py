"""Generations: the newer name of ``runs.start_generation``, and the history."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, Unpack

from .._operation import Listing, Operation, RequestOptions, WriteOptions, without_none
from .._pages import AsyncPaginator, SyncPage
from .._wire import Generation, RunStarted
from ..types import GenerationType, Run, RunStatus
from ._resource import AsyncResource, Resource, raw, raw_async
from ._run_operations import retrieve_run, start


def list_generations(filters: Mapping[str, object], options: RequestOptions) -> Listing[Generation]:
    """``GET /generations``."""
    page = Operation(
        method="GET",
        path="/generations",
        shape=dict[str, Any],
        query=without_none(**filters),
        options=WriteOptions(**options),
    )
    return Listing(page, "generations", Generation)


class Generations(Resource):
    """``client.generations``."""

    @cached_property
    def with_raw_response(self) -> GenerationsWithRawResponse:
        """The same methods; they return ``APIResponse`` objects, with status and headers."""
        return GenerationsWithRawResponse(Generations(self._driver, raw=True))

    def create(
        self,
        *,
        project_id: str,
        prompt: str,
        type: GenerationType,
        workspace_id: str,
        model: str | None = None,
        params: Mapping[str, object] | None = None,
        priority: int | None = None,
        **options: Unpack[WriteOptions],
    ) -> RunStarted:
        """Start a generation, as ``runs.start_generation`` does."""
        body = without_none(
            project_id=project_id,
            prompt=prompt,
            type=type,
            workspace_id=workspace_id,
            model=model,
            params=params,
            priority=priority,
        )
        return self._send(start("/generate", body, options))

    def retrieve(self, run_id: str, **options: Unpack[RequestOptions]) -> Run:
        """Read one run."""
        return self._send(retrieve_run(run_id, options))

    def list(
        self,
        *,
        workspace_id: str | None = None,
        project_id: str | None = None,
        status: RunStatus | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> SyncPage[Generation]:
        """Generations of every status, newest first; ``limit`` is 1 to 100 per page."""
        filters = {
            "workspace_id": workspace_id,
            "project_id": project_id,
            "status": status,
            "limit": limit,
            "cursor": cursor,
        }
        return self._list(list_generations(filters, options))


class AsyncGenerations(AsyncResource):
    """``client.generations`` of the asynchronous client."""

    @cached_property
    def with_raw_response(self) -> AsyncGenerationsWithRawResponse:
        """The same methods; they return ``APIResponse`` objects, with status and headers."""
        return AsyncGenerationsWithRawResponse(AsyncGenerations(self._driver, raw=True))

    async def create(
        self,
        *,
        project_id: str,
        prompt: str,
        type: GenerationType,
        workspace_id: str,
        model: str | None = None,
        params: Mapping[str, object] | None = None,
        priority: int | None = None,
        **options: Unpack[WriteOptions],
    ) -> RunStarted:
        """Start a generation, as ``runs.start_generation`` does."""
        body = without_none(
            project_id=project_id,
            prompt=prompt,
            type=type,
            workspace_id=workspace_id,
            model=model,
            params=params,
            priority=priority,
        )
        return await self._send(start("/generate", body, options))

    async def retrieve(self, run_id: str, **options: Unpack[RequestOptions]) -> Run:
        """Read one run."""
        return await self._send(retrieve_run(run_id, options))

    def list(
        self,
        *,
        workspace_id: str | None = None,
        project_id: str | None = None,
        status: RunStatus | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> AsyncPaginator[Generation]:
        """Generations of every status, newest first; ``limit`` is 1 to 100 per page."""
        filters = {
            "workspace_id": workspace_id,
            "project_id": project_id,
            "status": status,
            "limit": limit,
            "cursor": cursor,
        }
        return self._list(list_generations(filters, options))


class GenerationsWithRawResponse:
    """``client.generations.with_raw_response``."""

    def __init__(self, generations: Generations) -> None:
        self.create = raw(generations.create)
        self.retrieve = raw(generations.retrieve)
        self.list = raw(generations.list)


class AsyncGenerationsWithRawResponse:
    """``client.generations.with_raw_response`` of the asynchronous client."""

    def __init__(self, generations: AsyncGenerations) -> None:
        self.create = raw_async(generations.create)
        self.retrieve = raw_async(generations.retrieve)
        self.list = raw_async(generations.list)
