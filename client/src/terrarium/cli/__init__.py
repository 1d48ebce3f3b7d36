"""The ``terrarium`` command. This module imports next to nothing, so that the command starts at once."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from ._app import app
    except ModuleNotFoundError as missing:
        if missing.name not in ("typer", "rich"):
            raise
        sys.exit("The command line needs two more packages: pip install 'terrarium[cli]'")
    app(prog_name="terrarium")
