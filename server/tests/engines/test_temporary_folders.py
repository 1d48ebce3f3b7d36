"""Folders for temporary files: who owns them, and the removal of those of dead processes."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from terrarium_server.engines.processes import TemporaryFolder, remove_abandoned

HOLD = """
import sys
from pathlib import Path
from terrarium_server.engines.processes import TemporaryFolder
folder = TemporaryFolder(Path(sys.argv[1]))
folder.claim()
(folder.path / "half.mp4").write_bytes(b"half")
print("claimed", flush=True)
sys.stdin.read()
"""


def hold(folder: Path) -> "subprocess.Popen[str]":
    """Start a process that claims a folder and keeps running."""
    command = [sys.executable, "-c", HOLD, str(folder)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "claimed\n"
    return process


def end(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()


def test_folders_of_dead_processes_are_deleted_and_those_in_use_are_kept(tmp_path: Path) -> None:
    # A folder that was never locked.
    (tmp_path / "old" / "job-1").mkdir(parents=True)
    (tmp_path / "old" / "job-1" / "half.mp4").write_bytes(b"half")
    dead, alive = hold(tmp_path / "dead"), hold(tmp_path / "alive")
    try:
        end(dead)
        remove_abandoned(tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["alive"]
        assert (tmp_path / "alive" / "half.mp4").read_bytes() == b"half"
    finally:
        end(alive)
    remove_abandoned(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_released_folder_is_deleted_and_can_be_claimed_again(tmp_path: Path) -> None:
    folder = TemporaryFolder(tmp_path / "tmp" / "mine")
    folder.release()
    remove_abandoned(tmp_path / "tmp")
    for _ in range(2):
        folder.claim()
        folder.claim()
        (folder.path / "job-1").mkdir()
        remove_abandoned(folder.path.parent)
        assert (folder.path / "job-1").is_dir()
        folder.release()
        assert not folder.path.exists()


@pytest.mark.parametrize("sweepers", [1, 3])
def test_a_folder_that_is_claimed_during_a_sweep_is_kept(tmp_path: Path, sweepers: int) -> None:
    over = threading.Event()

    def sweep() -> None:
        while not over.is_set():
            remove_abandoned(tmp_path)

    sweeping = [threading.Thread(target=sweep) for _ in range(sweepers)]
    for thread in sweeping:
        thread.start()
    try:
        for number in range(200):
            folder = TemporaryFolder(tmp_path / f"worker-{number}")
            folder.claim()
            (folder.path / "job").mkdir()
            remove_abandoned(tmp_path)
            assert (folder.path / "job").is_dir()
            folder.release()
    finally:
        over.set()
        for thread in sweeping:
            thread.join()
    assert list(tmp_path.iterdir()) == []
