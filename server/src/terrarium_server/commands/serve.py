"""`terrarium serve` and `terrarium worker`: run the server."""

import fcntl
import gc
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from terrarium_server.settings import Settings
from terrarium_server.store import sqlite_file
from terrarium_server.validation import causes_of

from ._descriptors import raise_descriptor_limit

app = typer.Typer(help="API, workers and web in one process.", add_completion=False)


class StartError(Exception):
    """The server cannot start; the message says what to change."""


def load_settings(**overrides: object) -> Settings:
    """Read the settings; options win over the environment. Raises StartError naming the variable."""
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        causes = [f"TERRARIUM_{str(cause.where[0]).upper()}: {cause.message}" for cause in causes_of(error)]
        raise StartError("; ".join(causes)) from error


def lock_sqlite(settings: Settings) -> None:
    """Lock the data folder and the SQLite file for this process, until it ends.

    The file has a lock of its own because servers with different data folders may be configured to use it.
    Raises StartError if another process has locked one of them.
    """
    _make_folder(settings.data_dir, "TERRARIUM_DATA_DIR")
    _lock(settings.data_dir / "server.lock", f"{settings.data_dir.resolve()}", "TERRARIUM_DATA_DIR")
    file = sqlite_file(settings.database).resolve()
    _make_folder(file.parent, "TERRARIUM_DATABASE_URL")
    _lock(file.with_name(f"{file.name}.lock"), str(file), "TERRARIUM_DATABASE_URL")


def _make_folder(folder: Path, variable: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"cannot make {folder}: {error.strerror}; choose another {variable}") from error


def _lock(path: Path, what: str, variable: str) -> None:
    # Never closed, so that the lock ends with the process.
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        raise StartError(f"another server uses {what}; stop it, or choose another {variable}") from error


@app.callback(invoke_without_command=True)
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 picks a free one.")] = None,
    workers: Annotated[bool, typer.Option(help="Execute runs in this process too.")] = True,
) -> None:
    """Start the server and print its address and, on the first start, a key."""
    try:
        settings = load_settings(host=host, port=port)
        _serve(settings, workers=workers)
    except StartError as error:
        sys.exit(f"terrarium: {error}")


def _serve(settings: Settings, *, workers: bool) -> None:
    descriptors = raise_descriptor_limit()
    if settings.database.startswith("sqlite"):
        lock_sqlite(settings)
    listener = _listen(settings.host, settings.port)
    _configure_log(settings.log_level)
    services = _open_services(settings)

    from terrarium_server.app import create_app, first_start
    from terrarium_server.catalog import NO_MODELS

    from ._http_server import HttpServerFailed, serve_http

    new_key = first_start(services)
    address = f"http://{_shown_host(settings.host)}:{listener.getsockname()[1]}"
    application = create_app(services, workers=workers)

    def started() -> None:
        note = "" if services.catalog.available() else NO_MODELS
        _greet(address, new_key.api_key if new_key else None, note)

    # The first signal ends waiting requests and drains the worker; a further one ends the draining.
    def stopping(is_further: bool) -> None:
        services.stopping(skip_waiting=is_further)

    # Everything loaded so far stays until the end, so the garbage collector need not scan it. The default
    # threshold of 700 objects is less than one request creates. The shorter switch interval keeps a thread
    # that has a response to send from waiting 5 ms for one that computes.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
    sys.setswitchinterval(0.0005)
    try:
        serve_http(
            application,
            application.router.lifespan_context(application),
            listener,
            # A request may open as many files again.
            max_connections=min(settings.max_connections, descriptors // 2),
            started=started,
            stopping=stopping,
        )
    except HttpServerFailed as error:
        raise StartError(str(error)) from error
    sys.stdout.flush()
    # Unfinished runs were returned to the queue or continue at the next start, so no thread is waited for.
    os._exit(0)


def _open_services(settings: Settings):
    from sqlalchemy.exc import DatabaseError

    from terrarium_server.app import Services
    from terrarium_server.catalog import CardError
    from terrarium_server.configuration import ConfigurationError
    from terrarium_server.migrations import UpgradeError

    try:
        return Services(settings)
    except (CardError, ConfigurationError, UpgradeError) as error:
        raise StartError(str(error)) from error
    except DatabaseError as error:
        raise StartError(f"cannot open the database: {error.orig}; check TERRARIUM_DATABASE_URL") from error


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        raise StartError(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another --port"
        ) from error
    listener.listen(2048)
    return listener


def _shown_host(host: str) -> str:
    if host in ("0.0.0.0", "::"):  # noqa: S104 - only shown
        return "localhost"
    return f"[{host}]" if ":" in host else host


def _greet(address: str, new_key: str | None, note: str) -> None:
    typer.echo(f"Terrarium is at {address} (API under {address}/api/v1, described at {address}/openapi.json)")
    if new_key is not None:
        typer.echo("A workspace, a project and this key were made; the key is shown only now:")
        typer.echo(f"\n    export FLORA_API_KEY={new_key}\n")
    if note:
        typer.echo(f"Note: {note}.")
    typer.echo("Stop with Ctrl-C.")


def _configure_log(level: str) -> None:
    import logging

    for verbose in ("alembic", "httpx"):
        logging.getLogger(verbose).setLevel(logging.WARNING)
    logging.basicConfig(
        level=level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )


def run_worker(settings: Settings) -> None:
    """Execute runs until told to stop. Raises StartError on SQLite."""
    if settings.database.startswith("sqlite"):
        raise StartError(
            "a separate worker needs PostgreSQL: set TERRARIUM_DATABASE_URL, or use `serve` alone, which "
            "executes runs too"
        )
    raise_descriptor_limit()
    _configure_log(settings.log_level)
    services = _open_services(settings)
    # Each signal writes a byte into this pipe when it arrives, so that none is missed.
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: None)
    services.start_workers()
    typer.echo("Terrarium worker is ready.")
    os.read(read_end, 1)
    services.stopping()

    def close() -> None:
        services.close()
        os._exit(0)

    threading.Thread(target=close).start()
    while True:
        os.read(read_end, 1)
        services.stopping(skip_waiting=True)
