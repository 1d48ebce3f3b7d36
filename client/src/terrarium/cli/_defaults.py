"""Defaults for what the user did not specify: client, workspace, project, types of parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._json import parse_json
from ._report import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .. import Flora
    from .._wire import ModelParam


def client() -> Flora:
    """A client with the settings of the environment.

    Raises ``BadInput`` if they cannot be used.
    """
    from .. import Flora

    try:
        return Flora()
    except ValueError as error:
        raise BadInput(f"FLORA_BASE_URL: {error}") from error


def first_workspace(flora: Flora) -> str:
    """The first workspace of the key."""
    workspaces = flora.workspaces.list().workspaces
    if not workspaces:
        raise BadInput("This key has no workspace. Use a key that belongs to one.")
    return workspaces[0].workspace_id


def workspace_and_project(flora: Flora, workspace: str | None, project: str | None) -> tuple[str, str]:
    """The given workspace and project; by default the first workspace and its most recently used project."""
    if project:
        return workspace or flora.projects.retrieve(project).workspace_id, project
    workspace = workspace or first_workspace(flora)
    newest = flora.projects.list(workspace_id=workspace, limit=1).items
    if not newest:
        raise BadInput("There is no project yet. Create one: terrarium projects create NAME")
    return workspace, newest[0].project_id


def parameters(flora: Flora, pairs: Sequence[str], model: str | None) -> dict[str, Any] | None:
    """``NAME=VALUE`` pairs as parameters, converted to the types of the model where it is given.

    Raises ``BadInput``, which names the parameter.
    """
    if not pairs:
        return None
    parts = [pair.partition("=") for pair in pairs]
    for name, equals, _ in parts:
        if not name or not equals:
            raise BadInput(f"--param {name or '…'}: write it as NAME=VALUE")
    declared = declared_parameters(flora, model) if model else {}
    params: dict[str, Any] = {}
    for name, _, text in parts:
        try:
            params[name] = parse_value(text, declared[name].type if name in declared else None)
        except BadInput as error:
            raise BadInput(f"--param {name}: {error}") from error
    return params


def declared_parameters(flora: Flora, model: str) -> dict[str, ModelParam]:
    """The parameters of a model, by name; none if the server does not list it."""
    models = flora.models.list().models
    named = [each for each in models if model in (each.model_id, *(each.aliases or ()))]
    return {param.name: param for each in named for param in each.params}


def parse_value(text: str, parameter_type: str | None) -> Any:
    """A value from the command line: parsed as JSON if possible, unless the type is ``string``.

    Raises ``BadInput`` for a value that no request can contain.
    """
    if parameter_type == "string":
        return text
    value: Any
    try:
        value = parse_json(text)
    except ValueError:
        value = text
    if parameter_type == "string[]" and not text.startswith("["):
        return [part.strip() for part in text.split(",")]
    return value
