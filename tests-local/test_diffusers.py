"""Pipelines of diffusers with random weights: the pictures and videos show noise, in the right form."""

import io
import json
import shutil
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from PIL import Image

from support.server import DEADLINE
from support.tiny import tiny_model
from terrarium_server.engines import CODES, Lost
from terrarium_server.media import frames, probe


def pixels(png: Any) -> Any:
    return np.asarray(Image.open(io.BytesIO(png)), np.int16)


@pytest.fixture
def red(tmp_path: Path) -> Path:
    """A wide red picture, twice as wide as high."""
    path = tmp_path / "red.png"
    Image.new("RGB", (128, 64), "red").save(path)
    return path


def test_pictures_have_the_requested_size_and_consecutive_seeds(pictures: Any) -> None:
    params = {"aspect_ratio": "16:9", "resolution": "64", "steps": 2, "guidance": 4.0}
    first, second = pictures.make("picture", num_images=2, negative_prompt="moss", **params)
    assert (first.width, first.height, first.content_type) == (88, 48, "image/png")
    assert pixels(first.data).shape == (48, 88, 3)
    (alone,) = pictures.make("picture", negative_prompt="moss", seed=8, **params)
    assert alone == second and first != second
    (other,) = pictures.make("picture", seed=8, **params)
    assert other != second, "the negative prompt matters"


def test_a_picture_starts_from_another_with_the_same_weights(
    pictures: Any, red: Path, tmp_path: Path
) -> None:
    model = tmp_path / "model"
    shutil.copytree(tiny_model("picture"), model)
    pictures.make(model, resolution="32", steps=1)
    for weights in model.rglob("*.safetensors"):
        weights.unlink()
    params = {"picture": red, "resolution": "64", "steps": 10}
    options = {"task": "image-to-image"}
    (near,) = pictures.make(model, options=options, strength=0.1, **params)
    (far,) = pictures.make(model, options=options, strength=1.0, **params)
    assert (near.width, near.height) == (88, 48), "the picture's aspect ratio, in multiples of eight"
    assert near != far
    (again,) = pictures.make(model, options=options, strength=0.1, **params)
    assert again == near


def test_a_video_has_a_number_of_frames_that_the_model_can_make(pictures: Any, tmp_path: Path) -> None:
    params = {"aspect_ratio": "1:1", "resolution": "32", "num_frames": 6, "fps": 10, "steps": 2}
    (video,) = pictures.make("video", type="video", **params)
    (again,) = pictures.make("video", type="video", **params)
    assert video == again and video.content_type == "video/mp4"
    path = tmp_path / "video.mp4"
    path.write_bytes(video.data)
    clip = probe(path)
    assert (clip.width, clip.height, clip.fps) == (32, 32, 10)
    assert len(list(frames(path))) == 5


def test_progress_is_reported_step_by_step(pictures: Any) -> None:
    pictures.make("picture", resolution="32", steps=60)
    fractions = [update.fraction for update in pictures.updates]
    assert fractions == sorted(fractions)
    assert len({progress for progress in fractions if 0.05 < progress < 0.99}) >= 10


def test_a_cancelled_job_ends_after_a_step_and_its_process_is_kept(
    pictures: Any, children: Callable[[], set[int]]
) -> None:
    pictures.make("picture", resolution="32", steps=1)
    before = children()
    ticket = pictures.start("picture", resolution="32", steps=900)
    pictures.wait_for_progress(ticket, 0.06)
    pictures.driver.cancel(ticket)
    assert pictures.driver.end(ticket) == Lost()
    pictures.make("picture", resolution="32", steps=1)
    assert children() == before


