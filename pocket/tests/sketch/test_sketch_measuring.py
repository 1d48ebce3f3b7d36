"""Measurements of pictures with known properties, and of input files of all kinds."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from support.cases.sketch import CASE
from support.pocket import pocket_job
from terrarium_pocket.sketch.input_picture import InputPicture, open_picture
from terrarium_pocket.sketch.measuring import Measurements, describe, measure
from terrarium_server.engines import Failed, Finished, Input
from terrarium_server.engines.child import JobError


def measured(image: Image.Image) -> Measurements:
    return measure(InputPicture(image, image.width, image.height, "PNG", 1))


def test_a_landscape_in_two_colours() -> None:
    pixels = np.zeros((180, 320, 3), dtype=np.uint8)
    pixels[:120], pixels[120:] = (134, 189, 230), (44, 90, 58)
    facts = measured(Image.fromarray(pixels))
    assert (facts.orientation, facts.aspect_ratio) == ("landscape", "16:9")
    assert [colour.name for colour in facts.palette] == ["sky-blue", "forest-green"]
    assert facts.palette[0].share == pytest.approx(2 / 3, abs=0.03)
    assert facts.horizon == pytest.approx(2 / 3, abs=0.02)
    assert facts.symmetry_word.startswith("mirror")
    assert not facts.has_transparency


@pytest.mark.parametrize(
    ("box", "place"),
    [
        ((20, 20, 60, 60), "in the upper left"),
        ((240, 140, 300, 200), "in the lower right"),
        ((140, 90, 180, 130), "in the centre"),
    ],
)
def test_the_visual_weight_lies_where_the_object_is(box: tuple[int, int, int, int], place: str) -> None:
    image = Image.new("RGB", (320, 220), (236, 232, 226))
    image.paste((160, 30, 24), box)
    assert measured(image).visual_weight == place
    assert measured(image).horizon is None


def test_words_for_light_contrast_and_colour() -> None:
    grey = [measured(Image.new("RGB", (40, 60), (level,) * 3)) for level in (5, 128, 252)]
    assert [facts.brightness_word for facts in grey] == ["very dark", "medium", "very bright"]
    assert {facts.contrast_word for facts in grey} == {"flat"}
    assert {facts.saturation_word for facts in grey} == {"colourless"}
    assert [facts.palette[0].name for facts in grey] == ["black", "grey", "white"]
    assert grey[0].orientation == "portrait"


def test_blur_is_measured() -> None:
    rng = np.random.default_rng(3)
    noise = np.kron(rng.integers(0, 255, (20, 30), dtype=np.uint8), np.ones((12, 12), dtype=np.uint8))
    sharp = Image.fromarray(noise).convert("RGB")
    soft = sharp.filter(ImageFilter.GaussianBlur(8))
    assert measured(sharp).sharpness_word == "crisp"
    assert measured(soft).sharpness_word in {"soft", "very soft"}


def test_transparency_is_measured() -> None:
    image = Image.new("RGBA", (64, 64), (200, 40, 40, 255))
    image.paste((0, 0, 0, 0), (0, 0, 32, 64))
    facts = measured(image)
    assert facts.has_transparency and facts.transparent_share == 0.5


def test_a_description_is_text_or_json() -> None:
    opened = [InputPicture(Image.new("RGB", (64, 48), "#e8792b"), 64, 48, "PNG", 1)]
    text = describe(opened, "What is this?")
    assert "64 × 48" in text and "orange" in text and "not recognised" in text
    facts = json.loads(describe(opened, "as JSON please"))
    assert (facts["width"], facts["palette"][0]["name"], facts["recognised"]) == (64, "orange", None)
    assert [item["height"] for item in json.loads(describe(opened * 2, "json"))["images"]] == [48, 48]


@pytest.mark.parametrize(
    ("mode", "colour"), [("P", 0), ("LA", (90, 128)), ("CMYK", (0, 90, 90, 0)), ("I;16", 40_000), ("1", 1)]
)
def test_every_kind_of_picture_opens(tmp_path: Path, mode: str, colour: Any) -> None:
    file = tmp_path / "a.tiff"
    Image.new(mode, (40, 30), colour).save(file)
    opened = open_picture(file, longest=512)
    assert opened.image.mode in ("RGB", "RGBA")
    assert describe([opened], "")


def test_large_pictures_are_reduced_but_keep_their_reported_size(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    Image.new("RGB", (3000, 1000), "#4c8f4a").save(file)
    opened = open_picture(file, longest=600)
    assert (opened.width, opened.height) == (3000, 1000)
    assert max(opened.image.size) == 600


def test_tiny_pictures_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    Image.new("RGB", (4, 400)).save(file)
    with pytest.raises(JobError, match="16 pixels or more"):
        open_picture(file, longest=600)


def test_the_engine_describes_several_and_names_the_broken_one(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    Image.effect_noise((200, 200), 90).save(good)
    bad.write_bytes(good.read_bytes()[:900])
    job = pocket_job("i2t-sketch", "json", image_urls=["asset_1", "asset_2"])
    ends: list[Any] = []
    with CASE.driver() as sketch:
        for second in (good, bad):
            files = (Input(good, "image/png"), Input(second, "image/png"))
            ends.append(sketch.run(replace(job, key=f"run_{second.name}", inputs={"image_urls": files})))
    assert isinstance(ends[0], Finished) and isinstance(ends[1], Failed)
    assert len(json.loads(str(ends[0].outputs[0].data))["images"]) == 2
    assert ends[1].message.startswith("Image 2 of 2: The image could not be read")
