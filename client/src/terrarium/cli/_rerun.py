"""``terrarium runs rerun``: start a run again, exactly or with changes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._defaults import client, parameters
from ._generate import Force, Limit, NoWait, Out, Params, Priority, print_started
from ._lists import AsJson, RunId
from ._outcome import finish, wait_for_end
from ._report import BadInput, reports_errors
from ._saving import name_for, refuse_existing_file

if TYPE_CHECKING:
    from .. import Flora


@reports_errors
def rerun(
    run_id: RunId,
    prompt: Annotated[str | None, typer.Option(help="Another prompt.", show_default="the same")] = None,
    model: Annotated[
        str | None, typer.Option("--model", "-m", help="Another model id.", show_default="the same")
    ] = None,
    param: Params = None,
    seed: Annotated[
        str | None, typer.Option(help="Another seed; `new` chooses one.", show_default="the same")
    ] = None,
    priority: Priority = None,
    out: Out = None,
    force: Force = False,
    timeout: Limit = None,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Start a run again: exactly, with the same seed, or with changes. NAME=null removes a parameter.

    Of a batch only the priority can be changed.
    """
    refuse_existing_file(Path(out) if out is not None else None, force=force)
    with client() as flora:
        started = flora.runs.rerun(
            run_id,
            prompt=prompt,
            model=model,
            params=_changes(flora, run_id, param or [], seed, model),
            priority=priority,
        )
        if no_wait:
            print_started(started, as_json=as_json)
            return
        run = wait_for_end(
            flora, started.run_id, estimate=started.estimated_seconds, timeout=timeout, as_json=as_json
        )
        name = name_for(run.prompt, run.run_id) if run.prompt else run.run_id
        finish(flora, run, out=out, name=name, force=force, as_json=as_json)


def _changes(
    flora: "Flora", run_id: str, pairs: list[str], seed: str | None, model: str | None
) -> dict[str, Any] | None:
    """The parameters to change, None for those to remove."""
    if pairs and not model:
        before = flora.runs.retrieve(run_id).model
        model = before.model_id if before else None
    changes = parameters(flora, pairs, model) or {}
    # Also where the model has a text of this name.
    changes |= {pair.removesuffix("=null"): None for pair in pairs if pair.endswith("=null")}
    if seed is not None:
        if seed != "new" and not seed.isdecimal():
            raise BadInput(f"--seed {seed}: give a whole number, or `new`")
        changes["seed"] = None if seed == "new" else int(seed)
    return changes or None