def test_an_idle_process_ends_and_the_next_one_gives_the_same_result(
    opened: Callable[..., Any], children: Callable[[], set[int]]
) -> None:
    before = children()
    local = opened("diffusers", "image", idle_seconds=0.2)
    made = local.make("picture", resolution="32", steps=2)
    deadline = time.monotonic() + DEADLINE
    while children() != before:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert local.make("picture", resolution="32", steps=2) == made


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        (
            {"options": {"call": {"num_images_per_prompt": 10**9}}},
            "GENERATION_INPUT_VALIDATION",
            "lower reso",
        ),
        ({"clip_skip": "two"}, "GENERATION_GENERIC_ERROR", "change it"),
        ({"wiggle": 3}, "GENERATION_INVALID_PARAMS", "wiggle: not taken by this model"),
        (
            {"options": {"task": "image-to-video"}},
            "GENERATION_PROVIDER_NOT_SUPPORTED",
            "cannot do image-to-video",
        ),
        ({"options": {"variant": "fp16"}}, "GENERATION_PROVIDER_NOT_SUPPORTED", "variant=fp16"),
    ],
)
def test_an_impossible_job_fails_and_says_why(
    pictures: Any, more: dict[str, Any], code: str, message: str
) -> None:
    failed = pictures.fail("picture", resolution="32", **{"steps": 2, **more})
    assert (failed.code, message in failed.message) == (code, True), failed


def test_unusable_pictures_and_strengths_fail_and_say_why(pictures: Any, red: Path, tmp_path: Path) -> None:
    options = {"task": "image-to-image"}
    failed = pictures.fail("picture", picture=red, options=options, steps=2, strength=0.3)
    assert "steps × strength is 0.6 and must be at least 1" in failed.message
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nand so on")
    failed = pictures.fail("picture", picture=tmp_path / "broken.png", options=options, steps=2)
    assert "send a PNG" in failed.message and CODES[failed.code] == "change-input"
    failed = pictures.fail("picture", options=options, steps=2)
    assert "needs a picture" in failed.message


def break_model(model: Path, how: str) -> None:
    index = model / "model_index.json"
    content = json.loads(index.read_text())
    match how:
        case "pickled":
            for weights in model.rglob("*.safetensors"):
                weights.rename(weights.with_suffix(".bin"))
        case "own code":
            content["unet"] = ["own_unet", "OwnUnet"]
            (model / "unet/own_unet.py").write_text("raise SystemExit('ran')\nclass OwnUnet: ...\n")
        case _:
            content["_class_name"] = ["pipeline", "OwnPipeline"]
            (model / "pipeline.py").write_text("raise SystemExit('ran')\nclass OwnPipeline: ...\n")
    index.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("how", "message"),
    [("pickled", "safetensors"), ("own code", "program code"), ("own pipeline", "program code")],
)
def test_only_safetensors_are_read_and_no_code_of_a_model_is_run(
    pictures: Any, tmp_path: Path, how: str, message: str
) -> None:
    model = tmp_path / "model"
    shutil.copytree(tiny_model("picture"), model)
    break_model(model, how)
    failed = pictures.fail(model, resolution="32", steps=1)
    assert failed.code == "GENERATION_PROVIDER_NOT_SUPPORTED"
    assert message in failed.message and str(tmp_path) not in failed.message, failed


class _Hub(BaseHTTPRequestHandler):
    def _refuse(self) -> None:
        status, code = (403, "GatedRepo") if "gated" in self.path else (404, "RepoNotFound")
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_HEAD = _refuse

    def log_message(self, format: str, *args: Any) -> None: ...


def test_errors_of_the_hub_are_passed_on(
    opened: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Hub) as hub:
        Thread(target=hub.serve_forever, daemon=True).start()
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{hub.server_port}")
        monkeypatch.setenv("HF_HOME", str(tmp_path))
        local = opened("diffusers", "image", download=True)
        missing, gated = local.fail("me/nothing"), local.fail("me/gated")
        hub.shutdown()
    unreachable = local.fail("me/elsewhere")
    assert missing.code == "GENERATION_ENDPOINT_NOT_FOUND" and "no me/nothing" in missing.message
    assert gated.code == "ACCESS_DENIED" and "terms" in gated.message
    assert unreachable.code == "GENERATION_DOWNSTREAM_SERVICE_ERROR"
    assert "hf download" in unreachable.message
