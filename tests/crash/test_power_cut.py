"""A run that a caller has seen completed survives a power cut, with every byte of its outputs."""

import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from crash.deployment import wait_until
from crash.disk import MountError, copy_as_it_is, mounted, new_disk
from crash.flushes import observed
from crash.generations import CLIP, LONG_CLIP, PICTURE, SPEECH
from crash.installation import Client, Installation
from support import processes
from support.scripted_engine import ScriptedEngine
from support.server import CARDS, Server, new_account
from support.workspace import GRANT_USD, Workspace
from terrarium_server.app import Services
from terrarium_server.engines import Finished, Job, News, Output
from terrarium_server.engines.registry import Engines
from terrarium_server.settings import Settings

_CUTS = 3
_BOTH = pytest.mark.parametrize("database", ["sqlite", "postgres"])


def url_on(request: pytest.FixtureRequest, database: str) -> str | None:
    """The URL of an empty database; None for SQLite in the data folder."""
    return None if database == "sqlite" else request.getfixturevalue("postgres_url")


@contextmanager
def suspended(server: Server) -> Iterator[None]:
    """Stop all processes of a server within the block."""
    pids = [server.process.pid, *processes.descendants(server.process.pid)]
    processes.send(signal.SIGSTOP, pids)
    try:
        wait_until(lambda: all(map(processes.is_stopped, pids)), "the server should be suspended")
        yield
    finally:
        processes.send(signal.SIGCONT, pids)


def check_after_a_cut(cut: Installation, whole: dict[str, list[bytes]], *, alone: bool) -> None:
    """Check that a server on the copied disk shows each of these runs completed, with all its outputs.

    The server is not ``alone`` if the database has survived and another server uses it.
    """
    with cut.serve(workers=alone) as server, Client(server) as client:
        runs = client.runs()
        for run_id, contents in whole.items():
            run = runs[run_id]
            assert run["status"] == "completed", run
            left = client.downloads(run)
            assert list(map(len, left)) == list(map(len, contents)), run
            # A variable, so that a failure does not print every byte.
            is_whole = left == contents
            assert is_whole, run
        if alone:
            client.wait_until_over()
            client.check_everything_was_made_and_paid_once()


def cut_the_power(folder: Path, database_url: str | None) -> None:
    """Check runs on several copies of a disk. Raises MountError."""
    image, disk = folder / "image", folder / "disk"
    with new_disk(image, disk), Installation(disk, database_url).serve() as server, Client(server) as client:
        for number in range(_CUTS):
            if number == _CUTS - 1:
                client.start(LONG_CLIP)
            completed = client.wait_until_over(
                *[client.start(generation) for generation in (PICTURE, CLIP, SPEECH)]
            )
            copy, left = folder / f"copy-{number}", folder / f"left-{number}"
            with suspended(server):
                copy_as_it_is(image, copy)
            whole = {run_id: client.downloads(run) for run_id, run in completed.items()}
            with mounted(copy, left):
                check_after_a_cut(Installation(left, database_url), whole, alone=database_url is None)


async def _files_and_bytes(job: Job, folders: list[Path]) -> AsyncIterator[News]:
    """Finish a job with bytes, and with a file from each of these folders."""
    outputs = [Output("image/png", f"bytes of {job.key}".encode())]
    for number, folder in enumerate(folders):
        path = folder / f"{job.key}-{number}"
        path.write_bytes(f"file {number} of {job.key}".encode())
        outputs.append(Output("image/png", path))
    yield Finished(tuple(outputs))


def check_the_order(folder: Path, database_url: str | None) -> None:
    """Check that each output's bytes and name are flushed before the commit that names it."""
    chosen: dict[str, Any] = {"data_dir": folder / "data", "database_url": database_url, "cards_dir": CARDS}
    made = folder / "made"
    made.mkdir()
    # Most machines have this second file system, from which files cannot be moved.
    folders = [made, *filter(Path.is_dir, [Path("/dev/shm")])]
    engine = ScriptedEngine(partial(_files_and_bytes, folders=folders))
    with observed() as flushes, closing(Services(Settings(**chosen), engines=Engines([engine]))) as services:
        with services.database.transaction() as tx:
            workspace = Workspace(services, new_account(tx, credits=GRANT_USD))
        services.start_workers()
        for run_id in [workspace.start("i2i-rehearsal", type="image") for _ in range(3)]:
            assert workspace.ended(run_id).state == "completed"
        media = services.settings.data_dir / "media"
        blobs = [path for path in media.rglob("*") if path.is_file()]
        assert len(blobs) == 3 * (1 + len(folders))
        for blob in blobs:
            row = flushes.row_with(blob.name)
            assert row is not None
            content = flushes.content_of(blob)
            assert content is not None and content < row, "the file was not flushed before the commit"
            for path in (blob, *(folder for folder in blob.parents if folder.is_relative_to(media))):
                name = flushes.name_of(path)
                assert name is not None and name < row, f"{path.name}: its folder was not flushed before"


@pytest.mark.timeout(900)
@_BOTH
def test_what_was_seen_completed_is_whole(
    request: pytest.FixtureRequest, tmp_path: Path, database: str
) -> None:
    url = url_on(request, database)
    try:
        cut_the_power(tmp_path, url)
    except MountError as error:
        print(f"cannot simulate a power cut: {error}; checking the order of flushes and commits instead")
        check_the_order(tmp_path, url)


@_BOTH
def test_file_and_folder_are_flushed_before_the_commit_that_names_an_output(
    request: pytest.FixtureRequest, tmp_path: Path, database: str
) -> None:
    check_the_order(tmp_path, url_on(request, database))
