"""The notations of sizes mean the same for every engine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from terrarium_server.engines.sizes import area_of, ratio_of, short_side_of, size_of_area


@pytest.mark.parametrize(
    ("resolution", "area"),
    [("0.5k", 512**2), ("1k", 1024**2), ("4K", 4096**2), ("768", 768**2), ("480p", 480 * 480 * 16 / 9)],
)
def test_a_resolution_is_an_area(resolution: str, area: float) -> None:
    assert area_of(resolution) == area


def test_a_videos_resolution_is_its_short_side() -> None:
    assert [short_side_of(name) for name in ("480p", "720p", "1080p")] == [480, 720, 1080]


@pytest.mark.parametrize("wrong", ["", "big", "-1k", "1kk", "1 k", "k"])
def test_an_invalid_resolution_is_an_error(wrong: str) -> None:
    with pytest.raises(ValueError, match="write it like"):
        area_of(wrong)


@pytest.mark.parametrize("wrong", ["", "16", "16:0", "0:9", "-1:1", "16:9:1", "a:b", "nan:1"])
def test_an_invalid_aspect_ratio_is_an_error(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        ratio_of(wrong)


@given(st.floats(64, 8192), st.floats(0.1, 10), st.sampled_from([1, 2, 8, 16]))
def test_sides_are_whole_steps_and_keep_the_proportions(side: float, ratio: float, step: int) -> None:
    width, height = size_of_area(side * side, ratio, step=step, longest=4096)
    assert width % step == height % step == 0
    assert 0 < width <= 4096 + step and 0 < height <= 4096 + step
    assert abs(width - height * ratio) <= step * (1 + ratio)
