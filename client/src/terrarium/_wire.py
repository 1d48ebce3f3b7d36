"""The shapes on the wire. Generated from contract/openapi.json by `make contract`; do not edit."""

from typing import Any, Literal

from terrarium._model import FloraModel


class BatchStart(FloraModel):
    """One start of a batch."""

    model: str | None = None
    """Model endpoint ID"""
    params: dict[str, Any] | None = None
    """Model parameters"""
    prompt: str
    """Generation prompt"""
    type: Literal["image", "video", "audio", "text"]
    """Generation type"""


class CreateProject(FloraModel):
    """Body of ``POST /projects``."""

    name: str
    workspace_id: str


class ErrorField(FloraModel):
    """A rejected field and why."""

    field: str
    message: str


class ErrorDetail(FloraModel):
    """What went wrong; ``fields`` only where fields were rejected."""

    code: Literal[
        "input_validation_error",
        "invalid_json",
        "unauthorized",
        "invalid_api_key",
        "insufficient_credits",
        "forbidden",
        "not_found",
        "idempotency_duplicate",
        "rate_limited",
        "service_unavailable",
        "unknown_error",
    ]
    fields: list[ErrorField] | None = None
    message: str


class ErrorEnvelope(FloraModel):
    """``{"error": {...}}``."""

    error: ErrorDetail


class Event(FloraModel):
    """Ours: one change. Further fields, types and states may be added."""

    actor: str
    """`key:` and the id of a key, or `system`"""
    created_at: int
    error_code: str | None = None
    error_message: str | None = None
    number: int
    """Its place in the stream, also the `id` of the event"""
    project_id: str | None
    root_run_id: str
    """The run at the top of the graph that the run belongs to, or itself"""
    run_id: str
    status: str | None = None
    """The status of the run from now on"""
    type: str
    """`run.created`, `run.started`, `run.queued`, `run.completed` and so on"""


class EventPosition(FloraModel):
    """Ours: the data of `open` and `reset`; events after this number follow. Null: from the beginning."""

    number: int | None


class Node(FloraModel):
    """A visible media node; ``url`` is the text itself on text nodes. Sizes are pixels."""

    asset_id: str | None = None
    height: int | None = None
    label: str | None = None
    node_id: str
    type: Literal["image", "video", "audio", "text"]
    url: str | None = None
    width: int | None = None


class PageMeta(FloraModel):
    """Where the next page starts; ``next_cursor`` is null on the last one."""

    next_cursor: str | None


class NodePage(FloraModel):
    """One page of a project's nodes, oldest first."""

    canvas_url: str
    meta: PageMeta
    nodes: list[Node]
    project_id: str


class ParamOption(FloraModel):
    """One accepted value. A number is written as text; a start takes the text and the number."""

    description: str | None = None
    label: str
    value: str


class ParamProperty(FloraModel):
    """Bounds of one key of a ``dict`` parameter."""

    default: float
    max: float
    min: float


class ModelParam(FloraModel):
    """One parameter a model accepts. ``max`` of a ``string[]`` is the most strings in it."""

    default: Any = None
    description: str | None = None
    label: str | None = None
    max: float | None = None
    min: float | None = None
    name: str
    options: list[ParamOption] | None = None
    properties: dict[str, ParamProperty] | None = None
    required: bool
    type: Literal["string", "string[]", "bool", "int", "int?", "seed", "float", "dict"]


class Model(FloraModel):
    """A model as ``GET /models`` lists it. One credit is 0.001 USD."""

    aliases: list[str] | None = None
    beta: bool | None = None
    capabilities: list[str]
    description: str | None = None
    estimated_credits: int
    estimated_seconds: int
    model_id: str
    name: str
    params: list[ModelParam]
    provider: str
    type: Literal["image", "video", "audio", "text"]
    unavailable: str | None = None


class ModelList(FloraModel):
    """All models, or those of one type."""

    models: list[Model]


