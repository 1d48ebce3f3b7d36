"""``terrarium runs rerun``: start a run again, exactly or with changes."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._defaults import client, parameters
from ._generate import Force, Limit, NoWait, Out, Params, Priority, print_started
from ._lists import AsJson, RunId
from ._outcome import finish, prepare_for, wait_for_end
from ._report import BadInput, reports_errors
from ._saving import name_for

if TYPE_CHECKING:
    from .. import Flora
    from ..types import Run


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
    new_seed = _seed(seed)
    with client() as flora:
        before = flora.runs.retrieve(run_id)
        if not no_wait:
            prepare_for(before, out, force=force)
        changes = _parameters(flora, before, param or [], model) | new_seed
        started = flora.runs.rerun(
            run_id, prompt=prompt, model=model, params=changes or None, priority=priority
        )
        if no_wait:
            print_started(started, as_json=as_json)
            return
        run = wait_for_end(
            flora, started.run_id, estimate=started.estimated_seconds, timeout=timeout, as_json=as_json
        )
        name = name_for(run.prompt, run.run_id) if run.prompt else run.run_id
        finish(flora, run, out=out, name=name, force=force, as_json=as_json)


def _parameters(flora: "Flora", before: "Run", pairs: list[str], model: str | None) -> dict[str, Any]:
    """The parameters to change, None for those to remove."""
    model = model or (before.model.model_id if before.model else None)
    changes = parameters(flora, pairs, model) or {}
    for pair in pairs:
        name, _, text = pair.partition("=")
        # Also where the model has a text of this name.
        if text == "null":
            changes[name] = None
    return changes


def _seed(seed: str | None) -> dict[str, int | None]:
    """The seed to change, None for a new one."""
    if seed is None:
        return {}
    if seed == "new":
        return {"seed": None}
    try:
        return {"seed": int(seed)}
    except ValueError:
        raise BadInput(f"--seed {seed}: give a whole number, or `new`") from None
