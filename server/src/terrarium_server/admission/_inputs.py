"""The check of the media that a run starts from."""

from functools import partial
from typing import Any

from terrarium_server import assets, runs
from terrarium_server.assets import UnknownMedium
from terrarium_server.catalog import ModelCard
from terrarium_server.media import FetchError, FetchRules, check_link
from terrarium_server.problems import FieldProblem, InvalidInput
from terrarium_server.store import Transaction


def check_media(
    tx: Transaction, workspace_id: str, card: ModelCard, params: dict[str, Any], rules: FetchRules
) -> None:
    """Check every medium that a run starts from, without fetching any.

    Raises InvalidInput naming each one that is unknown, of the wrong type, or refused by ``rules``.
    """
    owns_run = partial(runs.owns_run, tx, workspace_id)
    problems: list[FieldProblem] = []
    for param in card.params:
        if param.media is None:
            continue
        for link in param.links(params):
            try:
                if assets.find_source(tx, link, param.media, owns_run).medium is None:
                    check_link(link, rules)
            except UnknownMedium as unknown:
                problems.append(FieldProblem(f"params.{param.name}", str(unknown)))
            except FetchError as refused:
                message = str(refused)
                problems.append(FieldProblem(f"params.{param.name}", message[0].upper() + message[1:]))
    if problems:
        raise InvalidInput(problems)
