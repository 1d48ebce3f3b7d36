"""How fast pictures and videos are repainted through the engine, compared with its network alone."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnxruntime as ort
from PIL import Image

from support.cases.onnx import CASE, sunset
from support.driver import EngineDriver
from support.pocket import medium, pocket_job
from terrarium_pocket.looks.repaint import BRUSHES, working_size
from terrarium_pocket.painter.video import BRUSHES as VIDEO_BRUSHES
from terrarium_pocket.painter.video import EVERY
from terrarium_server.engines import Input, Job
from terrarium_server.media import Frame, VideoWriter

_SECONDS = 60.0
_SIDES = (512, 1024, 2048)
_THREADS = 2
_VIDEO, _FRAMES = (640, 360), 24


def run(seconds: float = _SECONDS) -> None:
    """Let both paint the same pictures alternately and print a table."""
    with tempfile.TemporaryDirectory() as folder, CASE.driver() as painter:
        alone = _Alone(CASE.job("run_weights").weights["multistyle26.onnx"])
        _painted(painter, CASE.job("run_warm"))
        print(f"\n## painter: a built-in look, {_THREADS} threads, medians\n")
        print("| what | network's pixels | engine s | network alone s | share of it in the network |")
        print("|--|--:|--:|--:|--:|")
        for side in _SIDES:
            path = Path(folder) / f"{side}.jpg"
            Image.fromarray(sunset(side, side)).save(path, quality=92)
            small = Frame.of(sunset(side, side)).rgb(*working_size(side, side, BRUSHES["medium"]))
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
                writer.write(sunset(*_VIDEO, shift=index))
            path.write_bytes(writer.finish())
        size = working_size(*_VIDEO, VIDEO_BRUSHES["medium"], least=256)
        # The frames for which the engine runs the network.
        frames = [Frame.of(sunset(*_VIDEO, shift=each)).rgb(*size) for each in range(0, _FRAMES, EVERY)]
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
    painter: EngineDriver,
    model: str,
    inputs: dict[str, tuple[Input, ...]],
    bare: Callable[[], object],
    seconds: float,
    small: Any,
) -> float:
    ours, theirs = list[float](), list[float]()
    end = time.monotonic() + seconds
    # Alternately, because the speed of a shared machine varies.
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


def _painted(painter: EngineDriver, job: Job) -> None:
    medium(painter.run(job))


class _Alone:
    """Unmodified onnxruntime, in this process."""

    def __init__(self, network: Path) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = _THREADS
        self._session = ort.InferenceSession(str(network), options, providers=["CPUExecutionProvider"])

    def paint(self, picture: Any) -> Any:
        weights = np.zeros(26, np.float32)
        weights[12] = 1
        planes = picture.transpose(2, 0, 1)[None].astype(np.float32) / 255
        return self._session.run(None, {"image": planes, "style_weights": weights})
