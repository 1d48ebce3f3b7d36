"""The data of server-sent events: what changed, and the progress of running runs."""

from typing import Annotated

from pydantic import Field

from ._shapes import LeftOut, Wire
from .runs import RunPreview


class Event(Wire):
    """Ours: one change. Further fields, types and states may be added."""

    number: int = Field(description="Its place in the stream, also the `id` of the event")
    type: str = Field(description="`run.created`, `run.started`, `run.queued`, `run.completed` and so on")
    run_id: str
    root_run_id: str = Field(description="The run at the top of the graph that the run belongs to, or itself")
    project_id: str | None
    actor: str = Field(description="`key:` and the id of a key, or `system`")
    created_at: int
    status: Annotated[str | None, LeftOut] = Field(None, description="The status of the run from now on")
    error_code: Annotated[str | None, LeftOut] = None
    error_message: Annotated[str | None, LeftOut] = None


class EventPosition(Wire):
    """Ours: the data of `open` and `reset`; events after this number follow. Null: from the beginning."""

    number: int | None


class RunProgressed(Wire):
    """Ours: the data of `run.progress`, which has no `id` and is not repeated after a reconnection."""

    run_id: str
    root_run_id: str
    progress: Annotated[float, Field(ge=0, le=100)]
    preview: Annotated[RunPreview | None, LeftOut] = None
