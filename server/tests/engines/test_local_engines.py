"""The engines on PyTorch without torch and models. The tests with models are in tests-local/."""

import importlib.util
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.driver import drive_engine
from terrarium_server.engines import Engine, Job, Output, Refused
from terrarium_server.engines.child import Cancelled, JobError
from terrarium_server.engines.child._setup import temporary_files_in
from terrarium_server.engines.diffusers import engine as diffusers
from terrarium_server.engines.diffusers.call import read_call
from terrarium_server.engines.diffusers.pipeline import Pipelines
from terrarium_server.engines.pytorch.cache import ModelCache
from terrarium_server.engines.pytorch.device import GIB, is_broken, is_out_of_memory, weights_size
from terrarium_server.engines.pytorch.gpu_lock import GpuLock
from terrarium_server.engines.pytorch.model_thread import JobProgress, run_in_model_thread
from terrarium_server.engines.pytorch.runner import Runner
from terrarium_server.engines.setup import Setup
from terrarium_server.engines.transformers import engine as transformers


def engine(kind: Any = diffusers, **options: Any) -> Engine:
    return kind.build(Setup("local", 1, kind.OPTIONS(**options)))


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every library seems to be installed."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else name)
    problem = engine().problem({"model": "/nowhere"})
    assert problem == "torch not installed; pip install 'terrarium-server[local]'"


def test_the_lock_of_a_gpu_is_not_among_the_temporary_files_of_a_job(tmp_path: Path) -> None:
    with temporary_files_in(tmp_path):
        lock = GpuLock(f"of test {os.getpid()}")
        assert not lock.is_held_elsewhere() and list(tmp_path.iterdir()) == []
        lock.close()
    Path(tempfile.gettempdir(), f"terrarium-gpu-of-test-{os.getpid()}.lock").unlink()


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "[options] of its card: model: Field required"),
        ({"model": "./nowhere", "colour": 1}, "colour: unknown; known here: model, revision"),
        ({"model": "./nowhere"}, "there is no folder {folder}/nowhere; put the model there"),
        ({"model": "./empty"}, "{folder}/empty has no model_index.json"),
        ({"model": "sdxl"}, "write the hub's owner/name, or a path"),
        ({"model": "me/sd"}, "me/sd is not on this machine; set download = true for"),
        ({"model": "me/sd", "revision": "v2"}, "hf download me/sd --revision v2"),
    ],
)
def test_an_error_of_a_card_is_a_problem_of_its_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], message: str
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "empty").mkdir()
    opened = engine(folder=tmp_path)
    problem = opened.problem(options)
    assert problem is not None and message.format(folder=tmp_path) in problem
    with drive_engine(opened) as driver, pytest.raises(Refused, match="t2i-mine cannot be used"):
        driver.submit(Job("run_1", "t2i-mine", "image", "a fern", {}, 7, options=options))


@pytest.mark.usefixtures("installed")
def test_a_model_is_found_in_a_folder_and_in_the_hubs_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    model = tmp_path / "hub/models--me--lm"
    (model / "snapshots/abc123").mkdir(parents=True)
    (model / "refs").mkdir()
    (model / "refs/main").write_text("abc123")
    (model / "snapshots/abc123/config.json").write_text("{}")
    opened = engine(transformers, folder=model / "snapshots")
    for options in ({"model": "me/lm"}, {"model": "me/lm", "revision": "abc123"}, {"model": "./abc123"}):
        assert opened.problem(options) is None
    assert opened.problem({"model": "me/lm", "revision": "v2"}) is not None
    assert engine(transformers, download=True).problem({"model": "me/other"}) is None


