"""Jobs for the pocket models, as the server would submit them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.driver import content
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
    """Return a job for a shipped card, or one in ``folder``, with checked parameters and its weights."""
    card = next((card for card in load_cards(folder) if card.id == model_id), None)
    assert card is not None, f"there is no card {model_id}"
    weights = find_weights(card, weights_folder())
    if weights is None:
        pytest.fail(f"the weights of {model_id} are missing; `make setup` fetches them")
    media = {name: f"asset_{name}" for name in inputs or {}}
    checked = check_params(card, {**media, **params})
    return Job(key, card.id, card.type, prompt, checked, seed, inputs or {}, card.options, weights)


def in_memory(end: End) -> End:
    """Read the output files of a job's end into memory, and delete them."""
    if not isinstance(end, Finished):
        return end
    return Finished(tuple(replace(output, data=content(output)) for output in end.outputs))


def medium(end: End) -> bytes:
    """Return the bytes of a finished job's one output, which is no text."""
    assert isinstance(end, Finished), end
    (output,) = end.outputs
    data = content(output)
    assert isinstance(data, bytes)
    return data
