"""What a model process has of the server, what it may use, and where its files lie."""

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

from support.driving import Driven, driving
from support.server import DEADLINE
from terrarium_server.configuration import Configuration
from terrarium_server.engines import CODES, Failed, Finished, Job, Progress, Setup, discover, sketch
from terrarium_server.engines._environment import child_environment
from terrarium_server.engines._limits import GIB, Limits
from terrarium_server.engines._shortage import shortage_of

from .puppets import Open, children, do, empty

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


def look(driven: Driven) -> dict[str, Any]:
    made = driven.made(do("look"))
    assert isinstance(made, Finished), made
    return json.loads(str(made.outputs[0].data))


def test_a_process_and_what_it_starts_have_no_secret_of_the_server(
    open_pool: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**SECRETS, **NEEDED}.items():
        monkeypatch.setenv(name, value)
    # The server itself has read an owner's key by now.
    config = tmp_path / "terrarium.toml"
    config.write_text(
        '[[engine]]\nkind = "openai_compatible"\nname = "mine"\nkey_env = "MY_PROVIDER"\n'
        'url = "https://example.com/v1"\n'
    )
    discover(Configuration.read(config), processes=1, scratch=tmp_path)
    seen = look(open_pool())
    for environment in (seen["environment"], seen["of a program"]):
        assert "secret" not in json.dumps(environment)
        assert SECRETS.keys() & environment.keys() == set()
        assert NEEDED.items() <= environment.items()
        assert environment["PATH"] == os.environ["PATH"] and environment["HOME"] == os.environ["HOME"]


def test_a_process_knows_only_variables_that_are_listed_and_its_own(open_pool: Open) -> None:
    seen = set(look(open_pool())["environment"])
    own = {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TMPDIR"}
    own |= {"TERRARIUM_CHILD_THREADS", "TERRARIUM_CHILD_LIMITS", "LC_CTYPE"}
    assert seen <= child_environment(os.environ).keys() | own


def test_a_process_has_nothing_open_of_the_server(open_pool: Open, tmp_path: Path) -> None:
    with (tmp_path / "of the server").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        opened = look(open_pool())["open"]
    assert "of the server" not in " ".join(opened)
    # Standard input and output, what it says, and the listing itself.
    assert len(opened) <= 6, opened


def test_a_process_is_limited_before_it_works(open_pool: Open) -> None:
    limits = Limits(seconds=1000, memory=2 * GIB, file_size=GIB, files=100)
    seen = look(open_pool(limits=limits))["limits"]
    expected = {"RLIMIT_CORE": 0, "RLIMIT_FSIZE": GIB, "RLIMIT_NOFILE": 100}
    if sys.platform == "linux":
        expected["RLIMIT_DATA"] = 2 * GIB
    used = seen.pop("RLIMIT_CPU") - 1000
    assert 0 <= used < 100
    assert seen.items() >= expected.items()


def test_each_job_has_the_whole_processor_time_and_memory_for_its_weights(open_pool: Open) -> None:
    driven = open_pool(limits=Limits(seconds=1000, memory=2 * GIB))
    first = look(driven)
    driven.made(do("use up", "run_2", resource="ffmpeg's disk"))
    made = driven.made(do("look", "run_3", more_memory=GIB))
    assert isinstance(made, Finished)
    again = json.loads(str(made.outputs[0].data))
    assert again["pid"] == first["pid"]
    assert again["limits"]["RLIMIT_CPU"] >= first["limits"]["RLIMIT_CPU"]
    assert sys.platform != "linux" or again["limits"]["RLIMIT_DATA"] == 3 * GIB


def test_a_kind_for_gpus_may_use_all_memory(open_pool: Open) -> None:
    seen = look(open_pool(limits=Limits(seconds=1000, memory=None, file_size=None, files=4096)))["limits"]
    assert seen["RLIMIT_DATA"] == seen["RLIMIT_FSIZE"] == -1


SMALL = Limits(seconds=600, memory=GIB, file_size=8 << 20)
SHORTAGES = {
    "memory": ("Not enough memory", "change-input"),
    "file size": ("larger file", "change-input"),
    "ffmpeg's file size": ("larger file", "change-input"),
    "a video's file size": ("larger file", "change-input"),
    "disk": ("disk of this server is full", "retry-now"),
    "ffmpeg's disk": ("disk of this server is full", "retry-now"),
}


@pytest.mark.parametrize("what", SHORTAGES)
def test_what_uses_more_than_there_is_fails_alone_and_says_what_to_do(
    open_pool: Open, scratch: Path, what: str
) -> None:
    driven = open_pool(limits=SMALL, patience=DEADLINE)
    assert isinstance(driven.made(do("make", "run_1")), Finished)
    before = children()
    for path in scratch.iterdir():
        path.unlink()
    said, remedy = SHORTAGES[what]
    failed = driven.made(do("use up", "run_2", resource=what))
    assert isinstance(failed, Failed) and CODES[failed.code] == remedy, failed
    assert said in failed.message and ("ask for something" in failed.message or "owner" in failed.message)
    assert str(scratch) not in failed.message
    assert empty(scratch)
    # The process is the same as before.
    assert isinstance(driven.made(do("make", "run_3")), Finished)
    assert children() == before


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (av.error.MemoryError(errno.ENOMEM, "Cannot allocate memory"), "Not enough memory"),
        (RuntimeError("[ONNXRuntimeError] : 6 : Exception caught: std::bad_alloc"), "Not enough memory"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "disk of this server is full"),
        (OSError(errno.EMFILE, "Too many open files"), "Too many files"),
    ],
)
def test_libraries_say_in_many_ways_that_there_is_not_enough(error: Exception, said: str) -> None:
    failed = shortage_of(error)
    assert failed is not None and said in failed.message


