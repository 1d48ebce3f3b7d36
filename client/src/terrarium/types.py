"""The shapes of requests and responses, for type annotations."""

from typing import Literal

from ._wire import (
    Generation,
    Model,
    ModelList,
    ModelParam,
    Node,
    ParamOption,
    ParamProperty,
    Project,
    Run,
    RunAction,
    RunEstimate,
    RunModel,
    RunOutput,
    RunStarted,
    RunTechnique,
    Workspace,
    WorkspaceList,
)

GenerationType = Literal["image", "video", "audio", "text"]
RunStatus = Literal["pending", "running", "completed", "failed"]

__all__ = [
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
    "RunEstimate",
    "RunModel",
    "RunOutput",
    "RunStarted",
    "RunStatus",
    "RunTechnique",
    "Workspace",
    "WorkspaceList",
]
