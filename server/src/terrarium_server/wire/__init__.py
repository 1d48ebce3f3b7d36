"""FLORA's shapes exactly, one module per resource. Imports no other package of the server."""

from ._shapes import Body, FilledText, GenerationType, PageMeta, ProjectId, RunId, Text, Wire, WorkspaceId
from .errors import ErrorCode, ErrorDetail, ErrorEnvelope, ErrorField
from .models import Model, ModelList, ModelParam, ParamOption, ParamProperty, ParamType
from .projects import CreateProject, Node, NodePage, Project, ProjectPage
from .runs import (
    Generation,
    GenerationPage,
    OutputType,
    Run,
    RunEstimate,
    RunModel,
    RunOutput,
    RunPreview,
    RunStarted,
    RunStatus,
    StartGeneration,
)
from .workspaces import Workspace, WorkspaceList

__all__ = [
    "Body",
    "CreateProject",
    "ErrorCode",
    "ErrorDetail",
    "ErrorEnvelope",
    "ErrorField",
    "FilledText",
    "Generation",
    "GenerationPage",
    "GenerationType",
    "Model",
    "ModelList",
    "ModelParam",
    "Node",
    "NodePage",
    "OutputType",
    "PageMeta",
    "ParamOption",
    "ParamProperty",
    "ParamType",
    "Project",
    "ProjectId",
    "ProjectPage",
    "Run",
    "RunEstimate",
    "RunId",
    "RunModel",
    "RunOutput",
    "RunPreview",
    "RunStarted",
    "RunStatus",
    "StartGeneration",
    "Text",
    "Wire",
    "Workspace",
    "WorkspaceId",
    "WorkspaceList",
]
