"""Our records as FLORA's shapes."""

from terrarium_server import wire
from terrarium_server.accounts import ProjectRecord
from terrarium_server.assets import KeptOutput
from terrarium_server.canvas import NodeRecord
from terrarium_server.catalog import ModelCard
from terrarium_server.money import to_usd
from terrarium_server.runs import Run

_MICROS_PER_CREDIT = 1_000
_OUTPUT_TYPES: dict[str, wire.OutputType] = {
    "image": "imageUrl",
    "video": "videoUrl",
    "audio": "audioUrl",
    "text": "text",
    # Until the next release: a worker of an older version that was stopped during the upgrade records these.
    "imageUrl": "imageUrl",
    "videoUrl": "videoUrl",
    "audioUrl": "audioUrl",
}


def credits_of(micros: int) -> int:
    """Return micro-USD as whole credits of 0.001 USD, rounded up, so that only what is free shows 0."""
    return -(-micros // _MICROS_PER_CREDIT)


def poll_url(base_url: str, run_id: str) -> str:
    """Return the URL at which a run is polled."""
    return f"{base_url}/api/v1/runs/{run_id}"


def started(run: Run, base_url: str) -> wire.RunStarted:
    """Show a run that was just admitted."""
    return wire.RunStarted(
        run_id=run.run_id,
        type="generation",
        charged_cost=to_usd(run.held_micros),
        estimated_seconds=run.estimated_seconds,
        model=_model_of(run),
        poll_url=poll_url(base_url, run.run_id),
        project_id=run.project_id,
    )


def _model_of(run: Run) -> wire.RunModel:
    """Show the model of a run under the id that was requested."""
    return wire.RunModel(model_id=run.requested_model or run.subject)


def output(record: KeptOutput, base_url: str) -> wire.RunOutput:
    """Show an output: its text, or the link to its bytes."""
    return wire.RunOutput(
        output_id=record.output_id, type=_OUTPUT_TYPES[record.type], url=content(record, base_url) or " "
    )


def content(record: KeptOutput, base_url: str) -> str:
    """Return an output's text, or the link to its bytes."""
    return record.text if record.text is not None else f"{base_url}/media/{record.link}"


def _run_fields(run: Run, outputs: list[KeptOutput], base_url: str) -> dict[str, object]:
    cost = run.held_micros if run.cost_micros is None else run.cost_micros
    return {
        "run_id": run.run_id,
        "status": run.state,
        "progress": run.progress,
        "created_at": run.created_at,
        "started_at": run.started_at,
        "completed_at": run.completed_at,
        "charged_cost": to_usd(cost),
        "error_code": run.error_code,
        "error_message": run.error_message,
        "outputs": [output(item, base_url) for item in outputs] if run.state == "completed" else None,
        "poll_url": poll_url(base_url, run.run_id),
        "preview": _preview(run) if run.state == "running" and run.preview else None,
    }


def _preview(run: Run) -> wire.RunPreview:
    preview = run.preview or ""
    return wire.RunPreview(type="imageUrl" if preview.startswith("data:image/") else "text", url=preview)


def run(record: Run, outputs: list[KeptOutput], base_url: str) -> wire.Run:
    """Show a run."""
    return wire.Run.model_validate(_run_fields(record, outputs, base_url))


def generation(record: Run, outputs: list[KeptOutput], base_url: str) -> wire.Generation:
    """Show a row of the generation history."""
    return wire.Generation.model_validate(
        {
            **_run_fields(record, outputs, base_url),
            "generation_id": record.run_id,
            "workspace_id": record.workspace_id,
            "project_id": record.project_id,
            "model": _model_of(record),
        }
    )


def model(
    card: ModelCard, default_micros: int, seconds: int, aliases: list[str], problem: str | None
) -> wire.Model:
    """Show a model card; ``default_micros`` is the price of a run with default parameters."""
    return wire.Model(
        model_id=card.id,
        name=card.name,
        type=card.type,
        provider=card.provider,
        description=card.description,
        capabilities=list(card.capabilities),
        estimated_credits=credits_of(default_micros),
        estimated_seconds=seconds,
        params=[
            wire.ModelParam(
                name=param.name,
                type=param.type,
                required=param.required,
                default=param.default,
                min=param.min,
                max=param.most_items if param.type == "string[]" else param.max,
                label=param.label,
                description=param.description,
                options=[
                    wire.ParamOption(value=option.text, label=option.label, description=option.description)
                    for option in param.options
                ]
                or None,
            )
            for param in card.params
        ],
        beta=card.beta or None,
        aliases=aliases or None,
        unavailable=problem,
    )


def project(record: ProjectRecord) -> wire.Project:
    """Show a project."""
    return wire.Project(
        project_id=record.project_id,
        name=record.name,
        workspace_id=record.workspace_id,
        origin=record.origin,
        last_modified=record.last_modified,
        created_at=record.created_at,
    )


def node(record: NodeRecord, output: KeptOutput | None, base_url: str) -> wire.Node:
    """Show a canvas node and the output on it, if there is one."""
    return wire.Node.model_validate(
        {
            "node_id": record.node_id,
            "type": record.type,
            "label": record.label,
            "url": content(output, base_url) if output is not None else None,
            "width": record.width,
            "height": record.height,
        }
    )
