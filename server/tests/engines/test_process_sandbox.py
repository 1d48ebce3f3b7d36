"""The sandbox of a model process: its environment, its resource limits and its temporary files."""

import errno
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import av.error
import pytest

from support.driver import EngineDriver, drive_engine
from support.server import DEADLINE
from terrarium_pocket.sketch import engine as sketch
from terrarium_server.configuration import Configuration
from terrarium_server.engines import CODES, Failed, Finished, Job, Progress
from terrarium_server.engines.child import shortage_of
from terrarium_server.engines.processes import GIB, Limits
from terrarium_server.engines.processes._environment import child_environment
from terrarium_server.engines.registry import discover
from terrarium_server.engines.setup import Setup

from .scripted import Open, children, do, empty

SECRETS = {
    "TERRARIUM_BOOTSTRAP_KEY": "secret-bootstrap",
    "TERRARIUM_DATABASE_URL": "postgresql://terrarium:secret-password@db/terrarium",
    "MY_PROVIDER": "secret-provider",
    "AWS_SECRET_ACCESS_KEY": "secret-aws",
    "HF_TOKEN": "secret-hub",
    "HF_TOKEN_PATH": "/secret-path",
    "CUDA_LICENCE_KEY": "secret-licence",
    "OMP_PASSWORD": "secret-omp",
    "HTTPS_PROXY": "http://me:secret-proxy@proxy:3128",
    "SOMETHING_ELSE": "secret-else",
}
NEEDED = {
    "LANG": "C.UTF-8",
    "LC_NUMERIC": "C",
    "TZ": "UTC",
    "CUDA_VISIBLE_DEVICES": "0",
    "HF_HOME": "/models/hub",
    "XDG_CACHE_HOME": "/cache",
    "OPENBLAS_CORETYPE": "Haswell",
    "LD_LIBRARY_PATH": "/usr/local/lib",
    "NO_PROXY": "localhost",
}


def description(driver: EngineDriver) -> dict[str, Any]:
    made = driver.run(do("describe"))
    assert isinstance(made, Finished), made
    return json.loads(str(made.outputs[0].data))


def test_a_process_and_its_programs_have_no_secret_of_the_server(
    open_pool: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**SECRETS, **NEEDED}.items():
        monkeypatch.setenv(name, value)
    # The server itself reads an owner's key.
    config = tmp_path / "terrarium.toml"
    config.write_text(
        '[[engine]]\nkind = "openai_compatible"\nname = "mine"\nkey_env = "MY_PROVIDER"\n'
        'url = "https://example.com/v1"\n'
    )
    discover(Configuration.read(config), processes=1, scratch=tmp_path)
    process = description(open_pool())
    for environment in (process["environment"], process["of a program"]):
        assert "secret" not in json.dumps(environment)
        assert SECRETS.keys() & environment.keys() == set()
        assert NEEDED.items() <= environment.items()
        assert environment["PATH"] == os.environ["PATH"] and environment["HOME"] == os.environ["HOME"]


def test_a_process_has_only_the_listed_variables_and_its_own(open_pool: Open) -> None:
    names = set(description(open_pool())["environment"])
    own = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TMPDIR"}
    own |= {"TERRARIUM_CHILD_THREADS", "TERRARIUM_CHILD_LIMITS", "LC_CTYPE"}
    assert names <= child_environment(os.environ).keys() | own


def test_a_process_has_no_open_file_of_the_server(open_pool: Open, tmp_path: Path) -> None:
    with (tmp_path / "of the server").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        opened = description(open_pool())["open"]
    assert "of the server" not in " ".join(opened)
    # Standard input, output and error, the frames, and the listing itself.
    assert len(opened) <= 6, opened


def test_a_process_has_its_limits_before_its_first_job(open_pool: Open) -> None:
    limits = Limits(seconds=1000, memory=2 * GIB, file_size=GIB, files=100)
    actual = description(open_pool(limits=limits))["limits"]
    expected = {"RLIMIT_CORE": 0, "RLIMIT_FSIZE": GIB, "RLIMIT_NOFILE": 100}
    if sys.platform == "linux":
        expected["RLIMIT_DATA"] = 2 * GIB
    used = actual.pop("RLIMIT_CPU") - 1000
    assert 0 <= used < 100
    assert actual.items() >= expected.items()


def test_each_job_has_the_whole_processor_time_and_memory_for_its_weights(open_pool: Open) -> None:
    driver = open_pool(limits=Limits(seconds=1000, memory=2 * GIB))
    first = description(driver)
    driver.run(do("use up", "run_2", resource="ffmpeg's disk"))
    made = driver.run(do("describe", "run_3", more_memory=GIB))
    assert isinstance(made, Finished)
    again = json.loads(str(made.outputs[0].data))
    assert again["pid"] == first["pid"]
    assert again["limits"]["RLIMIT_CPU"] >= first["limits"]["RLIMIT_CPU"]
    assert sys.platform != "linux" or again["limits"]["RLIMIT_DATA"] == 3 * GIB


def test_a_kind_may_have_no_limit_on_memory(open_pool: Open) -> None:
    limits = Limits(seconds=1000, memory=None, file_size=None, files=4096)
    actual = description(open_pool(limits=limits))["limits"]
    assert actual["RLIMIT_DATA"] == actual["RLIMIT_FSIZE"] == -1