class Project(FloraModel):
    """A project. Times are UTC milliseconds."""

    created_at: int
    last_modified: int | None
    name: str
    origin: str | None
    project_id: str
    workspace_id: str


class ProjectPage(FloraModel):
    """One page, most recently used first."""

    meta: PageMeta
    projects: list[Project]


class Rerun(FloraModel):
    """Body of ``POST /runs/{run_id}/rerun``, which is ours: what shall be different."""

    model: str | None = None
    """Another model of the same type; it takes the parameters that it has"""
    params: dict[str, Any] | None = None
    """Parameters to change; null removes one. With `seed: null` there is a new seed"""
    priority: int | None = None
    """Another priority"""
    prompt: str | None = None
    """Another prompt"""


class RunAction(FloraModel):
    """Which action a run executes."""

    action_id: Literal[
        "split-text",
        "find-and-replace-text",
        "concat-text",
        "ken-burns-video",
        "color-grade-image",
        "change-image-ar",
        "rotate-image",
        "flip-image",
        "color-filter-image",
        "color-tint-image",
        "filter-color-image",
        "blur-image",
        "duplicate-image",
        "side-by-side-composite",
        "add-shape-to-image",
        "generate-shape-image",
        "add-text-to-image",
        "generate-text-image",
        "qr-code-generator",
        "stitch-videos",
        "split-video",
        "extract-video-frames",
        "color-grade-video",
        "video-to-frame-grid",
        "boomerang-video",
        "reverse-video",
        "video-to-long-exposure",
        "video-effect",
        "color-filter-video",
        "speed-up-video",
        "slow-down-video",
        "duplicate-video",
        "greenscreen-video",
        "resize-video",
        "change-video-ar",
        "split-audio-from-video",
        "merge-audio-into-video",
    ]


class RunCounts(FloraModel):
    """Ours: how many runs of a batch are in each state."""

    completed: int
    failed: int
    pending: int
    running: int
    skipped: int


class RunModel(FloraModel):
    """Which model executes a run."""

    model_id: str


class RunEstimate(FloraModel):
    """Answer to ``POST /runs/estimate``: what the same start would hold (USD) and take (seconds)."""

    charged_cost: float
    estimated_seconds: int | None
    model: RunModel
    type: Literal["generation", "technique", "action"]


class RunOutput(FloraModel):
    """One output; for text, ``url`` is the text itself."""

    output_id: str
    type: Literal["imageUrl", "videoUrl", "audioUrl", "text", "documentUrl"]
    url: str


class RunPreview(FloraModel):
    """Ours: the output of a running run so far; ``url`` is the text itself, or a ``data:`` URL."""

    type: Literal["text", "imageUrl"]
    url: str


class Generation(FloraModel):
    """A row of ``GET /generations``; ``generation_id`` equals ``run_id``."""

    charged_cost: float | None = None
    completed_at: int | None = None
    created_at: int
    error_code: str | None = None
    error_message: str | None = None
    generation_id: str
    model: RunModel | None = None
    outputs: list[RunOutput] | None = None
    poll_url: str | None = None
    preview: RunPreview | None = None
    progress: float
    project_id: str
    run_id: str
    started_at: int | None = None
    status: Literal["pending", "running", "completed", "failed"]
    workspace_id: str


class GenerationPage(FloraModel):
    """One page, newest first."""

    generations: list[Generation]
    meta: PageMeta


class RunProgressed(FloraModel):
    """Ours: the data of `run.progress`, which has no `id` and is not repeated after a reconnection."""

    preview: RunPreview | None = None
    progress: float
    root_run_id: str
    run_id: str


class RunStep(FloraModel):
    """Ours: one run of a batch. ``step`` is the place of its start in the request."""

    after: list[str] | None = None
    """The steps that it waits for, or waited for"""
    charged_cost: float
    error_code: str | None = None
    error_message: str | None = None
    model: RunModel
    outputs: list[RunOutput] | None = None
    progress: float
    run_id: str
    status: Literal["pending", "running", "completed", "failed", "skipped"]
    step: str
    type: Literal["image", "video", "audio", "text"]


