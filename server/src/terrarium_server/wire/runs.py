"""Starting, reading and listing runs."""

from typing import Annotated, Any, Literal

from pydantic import Field

from ._shapes import Body, Fields, FilledText, GenerationType, LeftOut, PageMeta, ProjectId, Wire, WorkspaceId

MOST_STARTS = 200
RunType = Literal["generation", "technique", "action"]
RunStatus = Literal["pending", "running", "completed", "failed"]
# Higher ones start first among the runs of one workspace.
Priority = Annotated[int, Field(strict=True, ge=-10, le=10)]
OutputType = Literal["imageUrl", "videoUrl", "audioUrl", "text", "documentUrl"]
Usd = Annotated[float, Field(ge=0)]

ActionId = Literal[
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


class StartGeneration(Body):
    """Body of ``POST /runs/generation`` and ``POST /generate``."""

    workspace_id: WorkspaceId = Field(description="Workspace identifier")
    project_id: ProjectId = Field(description="Project identifier")
    type: GenerationType = Field(description="Generation type")
    prompt: FilledText = Field(description="Generation prompt")
    model: FilledText | None = Field(None, description="Model endpoint ID")
    params: Fields | None = Field(None, description="Model parameters")
    priority: Priority = Field(
        0,
        description="Ours: runs of a higher priority start first in their workspace; the owner may cap it",
    )


class BatchStart(Body):
    """One start of a batch."""

    type: GenerationType = Field(description="Generation type")
    prompt: FilledText = Field(description="Generation prompt")
    model: FilledText | None = Field(None, description="Model endpoint ID")
    params: Fields | None = Field(None, description="Model parameters")


class StartBatch(Body):
    """Body of ``POST /runs/batch``, which is ours."""

    workspace_id: WorkspaceId = Field(description="Workspace identifier")
    project_id: ProjectId = Field(description="Project identifier")
    starts: Annotated[list[BatchStart], Field(min_length=1, max_length=MOST_STARTS)] = Field(
        description="The generations to start, all or none of them"
    )
    max_parallel: Annotated[int, Field(strict=True, ge=1, le=MOST_STARTS)] | None = Field(
        None, description="How many of them may run at the same time"
    )
    priority: Priority = Field(0, description="As for a single start; it is that of all of them")


class Rerun(Body):
    """Body of ``POST /runs/{run_id}/rerun``, which is ours: what shall be different."""

    prompt: FilledText | None = Field(None, description="Another prompt")
    model: FilledText | None = Field(
        None, description="Another model of the same type; it takes the parameters that it has"
    )
    params: Fields | None = Field(
        None, description="Parameters to change; null removes one. With `seed: null` there is a new seed"
    )
    priority: Priority | None = Field(None, description="Another priority")


class RunAction(Wire):
    """Which action a run executes."""

    action_id: ActionId


class RunModel(Wire):
    """Which model executes a run."""

    model_id: Annotated[str, Field(min_length=1)]


class RunTechnique(Wire):
    """Which technique a run follows."""

    technique_id: str
    name: str


class RunEstimate(Wire):
    """Answer to ``POST /runs/estimate``: what the same start would hold (USD) and take (seconds)."""

    charged_cost: Usd
    estimated_seconds: Annotated[int, Field(ge=0)] | None
    model: RunModel
    type: RunType


class RunOutput(Wire):
    """One output; for text, ``url`` is the text itself."""

    output_id: str
    type: OutputType
    url: Annotated[str, Field(min_length=1)]


class RunPreview(Wire):
    """Ours: the output of a running run so far; ``url`` is the text itself, or a ``data:`` URL."""

    type: Literal["text", "imageUrl"]
    url: Annotated[str, Field(min_length=1)]


class Run(Wire):
    """A run as ``GET /runs/{run_id}`` shows it. Times are UTC milliseconds, progress 0 to 100."""

    run_id: str
    status: RunStatus
    progress: Annotated[float, Field(ge=0, le=100)]
    created_at: int
    started_at: Annotated[int | None, LeftOut] = None
    completed_at: Annotated[int | None, LeftOut] = None
    charged_cost: Annotated[Usd | None, LeftOut] = None
    error_code: Annotated[str | None, LeftOut] = None
    error_message: Annotated[str | None, LeftOut] = None
    outputs: Annotated[list[RunOutput] | None, LeftOut] = None
    poll_url: Annotated[str | None, LeftOut] = None
    preview: Annotated[RunPreview | None, LeftOut] = None


class RunStep(Wire):
    """Ours: one run of a batch. ``step`` is the place of its start in the request."""

    step: str
    run_id: str
    status: Literal["pending", "running", "completed", "failed", "skipped"]
    progress: Annotated[float, Field(ge=0, le=100)]
    type: GenerationType
    model: RunModel
    charged_cost: Usd
    after: Annotated[list[str] | None, LeftOut] = Field(
        None, description="The steps that it waits for, or waited for"
    )
    outputs: Annotated[list[RunOutput] | None, LeftOut] = None
    error_code: Annotated[str | None, LeftOut] = None
    error_message: Annotated[str | None, LeftOut] = None


class RunCounts(Wire):
    """Ours: how many runs of a batch are in each state."""

    pending: int
    running: int
    completed: int
    failed: int
    skipped: int


class RunDetail(Run):
    """A run with what is ours: what was asked for, and how it goes.

    A batch has ``steps`` and their ``counts``, and is completed if any step is, unless it was cancelled. Its
    ``outputs`` are those of its steps. ``batch_id`` is the batch that a run belongs to. A run that waits for
    its engine has ``queue_position``, how many runs start before it, up to 1,000, and
    ``estimated_start_seconds``. All of it is optional, so that clients accept the runs of other servers.
    """

    type: Annotated[Literal["generation", "technique", "action", "batch"] | None, LeftOut] = None
    project_id: Annotated[str | None, LeftOut] = None
    prompt: Annotated[str | None, LeftOut] = None
    model: Annotated[RunModel | None, LeftOut] = None
    params: Annotated[dict[str, Any] | None, LeftOut] = None
    seed: Annotated[int | None, LeftOut] = None
    priority: Annotated[int | None, LeftOut] = None
    actor: Annotated[str | None, LeftOut] = None
    max_parallel: Annotated[int | None, LeftOut] = None
    batch_id: Annotated[str | None, LeftOut] = None
    queue_position: Annotated[int | None, LeftOut] = None
    estimated_start_seconds: Annotated[int | None, LeftOut] = None
    counts: Annotated[RunCounts | None, LeftOut] = None
    steps: Annotated[list[RunStep] | None, LeftOut] = None


class RunStarted(Wire):
    """Answer to every start of a run. ``charged_cost`` is the quote in USD.

    ``run`` is ours: the run, if the caller waited for its end with ``Prefer: wait=N``.
    """

    run_id: str
    type: RunType
    charged_cost: Usd
    estimated_seconds: Annotated[int, Field(ge=0)] | None
    action: RunAction | None = None
    model: RunModel | None = None
    technique: RunTechnique | None = None
    poll_url: str | None = None
    project_id: str | None = None
    run: Annotated[RunDetail | None, LeftOut] = None


class BatchStarted(Wire):
    """Answer to ``POST /runs/batch``: the batch, and its runs in the order of the request.

    ``charged_cost`` is the quote for all in USD. ``estimated_seconds`` is for the case that all that may run
    at the same time do.
    """

    run_id: str
    type: Literal["batch"]
    charged_cost: Usd
    estimated_seconds: Annotated[int, Field(ge=0)] | None
    poll_url: str
    project_id: str
    runs: list[RunStarted]
    run: Annotated[RunDetail | None, LeftOut] = None


class Generation(Run):
    """A row of ``GET /generations``; ``generation_id`` equals ``run_id``."""

    generation_id: str
    workspace_id: str
    project_id: str
    model: Annotated[RunModel | None, LeftOut] = None


class GenerationPage(Wire):
    """One page, newest first."""

    generations: list[Generation]
    meta: PageMeta
