"""Our records as FLORA's shapes."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import get_args

from terrarium_server import runs, wire
from terrarium_server.accounts import ProjectRecord
from terrarium_server.assets import KeptOutput
from terrarium_server.canvas import NodeRecord
from terrarium_server.catalog import ModelCard
from terrarium_server.money import to_usd
from terrarium_server.runs import Run, RunState

from ._run_view import RunView

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
        charged_cost=to_usd(run.quote_micros),
        estimated_seconds=run.estimated_seconds,
        model=_model_of(run),
        poll_url=poll_url(base_url, run.run_id),
        project_id=run.project_id,
    )


def batch_started(root: Run, members: Sequence[Run], base_url: str) -> wire.BatchStarted:
    """Show a batch that was just admitted."""
    assert root.project_id is not None
    return wire.BatchStarted(
        run_id=root.run_id,
        type="batch",
        charged_cost=to_usd(root.held_micros),
        estimated_seconds=root.estimated_seconds,
        poll_url=poll_url(base_url, root.run_id),
        project_id=root.project_id,
        runs=[started(run, base_url) for run in members],
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
    cost = run.quote_micros if run.cost_micros is None else run.cost_micros
    return {
        "run_id": run.run_id,
        # Skipped is not among FLORA's; the message says it.
        "status": "failed" if run.state == "skipped" else run.state,
        "progress": run.progress,
        "created_at": run.created_at,
        "started_at": run.started_at,
        "completed_at": run.completed_at,
        "charged_cost": to_usd(cost),
        "error_code": run.error_code,
        "error_message": run.error_message,
        "outputs": _outputs(outputs, base_url) if run.state == "completed" else None,
        "poll_url": poll_url(base_url, run.run_id),
        "preview": preview(run.preview) if run.state == "running" and run.preview else None,
    }


def _outputs(records: Iterable[KeptOutput], base_url: str) -> list[wire.RunOutput]:
    return [output(record, base_url) for record in records]


def preview(content: str) -> wire.RunPreview:
    """Show the output of a running run so far."""
    return wire.RunPreview(type="imageUrl" if content.startswith("data:image/") else "text", url=content)


def run_detail(view: RunView, base_url: str) -> wire.RunDetail:
    """Show a run with what was asked for, and a batch with its steps."""
    record = view.run
    # A batch has the outputs of its steps, in their order.
    owners = [step.run_id for step in view.steps] if record.is_root else [record.run_id]
    outputs = [kept for run_id in owners for kept in view.outputs.get(run_id, ())]
    fields = _run_fields(record, outputs, base_url)
    fields |= {
        "type": record.run_type,
        "project_id": record.project_id,
        "priority": -record.rank,
        "actor": record.actor,
        "queue_position": view.queue_position,
        "estimated_start_seconds": view.start_seconds,
    }
    if record.is_root:
        fields |= _batch_fields(view, base_url)
        if record.is_over and outputs:
            # Also of a batch that was cancelled: what had completed is charged.
            fields["outputs"] = _outputs(outputs, base_url)
    else:
        fields |= {
            "prompt": record.prompt,
            "model": _model_of(record),
            "params": record.input,
            "seed": record.seed,
            "batch_id": record.parent_run_id,
        }
    return wire.RunDetail.model_validate(fields)


def _batch_fields(view: RunView, base_url: str) -> dict[str, object]:
    counts = Counter(step.state for step in view.steps)
    began = [step.started_at for step in view.steps if step.started_at is not None]
    fields: dict[str, object] = {
        "max_parallel": view.run.max_parallel,
        "counts": {state: counts[state] for state in get_args(RunState)},
        "steps": _steps(view, base_url),
    }
    if not view.run.is_over:
        # A root waits for its members without being written, so how far it is shows in them.
        fields["status"] = "running" if began else "pending"
        fields["progress"] = runs.progress_of(view.steps)
        fields["started_at"] = min(began, default=None)
    return fields


def _steps(view: RunView, base_url: str) -> list[wire.RunStep]:
    names = {step.run_id: step.step_path or step.run_id for step in view.steps}
    after: dict[str, list[str]] = {}
    for edge in view.edges:
        after.setdefault(edge.to_run_id, []).append(names[edge.from_run_id])
    return [
        wire.RunStep.model_validate(
            {
                "step": names[step.run_id],
                "run_id": step.run_id,
                "status": step.state,
                "progress": step.progress,
                "type": step.type,
                "model": wire.RunModel(model_id=step.requested_model or step.subject),
                "charged_cost": to_usd(
                    (step.budget_micros or 0) if step.cost_micros is None else step.cost_micros
                ),
                "after": after.get(step.run_id),
                "outputs": _outputs(view.outputs.get(step.run_id, ()), base_url) or None,
                "error_code": step.error_code,
                "error_message": step.error_message,
            }
        )
        for step in view.steps
    ]


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
