"""Jobs for the models that ship, as the server would hand them to an engine."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.driving import content
from terrarium_server.catalog import check_params, find_weights, load_cards, weights_folder
from terrarium_server.engines import Failed, Finished, Input, Job, Lost

End = Finished | Failed | Lost


def pocket_job(
    model_id: str,
    prompt: str,
    *,
    key: str = "run_1",
    seed: int = 7,
    inputs: dict[str, tuple[Input, ...]] | None = None,
    folder: Path | None = None,
    **params: Any,
) -> Job:
    """A job for a shipped card (or one in ``folder``), its parameters checked and its weights found."""
    card = next((card for card in load_cards(folder) if card.id == model_id), None)
    assert card is not None, f"there is no card {model_id}"
    weights = find_weights(card, weights_folder())
    if weights is None:
        pytest.fail(f"the weights of {model_id} are missing; `make setup` fetches them")
    given = {name: f"asset_{name}" for name in inputs or {}}
    checked = check_params(card, {**given, **params})
    return Job(key, card.id, card.type, prompt, checked, seed, inputs or {}, card.options, weights)


def in_memory(end: End) -> End:
    """A job's end whose outputs hold what was in their files; these are deleted."""
    if not isinstance(end, Finished):
        return end
    return Finished(tuple(replace(output, data=content(output)) for output in end.outputs))


def medium(end: End) -> bytes:
    """The bytes of a finished job's one output, which is no text."""
    assert isinstance(end, Finished), end
    (output,) = end.outputs
    data = content(output)
    assert isinstance(data, bytes)
    return data
