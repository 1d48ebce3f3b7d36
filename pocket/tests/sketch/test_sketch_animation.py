"""Sketch clips: exact files, smooth motion, and an input picture that stays the same picture."""

import io
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from support.cases.sketch import CASE
from support.pocket import in_memory, pocket_job
from terrarium_pocket.sketch.animation import (
    MOTIONS,
    Clip,
    ClipSettings,
    animate_picture,
    animate_scene,
    clip_size,
)
from terrarium_pocket.sketch.animation.atmosphere import PARTICLE_KINDS
from terrarium_pocket.sketch.animation.planes import from_rgb
from terrarium_pocket.sketch.animation.scene_clip import named_move
from terrarium_pocket.sketch.animation.sound import soundtrack
from terrarium_pocket.sketch.painter import SCENES, paint
from terrarium_server.engines import Failed, Finished, Input, Refused
from terrarium_server.media import encode_audio, frames, probe, read_audio

WIDTH, HEIGHT = 320, 180


def quiet(_: float) -> None:
    """A progress callback that does nothing."""


def settings(motion: str = "auto", *, seconds: float = 1.0, fps: int = 12, seed: int = 5) -> ClipSettings:
    return ClipSettings(WIDTH, HEIGHT, fps, seconds, motion, seed)


@cache
def photo() -> Image.Image:
    """An input picture."""
    painted = paint("a red vase on a table", width=WIDTH, height=HEIGHT, seed=2)
    return Image.open(io.BytesIO(painted.png)).convert("RGB")


def luma(clip: Clip, index: int) -> NDArray[np.int16]:
    """The brightness of one frame, shape (h, w)."""
    flat = clip.frame(index)[: clip.width * clip.height]
    return flat.reshape(clip.height, clip.width).astype(np.int16)


def steps(clip: Clip, count: int = 12) -> list[float]:
    """Mean change from each frame to the next."""
    shown = [luma(clip, index) for index in range(count)]
    return [float(np.abs(b - a).mean()) for a, b in pairwise(shown)]


@pytest.mark.parametrize("scene", SCENES)
def test_every_scene_moves_smoothly(scene: str) -> None:
    clip = animate_scene(
        f"{scene}, cinematic" if scene != "product" else "a mug",
        settings(seconds=4.0),
        style="auto",
        report=quiet,
    )
    changes = steps(clip)
    assert all(change > 0.02 for change in changes[1:]), changes
    # No jump: no change is many times the median.
    assert max(changes) < 12 and max(changes) < 4 * float(np.median(changes)) + 0.5, changes


