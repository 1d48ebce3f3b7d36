"""A SQLite file belongs to one server: a second one is refused in one line, however it names the file."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.server import Server, finished, running_server, terrarium


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a database that lies in nobody's data folder."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="module")
def first(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    url = f"sqlite:///{shared / 'garden.db'}"
    with running_server(tmp_path_factory.mktemp("first"), database_url=url) as server:
        yield server


def serve(data: Path, database_url: str, *, folder: Path, command: str = "serve") -> tuple[int, str, str]:
    """Start a second one in ``folder``; return its exit status and what it says."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TERRARIUM_")}
    environment |= {"TERRARIUM_DATA_DIR": str(data), "TERRARIUM_DATABASE_URL": database_url}
    words = [*terrarium(command), *(["--port", "0"] if command == "serve" else [])]
    done = subprocess.run(
        words, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("way", ["the same", "relative", "with dots", "a link to it", "a link to its folder"])
def test_a_second_server_is_refused_whatever_it_calls_the_file(
    first: Server, shared: Path, tmp_path: Path, way: str
) -> None:
    path, folder = str(shared / "garden.db"), tmp_path
    match way:
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
    status, said, told = serve(tmp_path / "data", f"sqlite:///{path}", folder=folder)
    assert (status, said) == (1, "")
    file = (shared / "garden.db").resolve()
    remedy = "stop it, or choose another TERRARIUM_DATABASE_URL"
    assert told == f"terrarium: another server uses {file}; {remedy}\n"
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
        status, said, told = serve(name, f"sqlite:///{tmp_path / 'other.db'}", folder=tmp_path)
        assert (status, said) == (1, "")
        remedy = "stop it, or choose another TERRARIUM_DATA_DIR"
        assert told == f"terrarium: another server uses {data.resolve()}; {remedy}\n"


def test_a_worker_of_its_own_is_refused(first: Server, shared: Path, tmp_path: Path) -> None:
    url = f"sqlite:///{shared / 'garden.db'}"
    status, said, told = serve(tmp_path, url, folder=tmp_path, command="worker")
    assert (status, said) == (1, "")
    assert told.startswith("terrarium: ") and "`serve` does everything" in told and told.count("\n") == 1


def test_the_file_is_free_once_its_server_was_killed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'garden.db'}"
    with running_server(tmp_path / "one", database_url=url) as server:
        with server.client() as client:
            # A process of its own paints it, which is there still when its server is not.
            body = server.first.body(type="image", params={"resolution": "0.5k"})
            painted = client.post("/generate", json=body).json()["run_id"]
            assert finished(client, painted)["status"] == "completed"
        server.was_told_to_stop.set()
        server.process.kill()
        server.process.wait()
    key = server.first.api_key
    with running_server(tmp_path / "two", database_url=url, bootstrap_key=key) as second:
        assert second.first == server.first
