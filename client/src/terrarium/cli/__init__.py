"""The ``terrarium`` command. This module imports very little, so that the command starts fast."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from ._app import app
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich"):
            raise
        sys.exit("The command line needs two more packages. Install them: pip install 'terrarium[cli]'")
    if reconfigure := getattr(sys.stdout, "reconfigure", None):
        # As standard error does: a text that the terminal's encoding lacks must not end the command.
        reconfigure(errors="backslashreplace")
    app(prog_name="terrarium")
