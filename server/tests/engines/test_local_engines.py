"""What the engines on PyTorch do before a model is there, without torch. With models: tests-local/."""

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

from support.driving import driving
from terrarium_server.engines import Engine, Job, Output, Refused, Setup, diffusers, transformers
from terrarium_server.engines._child import Cancelled, Unfit
from terrarium_server.engines._child_setup import files_in
from terrarium_server.engines._diffusers import Pipelines, read_call
from terrarium_server.engines._local.bench import Bench
from terrarium_server.engines._local.lease import Lease
from terrarium_server.engines._local.machine import GIB, is_broken, is_out_of_memory, weights_size
from terrarium_server.engines._local.shelf import Shelf
from terrarium_server.engines._local.waiting import Progress, attend


def engine(kind: Any = diffusers, **options: Any) -> Engine:
    return kind.build(Setup("local", 1, kind.OPTIONS(**options)))


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every library is there, as far as anyone looks."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "torch" else name)
    problem = engine().problem({"model": "/nowhere"})
    assert problem == "torch not installed; pip install 'terrarium-server[local]'"


def test_the_lease_of_a_gpu_is_not_among_the_temporary_files_of_a_job(tmp_path: Path) -> None:
    with files_in(tmp_path):
        lease = Lease(f"of test {os.getpid()}")
        assert not lease.wanted() and list(tmp_path.iterdir()) == []
        lease.close()
    Path(tempfile.gettempdir(), f"terrarium-gpu-of-test-{os.getpid()}.lock").unlink()


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "options.model: Field required"),
        ({"model": "./nowhere", "colour": 1}, "options.colour: Extra inputs are not permitted; a card"),
        ({"model": "./nowhere"}, "there is no folder {folder}/nowhere; put the model there"),
        ({"model": "./empty"}, "{folder}/empty has no model_index.json"),
        ({"model": "sdxl"}, "write the hub's owner/name, or a path"),
        ({"model": "me/sd"}, "me/sd is not on this machine; say download = true for"),
        ({"model": "me/sd", "revision": "v2"}, "hf download me/sd --revision v2"),
    ],
)
def test_what_is_wrong_with_a_card_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], said: str
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "empty").mkdir()
    opened = engine(folder=tmp_path)
    problem = opened.problem(options)
    assert problem is not None and said.format(folder=tmp_path) in problem
    with driving(opened) as driven, pytest.raises(Refused, match="t2i-mine cannot be used"):
        driven.submit(Job("run_1", "t2i-mine", "image", "a fern", {}, 7, options=options))


@pytest.mark.usefixtures("installed")
def test_a_model_is_found_in_a_folder_and_in_the_hubs_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    there = tmp_path / "hub/models--me--lm"
    (there / "snapshots/abc123").mkdir(parents=True)
    (there / "refs").mkdir()
    (there / "refs/main").write_text("abc123")
    (there / "snapshots/abc123/config.json").write_text("{}")
    opened = engine(transformers, folder=there / "snapshots")
    for options in ({"model": "me/lm"}, {"model": "me/lm", "revision": "abc123"}, {"model": "./abc123"}):
        assert opened.problem(options) is None
    assert opened.problem({"model": "me/lm", "revision": "v2"}) is not None
    assert engine(transformers, download=True).problem({"model": "me/other"}) is None


