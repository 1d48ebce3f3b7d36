"""Projects and the media nodes on their canvas."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from functools import cached_property
from typing import Any, Unpack

from .._events import follow_events
from .._operation import (
    Exchange,
    Listing,
    Operation,
    RequestOptions,
    Steps,
    WriteOptions,
    fill_path,
    without_none,
)
from .._pages import AsyncPaginator, SyncPage
from .._streams import stream, stream_async
from .._wire import Node, Project
from ..types import StreamEvent
from ._resource import AsyncResource, Resource, raw, raw_async


def list_projects(
    workspace_id: str, query: str | None, limit: int | None, cursor: str | None, options: RequestOptions
) -> Listing[Project]:
    """``GET /projects``."""
    query_fields = without_none(workspace_id=workspace_id, query=query, limit=limit, cursor=cursor)
    return Listing(_page("/projects", query_fields, options), "projects", Project)


def create_project(name: str, workspace_id: str, options: WriteOptions) -> Operation[Project]:
    """``POST /projects``."""

    def recover(project_id: str, exchange: Exchange) -> Steps[Project]:
        return exchange(retrieve_project(project_id, {}))

    return Operation(
        method="POST",
        path="/projects",
        shape=Project,
        body={"name": name, "workspace_id": workspace_id},
        writes=True,
        options=options,
        made_prefix="prj_",
        recover=recover,
    )


def retrieve_project(project_id: str, options: RequestOptions) -> Operation[Project]:
    """``GET /projects/{project_id}``."""
    path = fill_path("/projects/{}", project_id)
    return Operation(method="GET", path=path, shape=Project, options=WriteOptions(**options))


def list_nodes(
    project_id: str, limit: int | None, cursor: str | None, options: RequestOptions
) -> Listing[Node]:
    """``GET /projects/{project_id}/nodes``."""
    page = _page(
        fill_path("/projects/{}/nodes", project_id), without_none(limit=limit, cursor=cursor), options
    )
    return Listing(page, "nodes", Node)


def project_events(project_id: str, options: RequestOptions) -> Operation[object]:
    """``GET /projects/{project_id}/events``."""
    path = fill_path("/projects/{}/events", project_id)
    return Operation(method="GET", path=path, shape=object, options=WriteOptions(**options))


def _page(path: str, query: dict[str, object], options: RequestOptions) -> Operation[dict[str, Any]]:
    return Operation(
        method="GET", path=path, shape=dict[str, Any], query=query, options=WriteOptions(**options)
    )


class Projects(Resource):
    """``client.projects``."""

    @cached_property
    def with_raw_response(self) -> ProjectsWithRawResponse:
        """The same methods; they return ``APIResponse`` objects, with status and headers."""
        return ProjectsWithRawResponse(Projects(self._driver, raw=True))

    def list(
        self,
        *,
        workspace_id: str,
        query: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> SyncPage[Project]:
        """The projects of a workspace, most recently used first; ``limit`` is 1 to 100 per page."""
        return self._list(list_projects(workspace_id, query, limit, cursor, options))

    def create(self, *, name: str, workspace_id: str, **options: Unpack[WriteOptions]) -> Project:
        """Make a project."""
        return self._send(create_project(name, workspace_id, options))

    def retrieve(self, project_id: str, **options: Unpack[RequestOptions]) -> Project:
        """Read one project."""
        return self._send(retrieve_project(project_id, options))

    def list_nodes(
        self,
        project_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> SyncPage[Node]:
        """The visible media nodes of a project; ``limit`` is 1 to 100 per page."""
        return self._list(list_nodes(project_id, limit, cursor, options))

    def events(
        self, project_id: str, *, after: int | None = None, **options: Unpack[RequestOptions]
    ) -> Generator[StreamEvent]:
        """Iterate over what happens in a project (an addition of Terrarium), without an end.

        It begins now, or with the event after the number ``after``. The first event is ``open``: whatever
        you read after it is not older than the events that follow. Otherwise as ``runs.events``.
        """
        driver = self._driver
        operation = project_events(project_id, options)
        return stream(driver, follow_events(operation, driver.config, driver.clock, after=after))


class AsyncProjects(AsyncResource):
    """``client.projects`` of the asynchronous client."""

    @cached_property
    def with_raw_response(self) -> AsyncProjectsWithRawResponse:
        """The same methods; they return ``APIResponse`` objects, with status and headers."""
        return AsyncProjectsWithRawResponse(AsyncProjects(self._driver, raw=True))

    def list(
        self,
        *,
        workspace_id: str,
        query: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> AsyncPaginator[Project]:
        """The projects of a workspace, most recently used first; ``limit`` is 1 to 100 per page."""
        return self._list(list_projects(workspace_id, query, limit, cursor, options))

    async def create(self, *, name: str, workspace_id: str, **options: Unpack[WriteOptions]) -> Project:
        """Make a project."""
        return await self._send(create_project(name, workspace_id, options))

    async def retrieve(self, project_id: str, **options: Unpack[RequestOptions]) -> Project:
        """Read one project."""
        return await self._send(retrieve_project(project_id, options))

    def list_nodes(
        self,
        project_id: str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> AsyncPaginator[Node]:
        """The visible media nodes of a project; ``limit`` is 1 to 100 per page."""
        return self._list(list_nodes(project_id, limit, cursor, options))

    def events(
        self, project_id: str, *, after: int | None = None, **options: Unpack[RequestOptions]
    ) -> AsyncGenerator[StreamEvent]:
        """Iterate over what happens in a project; see ``Projects.events`` and ``contextlib.aclosing``."""
        driver = self._driver
        operation = project_events(project_id, options)
        return stream_async(driver, follow_events(operation, driver.config, driver.clock, after=after))


class ProjectsWithRawResponse:
    """``client.projects.with_raw_response``. Events take many requests: no raw form."""

    def __init__(self, projects: Projects) -> None:
        self.list = raw(projects.list)
        self.create = raw(projects.create)
        self.retrieve = raw(projects.retrieve)
        self.list_nodes = raw(projects.list_nodes)


class AsyncProjectsWithRawResponse:
    """``client.projects.with_raw_response`` of the asynchronous client."""

    def __init__(self, projects: AsyncProjects) -> None:
        self.list = raw_async(projects.list)
        self.create = raw_async(projects.create)
        self.retrieve = raw_async(projects.retrieve)
        self.list_nodes = raw_async(projects.list_nodes)
