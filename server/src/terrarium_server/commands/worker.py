"""`terrarium worker`: a process that only executes runs, on a shared PostgreSQL."""

import sys

import typer

from .serve import StartError, load_settings, run_worker

app = typer.Typer(help="Execute runs, without an API.", add_completion=False)


@app.callback(invoke_without_command=True)
def worker() -> None:
    """Start a worker on TERRARIUM_DATABASE_URL."""
    try:
        run_worker(load_settings())
    except StartError as error:
        sys.exit(f"terrarium: {error}")
