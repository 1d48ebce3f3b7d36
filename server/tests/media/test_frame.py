"""Frames: their colours, sizes and rotation, through planes and an encoder and back."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from terrarium_server.media import Frame, VideoWriter, decoded, run_ffmpeg

# BT.709 in limited range, by its definition.
COLOURS = {
    (255, 255, 255): (235, 128, 128),
    (0, 0, 0): (16, 128, 128),
    (200, 30, 60): (75, 124, 201),
    (20, 200, 90): (148, 98, 53),
}


def plain(colour: tuple[int, int, int], width: int = 128, height: int = 96) -> NDArray[np.uint8]:
    return np.full((height, width, 3), colour, np.uint8)


@pytest.mark.parametrize("colour", COLOURS)
def test_planes_agree_with_the_standard(colour: tuple[int, int, int]) -> None:
    planes = Frame.of(plain(colour)).planes(128, 96)
    assert [plane.shape for plane in planes] == [(96, 128), (48, 64), (48, 64)]
    for plane, wanted in zip(planes, COLOURS[colour], strict=True):
        assert np.abs(plane.astype(int) - wanted).max() <= 1
    assert planes.flat().shape == (96 * 128 * 3 // 2,)


@pytest.mark.parametrize("colour", COLOURS)
def test_colours_pass_the_encoder_unchanged(colour: tuple[int, int, int], tmp_path: Path) -> None:
    with VideoWriter(128, 96, 24, planar=True) as writer:
        writer.write(Frame.of(plain(colour)).planes(128, 96).flat())
        (tmp_path / "made.mp4").write_bytes(writer.finish())
    (frame,) = decoded(tmp_path / "made.mp4")
    assert np.abs(frame.rgb().astype(int) - colour).max() <= 3
    assert np.abs(frame.rgb(64, 40).astype(int) - colour).max() <= 3


def test_a_rotated_video_is_upright_as_rgb_and_as_planes(tmp_path: Path) -> None:
    shown = plain((10, 10, 10))
    shown[:, :64] = (250, 250, 250)
    with VideoWriter(128, 96, 24) as writer:
        writer.write(shown)
        (tmp_path / "made.mp4").write_bytes(writer.finish())
    turned = ["-display_rotation", "90", "-i", str(tmp_path / "made.mp4"), "-c", "copy"]
    run_ffmpeg([*turned, str(tmp_path / "turned.mp4")])
    (frame,) = decoded(tmp_path / "turned.mp4")
    upright = np.rot90(shown)
    assert np.abs(frame.rgb().astype(int) - upright).mean() < 3
    assert np.abs(frame.planes(96, 128).y.astype(int) - Frame.of(upright.copy()).planes(96, 128).y).mean() < 3
    assert frame.rgb(48, 64).shape == (64, 48, 3)
