"""The workspaces that the key gives access to."""

from __future__ import annotations

from functools import cached_property
from typing import Unpack

from .._operation import Operation, RequestOptions, WriteOptions
from .._wire import WorkspaceList
from ._resource import AsyncResource, Resource, raw, raw_async


def list_workspaces(options: RequestOptions) -> Operation[WorkspaceList]:
    """``GET /workspaces``."""
    return Operation(method="GET", path="/workspaces", shape=WorkspaceList, options=WriteOptions(**options))


class Workspaces(Resource):
    """``client.workspaces``."""

    @cached_property
    def with_raw_response(self) -> WorkspacesWithRawResponse:
        """The same methods; they return ``APIResponse`` objects, with status and headers."""
        return WorkspacesWithRawResponse(Workspaces(self._driver, raw=True))

    def list(self, **options: Unpack[RequestOptions]) -> WorkspaceList:
        """The workspaces of the key, in ``.workspaces``."""
        return self._send(list_workspaces(options))


class AsyncWorkspaces(AsyncResource):
    """``client.workspaces`` of the asynchronous client."""

    @cached_property
    def with_raw_response(self) -> AsyncWorkspacesWithRawResponse:
        """The same methods; they return ``APIResponse`` objects, with status and headers."""
        return AsyncWorkspacesWithRawResponse(AsyncWorkspaces(self._driver, raw=True))

    async def list(self, **options: Unpack[RequestOptions]) -> WorkspaceList:
        """The workspaces of the key, in ``.workspaces``."""
        return await self._send(list_workspaces(options))


class WorkspacesWithRawResponse:
    """``client.workspaces.with_raw_response``."""

    def __init__(self, workspaces: Workspaces) -> None:
        self.list = raw(workspaces.list)


class AsyncWorkspacesWithRawResponse:
    """``client.workspaces.with_raw_response`` of the asynchronous client."""

    def __init__(self, workspaces: AsyncWorkspaces) -> None:
        self.list = raw_async(workspaces.list)