class RunDetail(FloraModel):
    """
    A run with what is ours: what was asked for, and how it goes.

    A batch has ``steps`` and their ``counts``, and is completed if any step is, unless it was cancelled. Its
    ``outputs`` are those of its steps. ``batch_id`` is the batch that a run belongs to. A run that waits for
    its engine has ``queue_position``, how many runs start before it, up to 1,000, and
    ``estimated_start_seconds``. All of it is optional, so that clients accept the runs of other servers.
    """

    actor: str | None = None
    batch_id: str | None = None
    charged_cost: float | None = None
    completed_at: int | None = None
    counts: RunCounts | None = None
    created_at: int
    error_code: str | None = None
    error_message: str | None = None
    estimated_start_seconds: int | None = None
    max_parallel: int | None = None
    model: RunModel | None = None
    outputs: list[RunOutput] | None = None
    params: dict[str, Any] | None = None
    poll_url: str | None = None
    preview: RunPreview | None = None
    priority: int | None = None
    progress: float
    project_id: str | None = None
    prompt: str | None = None
    queue_position: int | None = None
    run_id: str
    seed: int | None = None
    started_at: int | None = None
    status: Literal["pending", "running", "completed", "failed"]
    steps: list[RunStep] | None = None
    type: Literal["generation", "technique", "action", "batch"] | None = None


class RunTechnique(FloraModel):
    """Which technique a run follows."""

    name: str
    technique_id: str


class RunStarted(FloraModel):
    """
    Answer to every start of a run. ``charged_cost`` is the quote in USD.

    ``run`` is ours: the run, if the caller waited for its end with ``Prefer: wait=N``.
    """

    action: RunAction | None = None
    charged_cost: float
    estimated_seconds: int | None
    model: RunModel | None = None
    poll_url: str | None = None
    project_id: str | None = None
    run: RunDetail | None = None
    run_id: str
    technique: RunTechnique | None = None
    type: Literal["generation", "technique", "action"]


class BatchStarted(FloraModel):
    """
    Answer to ``POST /runs/batch``: the batch, and its runs in the order of the request.

    ``charged_cost`` is the quote for all in USD. ``estimated_seconds`` is for the case that all that may run
    at the same time do.
    """

    charged_cost: float
    estimated_seconds: int | None
    poll_url: str
    project_id: str
    run: RunDetail | None = None
    run_id: str
    runs: list[RunStarted]
    type: Literal["batch"]


class StartBatch(FloraModel):
    """Body of ``POST /runs/batch``, which is ours."""

    max_parallel: int | None = None
    """How many of them may run at the same time"""
    priority: int | None = 0
    """As for a single start; it is that of all of them"""
    project_id: str
    """Project identifier"""
    starts: list[BatchStart]
    """The generations to start, all or none of them"""
    workspace_id: str
    """Workspace identifier"""


class StartGeneration(FloraModel):
    """Body of ``POST /runs/generation`` and ``POST /generate``."""

    model: str | None = None
    """Model endpoint ID"""
    params: dict[str, Any] | None = None
    """Model parameters"""
    priority: int | None = 0
    """Ours: runs of a higher priority start first in their workspace; the owner may cap it"""
    project_id: str
    """Project identifier"""
    prompt: str
    """Generation prompt"""
    type: Literal["image", "video", "audio", "text"]
    """Generation type"""
    workspace_id: str
    """Workspace identifier"""


class Workspace(FloraModel):
    """A workspace and the caller's role in it; ``created_at`` in UTC milliseconds."""

    created_at: int | None
    name: str
    role: str
    workspace_id: str


class WorkspaceList(FloraModel):
    """The workspaces of the caller."""

    workspaces: list[Workspace]
