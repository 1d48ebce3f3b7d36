"""``terrarium batch``: start many generations at once, show their progress, save their outputs."""

import re
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._defaults import client, declared_parameters, parse_value, workspace_and_project
from ._generate import Limit, Model, NoWait, Priority, Project, print_started
from ._lists import AsJson, OutputType, Workspace
from ._outcome import finish, wait_for_end
from ._report import note, reports_errors
from ._saving import prepare_folder
from ._starts import ParseCell, Start, read_starts
from ._texts import decoded, read_stdin

if TYPE_CHECKING:
    from .. import BadRequestError, Flora
    from ..types import BatchStarted

_STDIN = "-"


@reports_errors
def batch(
    file: Annotated[
        str, typer.Argument(help="JSON Lines, or CSV; - reads it from standard input.", metavar="FILE")
    ],
    type: Annotated[
        OutputType, typer.Option("--type", "-t", help="The type where the file has none.")
    ] = "image",
    model: Model = None,
    workspace: Workspace = None,
    project: Project = None,
    max_parallel: Annotated[
        int | None, typer.Option(min=1, help="The most to run at the same time.", show_default="no limit")
    ] = None,
    priority: Priority = None,
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", help="A folder.", show_default="the name of the file", metavar="FOLDER"),
    ] = None,
    timeout: Limit = None,
    no_wait: NoWait = False,
    as_json: AsJson = False,
) -> None:
    """Generate many outputs, up to 200, and save them into a folder.

    FILE has one start per line: an object such as {"prompt": "A mug", "params": {"seed": 7}}, or a row of
    a table whose first line names the columns: prompt, type, model, and parameters of the model.
    """
    folder = out or _folder_for(file)
    text = _read(file)
    with client() as flora:
        defaults = {"type": type, **({"model": model} if model else {})}
        starts = read_starts(text, defaults, _parser(flora))
        workspace, project = workspace_and_project(flora, workspace, project)
        if not no_wait:
            prepare_folder(folder)
        started = _start(
            flora,
            starts,
            workspace_id=workspace,
            project_id=project,
            max_parallel=max_parallel,
            priority=priority,
        )
        if no_wait:
            print_started(started, as_json=as_json)
            return
        run = wait_for_end(
            flora, started.run_id, estimate=started.estimated_seconds, timeout=timeout, as_json=as_json
        )
        finish(flora, run, out=out, name=folder, force=False, as_json=as_json)


def _folder_for(file: str) -> str:
    """The name of the file without its suffix, or one like it that no file has."""
    name = "batch" if file == _STDIN else Path(file).stem
    return f"{name}-outputs" if Path(name).is_file() else name


def _read(file: str) -> str:
    if file == _STDIN:
        return read_stdin()
    return decoded(Path(file).read_bytes(), file)


def _parser(flora: "Flora") -> ParseCell:
    """Parses cells as the model declares its parameters; the models are read when they are needed."""
    declared = cache(partial(declared_parameters, flora))

    def parse(name: str, cell: str, model: str | None) -> Any:
        param = declared(model).get(name) if model else None
        return parse_value(cell, param.type if param else None)

    return parse


def _start(flora: "Flora", starts: list[Start], **target: Any) -> "BatchStarted":
    from .. import BadRequestError

    try:
        return flora.runs.start_batch(starts=[start.body for start in starts], **target)
    except BadRequestError as error:
        for line in _lines(error, starts):
            note(line)
        raise


def _lines(error: "BadRequestError", starts: list[Start]) -> list[str]:
    """Which lines of the file the rejected fields are in."""
    places = [re.match(r"starts\[(\d+)\]", field.field) for field in error.fields]
    numbers = sorted({int(place[1]) for place in places if place})
    return [f"starts[{number}] is line {starts[number].line} of the file." for number in numbers]
