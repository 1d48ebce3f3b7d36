"""Sketches repainted in one of the painter's looks."""

import io
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from support.cases.sketch import CASE
from support.driver import EngineDriver
from support.pocket import in_memory, medium, pocket_job
from terrarium_server.engines import Failed, Finished, Job


@pytest.fixture
def sketch() -> Iterator[EngineDriver]:
    with CASE.driver() as driver:
        yield driver


def job(style: str, key: str) -> Job:
    return pocket_job("t2i-sketch", "a bouquet of roses", key=key, resolution="0.5k", style=style)


def test_a_look_repaints_the_sketch_and_keeps_its_size(sketch: EngineDriver) -> None:
    plain = medium(sketch.run(job("auto", "run_1")))
    glass = medium(sketch.run(job("stained glass", "run_2")))
    assert glass == medium(sketch.run(job("stained glass", "run_3")))
    one, other = (np.asarray(Image.open(io.BytesIO(png))).astype(int) for png in (plain, glass))
    assert one.shape == other.shape == (512, 512, 3)
    assert np.abs(one - other).mean() > 10


def test_a_look_without_its_network_says_how_to_get_it(sketch: EngineDriver) -> None:
    end = sketch.run(replace(job("stained glass", "run_1"), weights={}))
    assert isinstance(end, Failed) and end.code == "GENERATION_INVALID_PARAMS"
    assert "terrarium models pull t2i-sketch" in end.message
    assert isinstance(in_memory(sketch.run(replace(job("poster", "run_2"), weights={}))), Finished)