def test_a_gpu_is_locked_by_one_process_and_two_may_look_at_once(tmp_path: Path) -> None:
    first, second = GpuLock("GPU 0", tmp_path), GpuLock("GPU 0", tmp_path)
    other = (
        "import sys; from pathlib import Path\n"
        "from terrarium_server.engines.pytorch.gpu_lock import GpuLock\n"
        "with GpuLock('GPU 0', Path(sys.argv[1])).held(lambda: None): print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", other, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        process.stdout.readline()
        assert first.is_held_elsewhere() and second.is_held_elsewhere()
        waits: list[int] = []

        def wait() -> None:
            waits.append(1)
            assert process.stdin is not None
            process.stdin.close()
            process.wait()

        # The lock of a process that has ended is free.
        with first.held(wait):
            assert waits and second.is_held_elsewhere()
    assert not first.is_held_elsewhere() and not second.is_held_elsewhere()
    first.close()
    second.close()


class Model:
    def __init__(self) -> None:
        self.offloads = 0

    def offload(self) -> None:
        self.offloads += 1


def cache(ram: Callable[[], int | None]) -> ModelCache[Model]:
    device: Any = SimpleNamespace(lock=None, empty_cache=lambda: None)
    return ModelCache[Model](device, ram=ram)


def test_models_stay_until_the_memory_is_needed() -> None:
    models = cache(lambda: 1000)
    first, second = Model(), Model()
    assert models.get("a", 500, lambda: first) is first
    assert models.get("b", 500, lambda: second) is second
    assert first.offloads == 1, "only one is on the GPU"
    assert models.get("a", 500, Model) is first

    def load() -> Model:
        assert "b" not in models and "a" in models, "the least recently used one is removed"
        return Model()

    free = iter([100, 1000, 1000])
    models._ram = lambda: next(free)  # pyright: ignore[reportPrivateUsage]
    models.get("c", 500, load)


def test_without_enough_memory_nothing_is_loaded() -> None:
    def load() -> Model:
        raise AssertionError

    with pytest.raises(JobError, match=r"needs about 11\.5 GiB of memory, and 2\.0 are free") as raised:
        cache(lambda: 2 * 1024**3).get("a", 10 * 1024**3, load)
    assert raised.value.code == "GPU_PROVIDER_ERROR"
    unknown = cache(lambda: None)
    unknown.get("a", 1 << 60, Model)
    unknown.get("b", 1 << 60, Model)
    assert "a" not in unknown, "if the free memory is unknown, one at a time"


def test_a_lack_of_memory_is_distinguished_from_other_errors() -> None:
    class OutOfMemoryError(RuntimeError): ...

    class AcceleratorError(RuntimeError): ...

    errors = [
        OutOfMemoryError("CUDA"),
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("MPS backend out of memory"),
    ]
    assert all(is_out_of_memory(error) for error in errors)
    assert not is_out_of_memory(RuntimeError("shapes do not match"))
    assert not is_out_of_memory(ValueError("the prompt says: out of memory"))
    assert is_broken(AcceleratorError()) and not is_broken(errors[0])


def test_only_the_weights_of_the_variant_count(tmp_path: Path) -> None:
    for name, size in (("unet/m.safetensors", 40), ("unet/m.fp16.safetensors", 20), ("vae/m.safetensors", 8)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(bytes(size))
    (tmp_path / "unet/m.bin").write_bytes(bytes(400))
    assert weights_size(tmp_path, "fp16") == 28
    assert weights_size(tmp_path / "vae", None) == 8


def test_progress_is_reported_during_the_work_and_a_cancelled_job_ends_at_its_next_report() -> None:
    reports: list[float] = []
    was_cancelled = threading.Event()

    class JobContext:
        def report(self, fraction: float, preview: object = None) -> None:
            reports.append(fraction)
            if fraction >= 0.5:
                was_cancelled.set()
                raise Cancelled

    def work(progress: JobProgress) -> None:
        progress.report(0.5)
        was_cancelled.wait()
        # The other thread passes the cancellation on a moment later.
        while True:
            progress.report(0.6)

    context: Any = JobContext()
    with pytest.raises(Cancelled):
        run_in_model_thread(context, work)
    assert reports[-1] >= 0.5
    silent: Any = SimpleNamespace(report=lambda *_: None)
    assert run_in_model_thread(silent, lambda progress: "made") == "made"


class Part:
    """A model's part of so many bytes."""

    def __init__(self, size: int) -> None:
        self._size = size

    def parameters(self) -> list[Any]:
        return [SimpleNamespace(numel=lambda: self._size, element_size=lambda: 1)]

    def buffers(self) -> list[Any]:
        return []


class RecordingPipeline:
    """A pipeline that records where it is placed."""

    def __init__(self) -> None:
        self.components = {"unet": Part(6 * GIB), "text_encoder": Part(2 * GIB), "scheduler": "none"}
        self.log: list[str] = []

    def __call__(self, prompt: str) -> None: ...

    def to(self, device: str, **_: Any) -> None:
        self.log.append(device)

    def enable_model_cpu_offload(self, device: str) -> None:
        self.log.append(f"by model on {device}")

    def enable_sequential_cpu_offload(self, device: str) -> None:
        self.log.append(f"by layer on {device}")

    def remove_all_hooks(self) -> None: ...


def gpu(free: float, total: float = 80) -> Any:
    sizes = (int(free * GIB), int(total * GIB))
    torch = SimpleNamespace(
        nn=SimpleNamespace(Module=Part), cuda=SimpleNamespace(mem_get_info=lambda _: sizes)
    )
    return SimpleNamespace(
        is_cuda=True,
        name="cuda:0",
        lock=None,
        torch=torch,
        free_memory=lambda: sizes[0],
        empty_cache=lambda: None,
    )


@pytest.mark.parametrize(
    ("device", "placed"),
    [
        (gpu(40), "cuda:0"),
        (gpu(9, total=9), "by model on cuda:0"),
        (gpu(4, total=9), "by layer on cuda:0"),
    ],
)
def test_weights_are_placed_on_the_gpu_as_far_as_they_fit(device: Any, placed: str) -> None:
    base = RecordingPipeline()
    model = Pipelines(device, base)
    for _ in range(2):
        assert model.on_device("text-to-image") is base
    assert base.log == [placed], "once, and it stays there"
    model.offload()
    model.offload()
    assert base.log == [placed, "cpu"]
    model.on_device("text-to-image", low_memory=True)
    assert "by" in base.log[-1]


@pytest.mark.parametrize("failures", [1, 2])
def test_if_the_gpu_is_out_of_memory_the_work_is_tried_once_with_less(
    monkeypatch: pytest.MonkeyPatch, failures: int
) -> None:
    monkeypatch.setattr("terrarium_server.engines.pytorch.runner.Device", lambda *_: gpu(40))
    monkeypatch.setattr("terrarium_server.engines.pytorch.runner.set_offline", lambda **_: None)
    attempts: list[bool] = []

    def work(_device: Any, _model: Any, _request: Any, _progress: Any, low_memory: bool) -> list[Output]:
        attempts.append(low_memory)
        if len(attempts) <= failures:
            raise RuntimeError("CUDA out of memory. Tried to allocate")
        return [Output("text/plain", "made")]

    request = {"device": "auto", "dtype": "auto", "download": True, "source": {}}
    request["card"] = {"variant": None, "dtype": "auto", "trust_remote_code": False}
    runner = Runner[Model](lambda _device, _request: (0, Model), work)
    context: Any = SimpleNamespace(report=lambda *_: None)
    if failures == 1:
        assert runner.handle(request, context) == [Output("text/plain", "made")]
    else:
        with pytest.raises(JobError, match="ask for a lower resolution") as raised:
            runner.handle(request, context)
        assert raised.value.code == "GENERATION_INPUT_VALIDATION"
    assert attempts == [False, True]


def pipe(**parts: Any) -> Any:
    return SimpleNamespace(**{"vae_scale_factor": 8, **parts})


ACCEPTED = {"prompt", "width", "height", "num_inference_steps", "num_frames", "frame_rate", "output_type"}


@pytest.mark.parametrize(
    ("model", "task", "params", "arguments"),
    [
        (pipe(), "text-to-image", {}, {}),
        (pipe(), "text-to-image", {"resolution": "0.5k"}, {"width": 512, "height": 512}),
        (
            pipe(),
            "text-to-image",
            {"aspect_ratio": "16:9", "resolution": "1k", "steps": 4, "num_images": 2},
            {"width": 1368, "height": 768, "num_inference_steps": 4},
        ),
        (
            pipe(image_processor=SimpleNamespace(config=SimpleNamespace(vae_scale_factor=16))),
            "text-to-image",
            {"aspect_ratio": "16:9", "resolution": "1024"},
            {"width": 1360, "height": 768},
        ),
        (
            pipe(
                vae_scale_factor_temporal=4,
                transformer=SimpleNamespace(config=SimpleNamespace(patch_size=(1, 2, 2))),
            ),
            "text-to-video",
            {"aspect_ratio": "16:9", "resolution": "480p", "duration": 5, "fps": 16},
            {"width": 848, "height": 480, "num_frames": 81, "frame_rate": 16},
        ),
        (pipe(), "text-to-video", {"num_frames": 14}, {"num_frames": 14, "frame_rate": 8}),
    ],
)
def test_parameters_become_a_pipelines_arguments(
    model: Any, task: str, params: dict[str, Any], arguments: dict[str, Any]
) -> None:
    request = {"prompt": "a fern", "params": params, "card": {"call": {}, "multiple": None}}
    call = read_call(model, ACCEPTED, task, request, None)
    assert call.arguments == {"prompt": "a fern", "output_type": "np", **arguments}
    assert call.count == params.get("num_images", 1) and call.fps == params.get("fps", 8)


@pytest.mark.parametrize(
    ("params", "code", "message"),
    [
        ({"guidance": 3.0, "strength": 0.5}, "GENERATION_INVALID_PARAMS", "guidance, strength: not taken"),
        ({"resolution": "huge"}, "GENERATION_INVALID_PARAMS", "resolution: huge is none; write it like"),
    ],
)
def test_parameters_that_a_pipeline_does_not_accept_are_refused(
    params: dict[str, Any], code: str, message: str
) -> None:
    request = {"prompt": "a fern", "params": params, "card": {"call": {}, "multiple": None}}
    with pytest.raises(JobError, match=message) as raised:
        read_call(pipe(), ACCEPTED, "text-to-image", request, None)
    assert raised.value.code == code
