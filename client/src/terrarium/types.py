"""The shapes of requests and responses, for type annotations."""

from typing import Literal

from ._wire import (
    BatchStarted,
    Event,
    EventPosition,
    Generation,
    Model,
    ModelList,
    ModelParam,
    Node,
    ParamOption,
    ParamProperty,
    Project,
    RunAction,
    RunCounts,
    RunEstimate,
    RunModel,
    RunOutput,
    RunPreview,
    RunProgressed,
    RunStarted,
    RunStep,
    RunTechnique,
    Workspace,
    WorkspaceList,
)
from ._wire import RunDetail as Run

GenerationType = Literal["image", "video", "audio", "text"]
RunStatus = Literal["pending", "running", "completed", "failed"]


class RunProgress(RunProgressed):
    """The progress of a running run, from 0 to 100. It has no number and is never sent again."""

    type: Literal["run.progress"]


class StreamPosition(EventPosition):
    """Where events go on: those after ``number`` follow, or with None all that the server has.

    ``open`` comes first. ``reset`` says that the server no longer has events that the caller has not seen, so
    whatever was derived from events must be read anew.
    """

    type: Literal["open", "reset"]


StreamEvent = Event | RunProgress | StreamPosition

__all__ = [
    "BatchStarted",
    "Event",
    "Generation",
    "GenerationType",
    "Model",
    "ModelList",
    "ModelParam",
    "Node",
    "ParamOption",
    "ParamProperty",
    "Project",
    "Run",
    "RunAction",
    "RunCounts",
    "RunEstimate",
    "RunModel",
    "RunOutput",
    "RunPreview",
    "RunProgress",
    "RunStarted",
    "RunStatus",
    "RunStep",
    "RunTechnique",
    "StreamEvent",
    "StreamPosition",
    "Workspace",
    "WorkspaceList",
]