SMALL = Limits(seconds=600, memory=GIB, file_size=8 << 20)
SHORTAGES = {
    "memory": ("Not enough memory", "change-input"),
    "file size": ("larger file", "change-input"),
    "ffmpeg's file size": ("larger file", "change-input"),
    "a video's file size": ("larger file", "change-input"),
    "disk": ("disk of this server is full", "retry-now"),
    "ffmpeg's disk": ("disk of this server is full", "retry-now"),
}


@pytest.mark.parametrize("resource", SHORTAGES)
def test_a_job_that_exceeds_a_limit_fails_alone_and_says_what_to_do(
    open_pool: Open, scratch: Path, resource: str
) -> None:
    driver = open_pool(limits=SMALL, patience=DEADLINE)
    assert isinstance(driver.run(do("make", "run_1")), Finished)
    before = children()
    for path in scratch.iterdir():
        path.unlink()
    message, remedy = SHORTAGES[resource]
    failed = driver.run(do("use up", "run_2", resource=resource))
    assert isinstance(failed, Failed) and CODES[failed.code] == remedy, failed
    assert message in failed.message and ("ask for something" in failed.message or "owner" in failed.message)
    assert str(scratch) not in failed.message
    assert empty(scratch)
    # The process survives.
    assert isinstance(driver.run(do("make", "run_3")), Finished)
    assert children() == before


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (av.error.MemoryError(errno.ENOMEM, "Cannot allocate memory"), "Not enough memory"),
        (RuntimeError("[ONNXRuntimeError] : 6 : Exception caught: std::bad_alloc"), "Not enough memory"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "disk of this server is full"),
        (OSError(errno.EMFILE, "Too many open files"), "Too many files"),
    ],
)
def test_shortages_are_recognised_in_the_errors_of_libraries(error: Exception, message: str) -> None:
    failed = shortage_of(error)
    assert failed is not None and message in failed.message


def test_other_errors_are_no_shortage() -> None:
    for error in (
        OSError(errno.ENOENT, "No such file"),
        RuntimeError("broken"),
        av.error.InvalidDataError(1, ""),
    ):
        assert shortage_of(error) is None


@pytest.mark.parametrize("resource", ["processor time", "ffmpeg's processor time"])
def test_a_job_that_used_up_its_processor_time_is_not_tried_again(
    open_pool: Open, scratch: Path, tmp_path: Path, resource: str, caplog: pytest.LogCaptureFixture
) -> None:
    driver = open_pool(limits=Limits(seconds=1, memory=2 * GIB), patience=DEADLINE)
    attempts = tmp_path / "attempts"
    failed = driver.run(do("use up", resource=resource, attempts=str(attempts)))
    assert isinstance(failed, Failed) and CODES[failed.code] == "change-input", failed
    assert "processor time" in failed.message and "ask for something" in failed.message
    assert len(attempts.read_text().split()) == 1
    # Either the process itself has reached the limit, or a program that it started.
    lines = [line for line in caplog.messages if "used up its processor time" in line]
    assert len(lines) == (resource == "processor time")
    assert empty(scratch)
    assert isinstance(driver.run(do("make", "run_2")), Finished)


@pytest.fixture
def system_temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files of the server and its processes."""
    folder = tmp_path / "system"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def test_temporary_files_of_a_job_are_in_its_folder_and_deleted_with_it(
    open_pool: Open, scratch: Path, system_temp: Path
) -> None:
    driver = open_pool()
    for number in range(2):
        made = driver.run(do("leave files", f"run_{number}"))
        assert isinstance(made, Finished)
        for path in str(made.outputs[0].data).splitlines():
            assert Path(path).parent.parent == scratch and not Path(path).exists()
        assert empty(scratch) and empty(system_temp)


CLIP = {"aspect_ratio": "16:9", "resolution": "480p", "duration": 20, "fps": 30, "motion": "auto"}


def clip(number: int) -> Job:
    return Job(f"run_{number}", "t2v-sketch", "video", "rain over the sea", CLIP, 7)


def test_a_clip_lasts_as_long_as_its_engine_says(scratch: Path) -> None:
    engine = sketch.build(Setup("sketch", 1, sketch.OPTIONS(), scratch=scratch))
    with drive_engine(engine) as driver:
        job = Job("run_1", "t2v-sketch", "video", "rain", {**CLIP, "duration": 2, "fps": 12}, 7)
        updates = list(driver.follow(driver.submit(job)))
    made = updates[-1]
    assert isinstance(made, Finished) and isinstance(updates[0], Progress)
    assert made.outputs[0].duration_seconds == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("name", "value", "is_passed_on"),
    [
        ("https_proxy", "http://proxy.example:3128", True),
        ("HTTP_PROXY", "proxy:3128", True),
        ("ALL_PROXY", "socks5h://[::1]:1080/", True),
        ("no_proxy", "localhost,.example.com,10.0.0.0/8", True),
        ("https_proxy", "user:secret@proxy:3128", False),
        ("http_proxy", "http://user:pa/secret@proxy", False),
        ("ALL_PROXY", "http://proxy/?key=secret", False),
        ("LC_NUMERIC", "C", True),
        ("LC_SECRETS", "C", False),
    ],
)
def test_a_proxy_is_passed_on_unless_it_has_a_password(name: str, value: str, is_passed_on: bool) -> None:
    assert (name in child_environment({name: value})) is is_passed_on


def test_the_telemetry_of_onnxruntime_is_off(tmp_path: Path) -> None:
    """Telemetry would leave a file with an identifier of this machine."""
    usual = {name: value for name, value in os.environ.items() if not name.startswith("ORT_")}
    environment = {**child_environment(usual), "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", "import onnxruntime"], env=environment, check=True)
    assert list(tmp_path.iterdir()) == []
