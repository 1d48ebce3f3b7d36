"""Models of transformers with random weights: the texts mean nothing, but have the right form."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from support.tiny import tiny_model
from terrarium_server.engines import Lost


def test_the_preview_grows_into_the_text(texts: Any) -> None:
    (text,) = texts.make("language", max_tokens=600, temperature=1.0)
    assert text.content_type == "text/plain" and 500 < len(text.data) <= 600
    shown = [update.preview.data for update in texts.updates if update.preview]
    assert len(set(shown)) >= 2
    for before, after in zip(shown, [*shown[1:], text.data], strict=True):
        assert after.startswith(before.strip())
    fractions = [update.fraction for update in texts.updates]
    assert fractions == sorted(fractions) and any(0.1 < progress < 0.9 for progress in fractions)


def test_the_text_depends_on_the_seed_and_the_prompts(texts: Any) -> None:
    def write(**more: Any) -> Any:
        return texts.make("language", **{"max_tokens": 24, "temperature": 1.0, **more})[0].data

    first = write()
    assert write() == first
    others = [write(seed=8), write(prompt="moss"), write(system_prompt="Be brief."), write(temperature=0.0)]
    assert len({first, *others}) == 5
    assert write(temperature=0.0, seed=8) == others[-1], "without sampling the seed has no effect"
    assert len(write(max_tokens=5)) <= 5


def test_a_picture_is_read(texts: Any, tmp_path: Path) -> None:
    answers: list[str] = []
    for colour in ("red", "blue"):
        path = tmp_path / f"{colour}.png"
        Image.effect_mandelbrot((48, 32), (-2, -1, 1, 1), 30).convert("RGB").save(path)
        if colour == "red":
            Image.new("RGB", (32, 32), colour).save(path)
        options = {"task": "image-to-text"}
        params = {"max_tokens": 24, "temperature": 0.0, "picture": path, "options": options}
        answers += [texts.make("vision", "What is this?", **params)[0].data for _ in range(2)]
    assert answers[0] == answers[1] and answers[2] == answers[3] and answers[0] != answers[2]
    (without,) = texts.make("vision", "Hello", options={"task": "image-to-text"}, max_tokens=8)
    assert without.data


def test_a_cancelled_job_ends_after_a_token_and_its_process_is_kept(
    texts: Any, children: Callable[[], set[int]]
) -> None:
    texts.make("language", max_tokens=2)
    before = children()
    ticket = texts.start("language", max_tokens=4000)
    texts.wait_for_progress(ticket, 0.06)
    texts.driver.cancel(ticket)
    assert texts.driver.end(ticket) == Lost()
    texts.make("language", max_tokens=2)
    assert children() == before


def test_an_impossible_job_fails_and_says_why(texts: Any, tmp_path: Path) -> None:
    failed = texts.fail("language", "fern " * 1000, max_tokens=100)
    assert failed.code == "GENERATION_INPUT_VALIDATION" and "at most 4096" in failed.message
    picture = tmp_path / "red.png"
    Image.new("RGB", (8, 8), "red").save(picture)
    failed = texts.fail("language", picture=picture)
    assert failed.code == "GENERATION_INPUT_VALIDATION" and "reads no pictures" in failed.message
    model = tmp_path / "model"
    shutil.copytree(tiny_model("language"), model)
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    failed = texts.fail(model)
    assert failed.code == "GENERATION_PROVIDER_NOT_SUPPORTED" and "safetensors" in failed.message


@pytest.mark.parametrize("temperature", [0.0, 0.7])
def test_without_a_template_the_prompt_is_not_changed(texts: Any, tmp_path: Path, temperature: float) -> None:
    model = tmp_path / "model"
    shutil.copytree(tiny_model("language"), model)
    (model / "chat_template.jinja").unlink()
    params = {"max_tokens": 8, "temperature": temperature}
    text = texts.make(model, "moss", system_prompt="Be brief.", **params)
    assert (
        text == texts.make(model, "Be brief.\n\nmoss", **params) != texts.make("language", "moss", **params)
    )
