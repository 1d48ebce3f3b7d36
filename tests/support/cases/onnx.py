"""The kind onnx, with the networks of its cards."""

import dataclasses
import functools
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from support.cases import Case
from support.pocket import pocket_job
from terrarium_pocket.painter import engine as kind
from terrarium_server.engines import Engine, Input, Job
from terrarium_server.engines.setup import Setup
from terrarium_server.media import VideoWriter


@contextmanager
def _open() -> Iterator[Engine]:
    yield kind.build(Setup("onnx", 1, kind.OPTIONS()))


def sunset(width: int, height: int, shift: float = 0.0) -> NDArray[np.uint8]:
    """Draw a sunset over waves, with many colours and sizes; ``shift`` moves it, in pixels."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x = x + np.float32(shift)
    sky = np.stack((200 - y / height * 60, 120 + y / height * 90, 90 + y / height * 40), axis=-1)
    waves = 40 * np.sin(x / 9 + np.sin(y / 7) * 2) * (y > height * 0.6)
    picture = np.where((y > height * 0.6)[..., None], (30, 70, 120), sky) + waves[..., None]
    picture[(x - width * 0.7) ** 2 + (y - height * 0.3) ** 2 < (height * 0.15) ** 2] = (250, 220, 80)
    picture[(np.abs(x - width * 0.3) < width * 0.06) & (y > height * 0.3)] = (150, 30, 50)
    return picture.clip(0, 255).astype(np.uint8)


@functools.cache
def _media() -> tuple[tempfile.TemporaryDirectory[str], Input, Input]:
    folder = tempfile.TemporaryDirectory(prefix="terrarium-onnx-case-")
    picture, video = Path(folder.name) / "picture.png", Path(folder.name) / "video.mp4"
    Image.fromarray(sunset(256, 256)).save(picture)
    with VideoWriter(320, 240, 24) as writer:
        for index in range(100):
            writer.write(sunset(320, 240, shift=index * 0.5))
        video.write_bytes(writer.finish())
    return folder, Input(picture, "image/png"), Input(video, "video/mp4")


def _job(key: str) -> Job:
    _, picture, _ = _media()
    return pocket_job("i2i-painter", "", key=key, inputs={"image_url": (picture,)})


def _long(key: str) -> Job:
    _, _, video = _media()
    return pocket_job("v2v-painter", "", key=key, inputs={"video_url": (video,)})


def _wrong(key: str) -> Job:
    return dataclasses.replace(_job(key), type="hologram")


CASE = Case(_open, _job, _long, _wrong, "image/png", in_processes=True)
