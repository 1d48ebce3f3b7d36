from functools import partial
from typing import Any

from terrarium_server import assets, runs
from terrarium_server.assets import UnknownMedium
from terrarium_server.catalog import ModelCard
from terrarium_server.problems import FieldProblem, InvalidInput
from terrarium_server.store import Transaction


def check_media(tx: Transaction, workspace_id: str, card: ModelCard, params: dict[str, Any]) -> None:
    """Look at every medium that a run is to start from, as far as one can without fetching it.

    Raises InvalidInput naming each one that is unknown here, or of the wrong kind.
    """
    owns_run = partial(runs.owns_run, tx, workspace_id)
    problems: list[FieldProblem] = []
    for param in card.params:
        if param.media is None:
            continue
        for link in param.links(params):
            try:
                assets.find_source(tx, link, param.media, owns_run)
            except UnknownMedium as unknown:
                problems.append(FieldProblem(f"params.{param.name}", str(unknown)))
    if problems:
        raise InvalidInput(problems)
