"""Repainting videos with v2v-painter, and stabilizing the paint."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from support.cases.onnx import CASE, sunset
from support.driver import EngineDriver
from support.pocket import End, in_memory, pocket_job
from terrarium_pocket.painter.motion import View, find_motion
from terrarium_pocket.painter.stabilizer import Stabilizer
from terrarium_server.engines import Failed, Finished, Input, Progress
from terrarium_server.media import VideoWriter, encode_audio, frames, probe

FRAMES, FPS = 8, 12.5


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A still scene, noisy as from a camera, over which a disc moves; its sound is shorter."""
    folder = tmp_path_factory.mktemp("clip")
    noise = np.random.default_rng(3)
    tone = np.sin(np.arange(22_050) * 0.06).astype(np.float32)[: int(22_050 * 0.5)] * 0.4
    (folder / "tone.wav").write_bytes(encode_audio(tone, 22_050, "wav"))
    y, x = np.mgrid[:144, :192]
    with VideoWriter(192, 144, FPS, sound=folder / "tone.wav", crf=10) as writer:
        for index in range(FRAMES):
            frame = sunset(192, 144).astype(np.float32) + noise.normal(0, 3, (144, 192, 3))
            frame[(x - 10 - index * 4) ** 2 + (y - 20) ** 2 < 100] = (240, 240, 240)
            writer.write(frame.clip(0, 255).astype(np.uint8))
        (folder / "clip.mp4").write_bytes(writer.finish())
    return folder / "clip.mp4"


@pytest.fixture(scope="module")
def ends(clip: Path) -> dict[float, End]:
    with CASE.driver() as painter:
        return {steadiness: repainted(painter, clip, steadiness=steadiness) for steadiness in (0.0, 0.9)}


def repainted(painter: EngineDriver, video: Path, **params: Any) -> End:
    inputs = {"video_url": (Input(video, "video/mp4"),)}
    key = f"run_{video.name}_{len(params)}_{params.get('steadiness')}"
    ticket = painter.submit(pocket_job("v2v-painter", "", key=key, inputs=inputs, **params))
    progress = 0.0
    for update in painter.follow(ticket):
        if not isinstance(update, Progress):
            return in_memory(update)
        assert progress <= update.fraction < 1
        progress = update.fraction
    raise AssertionError("the news ended without an end")


def decoded(end: End, folder: Path) -> tuple[Path, NDArray[np.float32]]:
    assert isinstance(end, Finished), end
    data = end.outputs[0].data
    assert isinstance(data, bytes) and end.outputs[0].content_type == "video/mp4"
    (folder / "made.mp4").write_bytes(data)
    return folder / "made.mp4", np.stack(list(frames(folder / "made.mp4"))).astype(np.float32)


def test_size_rate_length_and_sound_are_kept(ends: dict[float, End], tmp_path: Path) -> None:
    path, shown = decoded(ends[0.9], tmp_path)
    made = probe(path)
    assert (made.width, made.height, made.fps, len(shown)) == (192, 144, FPS, FRAMES)
    end = ends[0.9]
    assert isinstance(end, Finished) and end.outputs[0].duration_seconds == pytest.approx(FRAMES / FPS)
    with av.open(str(path)) as container:
        samples = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)])
    # The tone, and silence from where it ends.
    assert np.abs(samples[4000:9000]).mean() > 0.1 > 0.01 > np.abs(samples[-2000:]).mean()
    assert np.abs(shown[0] - sunset(192, 144)).mean() > 15


def test_steady_paint_flickers_less_and_is_painted_as_much(ends: dict[float, End], tmp_path: Path) -> None:
    def still_part(end: End) -> NDArray[np.float32]:
        return decoded(end, tmp_path)[1][:, 60:]

    alone, steady = still_part(ends[0.0]), still_part(ends[0.9])
    flickers = [np.abs(np.diff(each, axis=0)).mean() for each in (alone, steady)]
    assert flickers[1] < flickers[0] / 2
    relief = [np.abs(np.diff(each, axis=2)).mean() for each in (alone, steady)]
    assert relief[1] > relief[0] * 0.75


def test_a_moving_object_is_painted_where_it_is(ends: dict[float, End], tmp_path: Path) -> None:
    alone, steady = (decoded(ends[share], tmp_path)[1] for share in (0.0, 0.9))
    last = 10 + (FRAMES - 1) * 4
    where = (slice(-1, None), slice(16, 25), slice(last - 4, last + 5))
    gone = (slice(-1, None), slice(16, 25), slice(6, 15))
    for place in (where, gone):
        assert np.abs(alone[place].mean(axis=(0, 1, 2)) - steady[place].mean(axis=(0, 1, 2))).max() < 45


