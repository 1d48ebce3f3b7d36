"""A SQLite file belongs to one server: a second one fails with one line, however it names the file."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.server import Server, finished, running_server, terrarium


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a database outside of any data folder."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="module")
def first(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    url = f"sqlite:///{shared / 'garden.db'}"
    with running_server(tmp_path_factory.mktemp("first"), database_url=url) as server:
        yield server


def serve(data: Path, database_url: str, *, folder: Path, command: str = "serve") -> tuple[int, str, str]:
    """Start a second server in ``folder``; return its exit status, stdout and stderr."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TERRARIUM_")}
    environment |= {"TERRARIUM_DATA_DIR": str(data), "TERRARIUM_DATABASE_URL": database_url}
    arguments = [*terrarium(command), *(["--port", "0"] if command == "serve" else [])]
    done = subprocess.run(
        arguments, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    "name", ["the same", "relative", "with dots", "a link to it", "a link to its folder"]
)
def test_a_second_server_is_refused_however_it_names_the_file(
    first: Server, shared: Path, tmp_path: Path, name: str
) -> None:
    path, folder = str(shared / "garden.db"), tmp_path
    match name:
        case "relative":
            path, folder = "garden.db", shared
        case "with dots":
            path, folder = f"../{shared.name}/./garden.db", shared
        case "a link to it":
            (tmp_path / "mine.db").symlink_to(shared / "garden.db")
            path = str(tmp_path / "mine.db")
        case "a link to its folder":
            (tmp_path / "mine").symlink_to(shared)
            path = str(tmp_path / "mine/garden.db")
        case _:
            pass
    status, output, error = serve(tmp_path / "data", f"sqlite:///{path}", folder=folder)
    assert (status, output) == (1, "")
    file = (shared / "garden.db").resolve()
    remedy = "stop it, or choose another TERRARIUM_DATABASE_URL"
    assert error == f"terrarium: another server uses {file}; {remedy}\n"
    # The first one was not disturbed.
    with first.client() as client:
        started = client.post("/generate", json=first.first.body(model="t2t-rehearsal")).json()
        assert finished(client, started["run_id"])["status"] == "completed"


def test_a_second_server_for_the_data_folder_is_refused_too(
    first: Server, tmp_path: Path, shared: Path
) -> None:
    data = Path(first.settings["data_dir"])
    (tmp_path / "mine").symlink_to(data)
    for name in (data, tmp_path / "mine"):
        status, output, error = serve(name, f"sqlite:///{tmp_path / 'other.db'}", folder=tmp_path)
        assert (status, output) == (1, "")
        remedy = "stop it, or choose another TERRARIUM_DATA_DIR"
        assert error == f"terrarium: another server uses {data.resolve()}; {remedy}\n"


def test_a_separate_worker_is_refused(first: Server, shared: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{shared / 'garden.db'}"
    status, output, error = serve(tmp_path, url, folder=tmp_path, command="worker")
    assert (status, output) == (1, "")
    assert error.startswith("terrarium: ") and "use `serve` alone" in error and error.count("\n") == 1


def test_the_file_is_free_once_its_server_was_killed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'garden.db'}"
    with running_server(tmp_path / "one", database_url=url) as server:
        with server.client() as client:
            # A picture starts a model process, which may outlive the server for a moment.
            body = server.first.body(type="image", params={"resolution": "0.5k"})
            run_id = client.post("/generate", json=body).json()["run_id"]
            assert finished(client, run_id)["status"] == "completed"
        server.stop_requested.set()
        server.process.kill()
        server.process.wait()
    key = server.first.api_key
    with running_server(tmp_path / "two", database_url=url, bootstrap_key=key) as second:
        assert second.first == server.first
