"""What a person left open, chosen for them: client, workspace, project, the types of parameters."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ._report import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .. import Flora
    from .._wire import ModelParam


def client() -> Flora:
    """A client with the settings of the environment."""
    from .. import Flora

    try:
        return Flora()
    except ValueError as wrong:
        raise BadInput(f"FLORA_BASE_URL: {wrong}") from wrong


def first_workspace(flora: Flora) -> str:
    """The key's first workspace."""
    found = flora.workspaces.list().workspaces
    if not found:
        raise BadInput("This key sees no workspace.")
    return found[0].workspace_id


def place(flora: Flora, workspace: str | None, project: str | None) -> tuple[str, str]:
    """Workspace and project to work in: the given ones, else the first, and the most recently used."""
    if project:
        return workspace or flora.projects.retrieve(project).workspace_id, project
    workspace = workspace or first_workspace(flora)
    newest = flora.projects.list(workspace_id=workspace, limit=1).items
    if not newest:
        raise BadInput("There is no project yet. Make one: terrarium projects create NAME")
    return workspace, newest[0].project_id


def parameters(flora: Flora, pairs: Sequence[str], model: str | None) -> dict[str, Any] | None:
    """``k=v`` pairs as the model's parameters, by their types where the model is known."""
    if not pairs:
        return None
    split = [pair.partition("=") for pair in pairs]
    for name, equals, _ in split:
        if not name or not equals:
            raise BadInput(f"--param {name or '…'}: write it as NAME=VALUE")
    known: dict[str, ModelParam] = {}
    if model:
        rows = flora.models.list().models
        known = {param.name: param for row in rows if row.model_id == model for param in row.params}
    return {name: value_of(text, known[name].type if name in known else None) for name, _, text in split}


def value_of(text: str, kind: str | None) -> Any:
    """A value as typed in a shell: JSON where it is that, else a string; a string where one is wanted."""
    if kind == "string":
        return text
    value: Any
    try:
        value = json.loads(text)
    except ValueError:
        value = text
    if kind == "string[]" and not text.startswith("["):
        return [part.strip() for part in text.split(",")]
    return value