def _view(shift: float = 0) -> View:
    return View(sunset(256, 192, shift=shift).transpose(2, 0, 1).astype(np.float32))


def test_motion_is_found_and_a_still_picture_has_none() -> None:
    still = find_motion(_view(), _view())
    assert not still.flow.any() and not still.difference.any()
    # The content at x was 5 pixels further right in the other picture; a cell is two pixels wide.
    found = find_motion(_view(5), _view())
    flow = found.flow[:, 65:90, 20:100]
    assert abs(float(np.median(flow[0])) - 5) < 0.5
    assert abs(float(np.median(flow[1]))) < 0.5
    assert found.difference.mean() < np.abs(_view(5).colours - _view().colours).max(axis=0).mean() / 3


def test_after_a_cut_no_old_paint_is_left() -> None:
    stabilizer = Stabilizer(1.0)
    stabilizer.follow(sunset(128, 96), sunset(128, 96))
    other = 255 - sunset(128, 96)[:, ::-1]
    assert (stabilizer.follow(other, other) == other).all()


def test_the_paint_of_a_frame_between_two_comes_from_its_neighbours() -> None:
    stabilizer = Stabilizer(0.9)
    assert stabilizer.between(sunset(256, 192)) is None
    for shift in (0, 8):
        stabilizer.follow(sunset(256, 192, shift=shift), 255 - sunset(256, 192, shift=shift))
    between = stabilizer.between(sunset(256, 192, shift=4))
    assert between is not None
    apart = np.abs(between.astype(np.float32) - (255 - sunset(256, 192, shift=4)))
    assert apart.mean() < 6
    # Next to a cut one neighbour is enough; between two cuts there is none.
    other = np.ascontiguousarray(255 - sunset(256, 192)[:, ::-1])
    stabilizer.follow(other, other)
    for frame in (sunset(256, 192, shift=8), other):
        assert stabilizer.between(frame) is not None
    assert stabilizer.between(np.ascontiguousarray(other[::-1])) is None


def test_a_lone_frame_between_two_cuts_is_painted_too(tmp_path: Path) -> None:
    lone = np.ascontiguousarray(255 - sunset(192, 144)[::-1])
    with VideoWriter(192, 144, FPS, crf=10) as writer:
        for frame in (sunset(192, 144), lone, np.ascontiguousarray(sunset(192, 144)[:, ::-1]), lone):
            writer.write(frame)
        (tmp_path / "cuts.mp4").write_bytes(writer.finish())
    with CASE.driver() as painter:
        ends = [repainted(painter, tmp_path / "cuts.mp4", steadiness=share) for share in (0.0, 0.9)]
    alone, steady = (decoded(end, tmp_path)[1] for end in ends)
    assert len(steady) == 4
    assert np.abs(alone - steady)[[1, 3]].mean(axis=(1, 2, 3)).max() < 3


def _written(path: Path, width: int, height: int, fps: float, count: int) -> Path:
    with VideoWriter(width, height, fps) as writer:
        for _ in range(count):
            writer.write(np.zeros((height, width, 3), np.uint8))
        path.write_bytes(writer.finish())
    return path


def test_an_unusable_video_fails_and_the_process_survives(clip: Path, tmp_path: Path) -> None:
    whole = clip.read_bytes()
    text, broken = tmp_path / "text.mp4", tmp_path / "broken.mp4"
    text.write_text("not a film")
    broken.write_bytes(whole[: len(whole) // 2])
    cases = {
        text: "cannot be read as a video",
        broken: "give a whole MP4",
        _written(tmp_path / "long.mp4", 64, 64, 1, 70): "at most 60 s",
        _written(tmp_path / "large.mp4", 2560, 1440, 10, 1): "1920 x 1080",
        _written(tmp_path / "tiny.mp4", 32, 32, 10, 2): "from 64 pixels",
    }
    with CASE.driver() as painter:
        for path, message in cases.items():
            failed = repainted(painter, path)
            assert isinstance(failed, Failed) and failed.code == "GENERATION_INPUT_VALIDATION"
            assert message in failed.message, failed.message
        assert isinstance(repainted(painter, clip, strength=0.0), Finished)
        upright = _written(tmp_path / "upright.mp4", 66, 130, 10, 2)
        end = repainted(painter, upright, look="stained glass")
    silent = probe(decoded(end, tmp_path)[0])
    assert not silent.has_audio
    assert isinstance(end, Finished)
    assert (end.outputs[0].width, end.outputs[0].height) == (66, 130)
