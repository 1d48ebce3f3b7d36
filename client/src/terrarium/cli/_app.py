"""The command tree: our own commands, and those of other installed distributions."""

from typing import Annotated

import typer

from .._version import __version__
from ._batch import batch
from ._generate import generate
from ._lists import models, projects, workspaces
from ._plugins import LazyGroup
from ._runs import runs

EPILOG = (
    "Settings: FLORA_API_KEY (or TERRARIUM_API_KEY), FLORA_BASE_URL. "
    "Exit codes: 0 done, 1 unexpected error, 2 bad input, 3 key refused, 4 not enough credits, "
    "5 the run or one of a batch failed, 6 server not reachable, busy or broken, "
    "7 still running at the timeout, 8 an output could not be saved, 130 interrupted."
)

app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    epilog=EPILOG,
    # A traceback with the values of local variables would show API keys.
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(generate)
app.command()(batch)
app.add_typer(runs, name="runs")
app.add_typer(models, name="models")
app.add_typer(projects, name="projects")
app.command()(workspaces)


def _version(requested: bool) -> None:
    if requested:
        typer.echo(f"terrarium {__version__}")
        raise typer.Exit


@app.callback()
def _root(  # pyright: ignore[reportUnusedFunction] — typer calls it
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Make images, video, audio and text with a Terrarium, or any server that speaks the FLORA API."""
