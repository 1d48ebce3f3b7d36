"""How fast pictures and videos are repainted through the engine, beside its network alone."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnxruntime as ort
from PIL import Image

from support.cases.onnx import CASE, scene
from support.driving import Driven
from support.pocket import medium, pocket_job
from terrarium_server.engines import Input, Job
from terrarium_server.engines._onnx.repaint import BRUSHES, working_size
from terrarium_server.engines._onnx.video import BRUSHES as VIDEO_BRUSHES
from terrarium_server.engines._onnx.video import EVERY
from terrarium_server.media import Frame, VideoWriter

_SECONDS = 60.0
_SIDES = (512, 1024, 2048)
_THREADS = 2
_VIDEO, _FRAMES = (640, 360), 24


def run(seconds: float = _SECONDS) -> None:
    """Let both paint the same in turns and print a table."""
    with tempfile.TemporaryDirectory() as folder, CASE.driven() as painter:
        alone = _Alone(CASE.job("run_weights").weights["multistyle26.onnx"])
        _painted(painter, CASE.job("run_warm"))
        print(f"\n## painter: a built-in look, {_THREADS} threads, medians\n")
        print("| what | network's pixels | engine s | network alone s | share of it in the network |")
        print("|--|--:|--:|--:|--:|")
        for side in _SIDES:
            path = Path(folder) / f"{side}.jpg"
            Image.fromarray(scene(side, side)).save(path, quality=92)
            small = Frame.of(scene(side, side)).rgb(*working_size(side, side, BRUSHES["medium"]))
            inputs = {"image_url": (Input(path, "image/jpeg"),)}
            name = f"picture {side} x {side}"
            _measure(
                name,
                painter,
                "i2i-painter",
                inputs,
                lambda small=small: alone.paint(small),
                seconds / 4,
                small,
            )
        path = Path(folder) / "video.mp4"
        with VideoWriter(*_VIDEO, 24) as writer:
            for index in range(_FRAMES):
                writer.write(scene(*_VIDEO, shift=index))
            path.write_bytes(writer.finish())
        size = working_size(*_VIDEO, VIDEO_BRUSHES["medium"], least=256)
        # Those frames that the engine has painted by the network.
        frames = [Frame.of(scene(*_VIDEO, shift=each)).rgb(*size) for each in range(0, _FRAMES, EVERY)]
        inputs = {"video_url": (Input(path, "video/mp4"),)}
        name = f"video {_VIDEO[0]} x {_VIDEO[1]}, {_FRAMES} frames"
        whole = _measure(
            name,
            painter,
            "v2v-painter",
            inputs,
            lambda: [alone.paint(each) for each in frames],
            seconds / 4,
            frames[0],
        )
        print(f"\nvideo: {_FRAMES / whole:.2f} frames/s through the engine")


def _measure(
    name: str,
    painter: Driven,
    model: str,
    inputs: dict[str, tuple[Input, ...]],
    bare: Callable[[], object],
    seconds: float,
    small: Any,
) -> float:
    ours, theirs = list[float](), list[float]()
    end = time.monotonic() + seconds
    # In turns, because a shared machine is faster in one second than in another.
    while not ours or time.monotonic() < end:
        job = pocket_job(model, "", key=f"run_{name}_{len(ours)}", inputs=inputs)
        ours.append(_timed(lambda job=job: _painted(painter, job)))
        theirs.append(_timed(bare))
    whole, alone = median(ours), median(theirs)
    print(
        f"| {name} | {small.shape[1]} x {small.shape[0]} | {whole:.2f} | {alone:.2f} | {alone / whole:.0%} |",
        flush=True,
    )
    return whole


def _timed(paint: Callable[[], object]) -> float:
    started = time.perf_counter()
    paint()
    return time.perf_counter() - started


def _painted(painter: Driven, job: Job) -> None:
    medium(painter.made(job))


class _Alone:
    """onnxruntime as it comes, in this process."""

    def __init__(self, network: Path) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = _THREADS
        self._session = ort.InferenceSession(str(network), options, providers=["CPUExecutionProvider"])

    def paint(self, picture: Any) -> Any:
        weights = np.zeros(26, np.float32)
        weights[12] = 1
        planes = picture.transpose(2, 0, 1)[None].astype(np.float32) / 255
        return self._session.run(None, {"image": planes, "style_weights": weights})