def test_a_gpu_is_held_by_one_process_and_lookers_do_not_mind_each_other(tmp_path: Path) -> None:
    ours, looker = Lease("GPU 0", tmp_path), Lease("GPU 0", tmp_path)
    other = (
        "import sys; from pathlib import Path; from terrarium_server.engines._local.lease import Lease\n"
        "with Lease('GPU 0', Path(sys.argv[1])).held(lambda: None): print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", other, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        process.stdout.readline()
        assert ours.wanted() and looker.wanted()
        waited: list[int] = []

        def waiting() -> None:
            waited.append(1)
            assert process.stdin is not None
            process.stdin.close()
            process.wait()

        # The other ends, and with it its hold.
        with ours.held(waiting):
            assert waited and looker.wanted()
    assert not ours.wanted() and not looker.wanted()
    ours.close()
    looker.close()


class Resting:
    def __init__(self) -> None:
        self.rested = 0

    def rest(self) -> None:
        self.rested += 1


def shelf(free: Callable[[], int | None]) -> Shelf[Resting]:
    machine: Any = SimpleNamespace(lease=None, tidy=lambda: None)
    return Shelf[Resting](machine, ram=free)


def test_models_stay_until_the_memory_is_needed() -> None:
    left = [1000]
    kept = shelf(lambda: left[0])
    first, second = Resting(), Resting()
    assert kept.take("a", 500, lambda: first) is first
    assert kept.take("b", 500, lambda: second) is second
    assert first.rested == 1, "only one is on the GPU"
    assert kept.take("a", 500, Resting) is first

    def load() -> Resting:
        assert "b" not in kept and "a" in kept, "the one that was used longest ago goes"
        return Resting()

    free = iter([100, 1000, 1000])
    left[:] = [0]
    kept._ram = lambda: next(free)  # pyright: ignore[reportPrivateUsage]
    kept.take("c", 500, load)


def test_without_enough_memory_nothing_is_loaded() -> None:
    def load() -> Resting:
        raise AssertionError

    with pytest.raises(Unfit, match=r"needs about 11\.5 GiB of memory, and 2\.0 are free") as unfit:
        shelf(lambda: 2 * 1024**3).take("a", 10 * 1024**3, load)
    assert unfit.value.code == "GPU_PROVIDER_ERROR"
    unknown = shelf(lambda: None)
    unknown.take("a", 1 << 60, Resting)
    unknown.take("b", 1 << 60, Resting)
    assert "a" not in unknown, "where it cannot be told, one at a time"


def test_a_lack_of_memory_is_told_from_other_failures() -> None:
    class OutOfMemoryError(RuntimeError): ...

    class AcceleratorError(RuntimeError): ...

    lacks = [
        OutOfMemoryError("CUDA"),
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
        RuntimeError("MPS backend out of memory"),
    ]
    assert all(is_out_of_memory(error) for error in lacks)
    assert not is_out_of_memory(RuntimeError("shapes do not match"))
    assert not is_out_of_memory(ValueError("the prompt says: out of memory"))
    assert is_broken(AcceleratorError()) and not is_broken(lacks[0])


def test_only_the_weights_of_the_variant_count(tmp_path: Path) -> None:
    for name, size in (("unet/m.safetensors", 40), ("unet/m.fp16.safetensors", 20), ("vae/m.safetensors", 8)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(bytes(size))
    (tmp_path / "unet/m.bin").write_bytes(bytes(400))
    assert weights_size(tmp_path, "fp16") == 28
    assert weights_size(tmp_path / "vae", None) == 8


def test_work_is_told_of_while_it_goes_on_and_stops_at_its_next_report() -> None:
    told: list[float] = []
    go_on = threading.Event()

    class Talk:
        def report(self, fraction: float, preview: object = None) -> None:
            told.append(fraction)
            if fraction >= 0.5:
                go_on.set()
                raise Cancelled

    def work(progress: Progress) -> None:
        progress.report(0.5)
        go_on.wait()
        # The cancellation comes from the other thread, a moment later.
        while True:
            progress.report(0.6)

    talk: Any = Talk()
    with pytest.raises(Cancelled):
        attend(talk, work)
    assert told[-1] >= 0.5
    assert attend(SimpleNamespace(report=lambda *_: None), lambda progress: "made") == "made"  # pyright: ignore[reportArgumentType]


class Part:
    """A model's part of so many bytes."""

    def __init__(self, size: int) -> None:
        self._size = size

    def parameters(self) -> list[Any]:
        return [SimpleNamespace(numel=lambda: self._size, element_size=lambda: 1)]

    def buffers(self) -> list[Any]:
        return []


class Placed:
    """A pipeline that writes down where it is put."""

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
        is_cuda=True, name="cuda:0", lease=None, torch=torch, free=lambda: sizes[0], tidy=lambda: None
    )


@pytest.mark.parametrize(
    ("machine", "placed"),
    [
        (gpu(40), "cuda:0"),
        (gpu(9, total=9), "by model on cuda:0"),
        (gpu(4, total=9), "by layer on cuda:0"),
    ],
)
def test_weights_are_put_on_the_gpu_as_far_as_they_fit(machine: Any, placed: str) -> None:
    base = Placed()
    model = Pipelines(machine, base)
    for _ in range(2):
        assert model.ready("text-to-image") is base
    assert base.log == [placed], "once, and it stays there"
    model.rest()
    model.rest()
    assert base.log == [placed, "cpu"]
    model.ready("text-to-image", frugal=True)
    assert "by" in base.log[-1]


@pytest.mark.parametrize(("lacks", "tried"), [(1, [False, True]), (2, [False, True])])
def test_without_room_on_the_gpu_it_is_tried_frugally_before_it_is_told(
    monkeypatch: pytest.MonkeyPatch, lacks: int, tried: list[bool]
) -> None:
    monkeypatch.setattr("terrarium_server.engines._local.bench.Machine", lambda *_: gpu(40))
    monkeypatch.setattr("terrarium_server.engines._local.bench.stay_offline", lambda **_: None)
    seen: list[bool] = []

    def work(_machine: Any, _model: Any, _request: Any, _progress: Any, frugal: bool) -> list[Output]:
        seen.append(frugal)
        if len(seen) <= lacks:
            raise RuntimeError("CUDA out of memory. Tried to allocate")
        return [Output("text/plain", "made")]

    request = {"device": "auto", "dtype": "auto", "download": True, "place": {}}
    request["card"] = {"variant": None, "dtype": "auto", "trust_remote_code": False}
    bench = Bench[Resting](lambda _machine, _request: (0, Resting), work)
    talk: Any = SimpleNamespace(report=lambda *_: None)
    if lacks == 1:
        assert bench.handle(request, talk) == [Output("text/plain", "made")]
    else:
        with pytest.raises(Unfit, match="ask for a lower resolution") as unfit:
            bench.handle(request, talk)
        assert unfit.value.code == "GENERATION_INPUT_VALIDATION"
    assert seen == tried


def pipe(**parts: Any) -> Any:
    return SimpleNamespace(**{"vae_scale_factor": 8, **parts})


WORDS = {"prompt", "width", "height", "num_inference_steps", "num_frames", "frame_rate", "output_type"}


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
    call = read_call(model, WORDS, task, request, None)
    assert call.arguments == {"prompt": "a fern", "output_type": "np", **arguments}
    assert call.count == params.get("num_images", 1) and call.fps == params.get("fps", 8)


@pytest.mark.parametrize(
    ("params", "code", "said"),
    [
        ({"guidance": 3.0, "strength": 0.5}, "GENERATION_INVALID_PARAMS", "guidance, strength: not taken"),
        ({"resolution": "huge"}, "GENERATION_INVALID_PARAMS", "resolution: huge is none; write it like"),
    ],
)
def test_what_a_pipeline_does_not_take_is_refused(params: dict[str, Any], code: str, said: str) -> None:
    request = {"prompt": "a fern", "params": params, "card": {"call": {}, "multiple": None}}
    with pytest.raises(Unfit, match=said) as unfit:
        read_call(pipe(), WORDS, "text-to-image", request, None)
    assert unfit.value.code == code
