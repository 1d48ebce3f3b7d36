"""Starting, reading and listing runs."""

from typing import Annotated, Literal

from pydantic import Field

from ._shapes import Body, Fields, FilledText, GenerationType, LeftOut, PageMeta, ProjectId, Wire, WorkspaceId

RunType = Literal["generation", "technique", "action"]
RunStatus = Literal["pending", "running", "completed", "failed"]
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
    run: Annotated[Run | None, LeftOut] = None


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