def test_a_clip_is_a_fast_start_h264_file(tmp_path: Path) -> None:
    clip = animate_scene("the sea at sunset", settings(fps=15), style="auto", report=quiet)
    reports: list[float] = []
    made = clip.write(sound=None, report=reports.append)
    assert made.index(b"moov") < made.index(b"mdat")
    assert reports == sorted(reports) and len(reports) == 15
    file = tmp_path / "made.mp4"
    file.write_bytes(made)
    with av.open(str(file)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert (context.name, context.pix_fmt, context.width, context.height) == ("h264", "yuv420p", 320, 180)
        assert stream.average_rate == 15
        assert sum(1 for _ in container.decode(stream)) == 15
    # The planes keep the colours.
    red, blue = (float(next(frames(file))[..., channel].mean()) for channel in (0, 2))
    still = np.asarray(clip.layers[-1].plate.v, dtype=float).mean() - 128
    assert (red > blue) == (still > 0)


def test_same_seed_same_bytes_and_other_seeds_differ() -> None:
    one, two, other = (
        animate_scene(
            "snow in the mountains", settings(seconds=0.5, seed=seed), style="auto", report=quiet
        ).write(sound=None, report=quiet)
        for seed in (5, 5, 6)
    )
    assert one == two != other


@pytest.mark.parametrize("motion", [motion for motion in MOTIONS if motion not in {"auto", "still"}])
def test_a_camera_moves_the_picture_it_was_given(motion: str) -> None:
    clip = animate_picture(photo(), "", settings(motion, seconds=3.0), report=quiet)
    changes = steps(clip, clip.count)
    assert np.mean(changes) > 0.1
    assert max(changes) < 5 * float(np.median(changes)) + 0.5
    # In the middle of the clip it is still the same picture.
    shown = Image.fromarray(luma(clip, clip.count // 2).astype(np.uint8))
    given = Image.fromarray(from_rgb(np.asarray(photo())).y)
    small = [np.asarray(item.resize((24, 14)), dtype=float).ravel() for item in (shown, given)]
    assert np.corrcoef(small[0], small[1])[0, 1] > 0.8


def test_a_push_in_starts_with_the_picture_itself() -> None:
    clip = animate_picture(photo(), "", settings("push-in", seconds=3.0), report=quiet)
    given = from_rgb(np.asarray(photo())).y.astype(np.int16)
    assert np.abs(luma(clip, 0) - given).mean() < 4


def test_a_pan_moves_in_its_direction() -> None:
    def middle(motion: str, index: int) -> float:
        # A bright bar on black: its position shows the direction of the camera.
        bar = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
        bar[:, 150:170] = 255
        clip = animate_picture(Image.fromarray(bar), "", settings(motion, seconds=5.0), report=quiet)
        light = luma(clip, index if index >= 0 else clip.count - 1).sum(axis=0) - 16 * HEIGHT
        return float((light * np.arange(WIDTH)).sum() / light.sum())

    assert middle("pan-right", -1) < middle("pan-right", 0) - 8
    assert middle("pan-left", -1) > middle("pan-left", 0) + 8


@pytest.mark.parametrize(
    ("prompt", "move"),
    [
        ("slow zoom in on a mug", "push-in"),
        ("the camera pans left over dunes", "pan-left"),
        ("zooming out of a city", "pull-out"),
        ("static camera, a forest", "still"),
        ("a planet in orbit", ""),
        ("a frying pan", ""),
    ],
)
def test_prompt_words_choose_the_camera_move(prompt: str, move: str) -> None:
    assert named_move(prompt) == move


@pytest.mark.parametrize("kind", PARTICLE_KINDS)
def test_particles_are_drawn_and_move(kind: str) -> None:
    words = {
        "embers": "campfire",
        "sand": "desert",
        "stars": "space",
        "leaves": "autumn forest",
        "dust": "room",
    }
    clip = animate_scene(f"{words.get(kind, kind)}, static camera", settings(), style="auto", report=quiet)
    assert [particles.kind for particles in clip.particles] == [kind]
    with_them = [luma(clip, index) for index in (0, 6)]
    clip.particles.clear()
    without = [luma(clip, index) for index in (0, 6)]
    marks = [np.abs(a - b) > 8 for a, b in zip(with_them, without, strict=True)]
    assert all(mark.any() for mark in marks)
    assert (marks[0] != marks[1]).any()


@pytest.mark.parametrize(
    ("resolution", "ratio", "sides"),
    [
        ("480p", 16 / 9, (854, 480)),
        ("720p", 9 / 16, (720, 1280)),
        ("1080p", 1.0, (1080, 1080)),
        ("720p", 21 / 9, (1680, 720)),
        ("480p", 40.0, (1152, 480)),
    ],
)
def test_sides_follow_resolution_and_ratio(resolution: str, ratio: float, sides: tuple[int, int]) -> None:
    assert clip_size(resolution, ratio) == sides


def test_a_soundtrack_is_faded_out_at_the_end_of_the_clip(tmp_path: Path) -> None:
    tone = np.sin(np.arange(48_000 * 3) * 0.05).astype(np.float32) * 0.5
    given = tmp_path / "tone.wav"
    given.write_bytes(encode_audio(tone, 48_000, "wav"))
    clip = animate_scene("abstract", settings(), style="auto", report=quiet)
    with soundtrack(given, clip.seconds) as sound:
        made = tmp_path / "made.mp4"
        made.write_bytes(clip.write(sound=sound, report=quiet))
    media = probe(made)
    assert media.has_audio and media.seconds == pytest.approx(1.0, abs=0.1)
    samples = read_audio(made, 48_000)
    assert np.abs(samples[4_800:24_000]).max() > 0.3
    assert np.abs(samples[46_500:48_000]).max() < 0.1


def test_a_short_soundtrack_does_not_shorten_the_clip(tmp_path: Path) -> None:
    given = tmp_path / "tone.wav"
    given.write_bytes(encode_audio(np.full(4_800, 0.3, dtype=np.float32), 48_000, "wav"))
    with soundtrack(given, 1.0) as sound:
        assert len(read_audio(sound, 48_000)) == 48_000


def _jpeg(path: Path, *, turned: bool) -> None:
    exif = Image.Exif()
    if turned:
        exif[0x0112] = 6
    photo().save(path, "JPEG", exif=exif, quality=90)


def test_an_engine_makes_clips_and_refuses_broken_inputs(tmp_path: Path) -> None:
    whole, broken, text, huge, bad_sound = (
        tmp_path / name for name in ("whole.jpg", "broken.jpg", "text.png", "huge.png", "sound.mp3")
    )
    _jpeg(whole, turned=True)
    broken.write_bytes(whole.read_bytes()[:3_000])
    text.write_text("not a picture")
    Image.new("1", (12_000, 9_000)).save(huge)
    bad_sound.write_bytes(b"ID3 nothing")
    cases: list[tuple[Path, Path | None, Callable[[str], bool]]] = [
        (broken, None, lambda message: "could not be read" in message),
        (text, None, lambda message: "PNG, JPEG" in message),
        (huge, None, lambda message: "80 million" in message),
        (whole, bad_sound, lambda message: message.startswith("The audio could not be read")),
    ]
    with CASE.driver() as sketch:
        for number, (image, sound, expected) in enumerate(cases):
            inputs = {"image_url": (Input(image, "image/jpeg"),)}
            if sound is not None:
                inputs["audio_url"] = (Input(sound, "audio/mpeg"),)
            job = pocket_job("i2v-sketch", "", key=f"run_{number}", inputs=inputs, duration=1)
            end = sketch.run(job)
            assert isinstance(end, Failed) and end.code == "GENERATION_INPUT_VALIDATION", end
            assert expected(end.message), end.message
        params: dict[str, Any] = {"duration": "1", "resolution": "480p", "fps": 12}
        inputs = {"image_url": (Input(whole, "image/jpeg"),)}
        end = in_memory(sketch.run(pocket_job("i2v-sketch", "", inputs=inputs, **params)))
        assert isinstance(end, Finished)
        # The clip is upright, by the EXIF orientation of the picture.
        assert (end.outputs[0].width, end.outputs[0].height) == (480, 854)
        job = pocket_job("i2v-sketch", "", inputs=inputs)
        with pytest.raises(Refused, match="needs image_url"):
            sketch.submit(replace(job, inputs={}))