def test_what_is_no_shortage_is_none() -> None:
    for error in (
        OSError(errno.ENOENT, "No such file"),
        RuntimeError("broken"),
        av.error.InvalidDataError(1, ""),
    ):
        assert shortage_of(error) is None


@pytest.mark.parametrize("what", ["processor time", "ffmpeg's processor time"])
def test_a_job_that_used_up_its_processor_time_is_not_tried_again(
    open_pool: Open, scratch: Path, tmp_path: Path, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    driven = open_pool(limits=Limits(seconds=1, memory=2 * GIB), patience=DEADLINE)
    noted = tmp_path / "attempts"
    failed = driven.made(do("use up", resource=what, attempts=str(noted)))
    assert isinstance(failed, Failed) and CODES[failed.code] == "change-input", failed
    assert "processor time" in failed.message and "ask for something" in failed.message
    assert len(noted.read_text().split()) == 1
    # It is the process's own end, or that of a program which it started.
    lines = [line for line in caplog.messages if "used up its processor time" in line]
    assert len(lines) == (what == "processor time")
    assert empty(scratch)
    assert isinstance(driven.made(do("make", "run_2")), Finished)


@pytest.fixture
def system_temp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's folder for temporary files, as the server and its processes see it."""
    folder = tmp_path / "system"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return folder


def test_temporary_files_of_a_job_lie_in_its_folder_and_go_with_it(
    open_pool: Open, scratch: Path, system_temp: Path
) -> None:
    driven = open_pool()
    for number in range(2):
        made = driven.made(do("litter", f"run_{number}"))
        assert isinstance(made, Finished)
        for place in str(made.outputs[0].data).splitlines():
            assert Path(place).parent.parent == scratch and not Path(place).exists()
        assert empty(scratch) and empty(system_temp)


CLIP = {"aspect_ratio": "16:9", "resolution": "480p", "duration": 20, "fps": 30, "motion": "auto"}


def clip(number: int) -> Job:
    return Job(f"run_{number}", "t2v-sketch", "video", "rain over the sea", CLIP, 7)


def test_a_clip_lasts_as_long_as_its_engine_says(scratch: Path) -> None:
    engine = sketch.build(Setup("sketch", 1, sketch.OPTIONS(), scratch=scratch))
    with driving(engine) as driven:
        job = Job("run_1", "t2v-sketch", "video", "rain", {**CLIP, "duration": 2, "fps": 12}, 7)
        heard = list(driven.follow(driven.submit(job)))
    made = heard[-1]
    assert isinstance(made, Finished) and isinstance(heard[0], Progress)
    assert made.outputs[0].duration_seconds == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("name", "value", "passes"),
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
def test_a_proxy_passes_without_a_password(name: str, value: str, passes: bool) -> None:
    assert (name in child_environment({name: value})) is passes


def test_a_library_that_tells_its_makers_of_every_start_is_silent(tmp_path: Path) -> None:
    """Told otherwise, it leaves a file with a number of this machine."""
    usual = {name: value for name, value in os.environ.items() if not name.startswith("ORT_")}
    environment = {**child_environment(usual), "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", "import onnxruntime"], env=environment, check=True)
    assert list(tmp_path.iterdir()) == []
