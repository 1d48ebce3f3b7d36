"""Repainting pictures with i2i-painter, and its networks."""

import dataclasses
import io
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from numpy.typing import NDArray
from PIL import Image

from support.cases.onnx import CASE, sunset
from support.driver import EngineDriver
from support.pocket import End, in_memory, pocket_job
from terrarium_pocket.looks import DEFAULT_LOOK, LOOKS, LookPainter
from terrarium_pocket.looks.networks import any_size
from terrarium_pocket.sketch.styles import STYLES
from terrarium_server.catalog import load_cards
from terrarium_server.engines import Failed, Finished, Input, Output, Refused

_NAMES = iter(range(10**6))


@pytest.fixture(scope="module")
def painter() -> Iterator[EngineDriver]:
    with CASE.driver() as driver:
        yield driver


def repainted(painter: EngineDriver, picture: Path, style: Path | None = None, **params: Any) -> End:
    files = {"image_url": picture, "style_image_url": style}
    inputs = {name: (Input(path, "image/png"),) for name, path in files.items() if path is not None}
    job = pocket_job("i2i-painter", "", key=f"run_{next(_NAMES)}", inputs=inputs, **params)
    return in_memory(painter.run(job))


def output(end: End) -> Output:
    assert isinstance(end, Finished), end
    return end.outputs[0]


def opened(end: End, mode: str = "RGB") -> NDArray[np.int16]:
    data = output(end).data
    assert isinstance(data, bytes)
    return np.asarray(Image.open(io.BytesIO(data)).convert(mode)).astype(np.int16)


def saved(folder: Path, image: Image.Image, name: str = "picture.png", **options: Any) -> Path:
    image.save(folder / name, **options)
    return folder / name


def difference(one: NDArray[np.int16], other: NDArray[np.int16]) -> float:
    return float(np.abs(one.astype(np.float32) - other).mean())


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    return saved(tmp_path, Image.fromarray(sunset(256, 192)))


def networks() -> dict[str, Path]:
    return dict(CASE.job("run_1").weights)


def test_the_cards_offer_all_looks_by_name() -> None:
    for card in load_cards(None):
        for param in card.params:
            values = tuple(option.value for option in param.options)
            if card.engine == "onnx" and param.name == "look":
                assert values == LOOKS and param.default == DEFAULT_LOOK
            if card.id == "t2i-sketch" and param.name == "style":
                assert values == (*STYLES, *LOOKS)


def test_all_looks_differ_from_each_other_and_from_the_picture() -> None:
    network = LookPainter(networks()["multistyle26.onnx"], threads=2)
    plain = sunset(128, 96)
    painted = np.stack([network.paint(plain, look) for look in LOOKS]).astype(np.int16)
    for index, one in enumerate(painted):
        assert difference(one, plain.astype(np.int16)) > 10, LOOKS[index]
        for other in range(index):
            assert difference(one, painted[other]) > 10, (LOOKS[index], LOOKS[other])
    with pytest.raises(ValueError, match="no look 'van gogh'"):
        network.paint(plain, "van gogh")


def test_only_the_transform_network_is_changed_to_any_size() -> None:
    raw = networks()["arbitrary_transform.onnx"].read_bytes()
    assert len(any_size(raw)) == len(raw)
    with pytest.raises(ValueError, match="not the arbitrary"):
        any_size(networks()["arbitrary_predict.onnx"].read_bytes())


def test_a_picture_is_repainted_at_its_size(painter: EngineDriver, tmp_path: Path) -> None:
    odd = saved(tmp_path, Image.fromarray(sunset(301, 203)))
    made = output(repainted(painter, odd))
    assert (made.content_type, made.width, made.height) == ("image/png", 301, 203)


def test_strength_goes_from_the_picture_to_the_paint(painter: EngineDriver, picture: Path) -> None:
    plain = sunset(256, 192).astype(np.int16)
    for style in (None, saved(picture.parent, Image.fromarray(sunset(90, 90)[::-1, :, ::-1]), "style.png")):
        made = [opened(repainted(painter, picture, style, strength=share)) for share in (0.0, 0.5, 1.0)]
        differences = [difference(plain, each) for each in made]
        assert differences[0] == 0 and 3 < differences[1] < differences[2]


def test_kept_colours_are_the_pictures_own(painter: EngineDriver, picture: Path) -> None:
    def chroma(rgb: NDArray[np.int16]) -> NDArray[np.int16]:
        return np.asarray(Image.fromarray(rgb.astype(np.uint8)).convert("YCbCr")).astype(np.int16)[..., 1:]

    plain = sunset(256, 192).astype(np.int16)
    painted = opened(repainted(painter, picture, look="crimson gouache"))
    kept = opened(repainted(painter, picture, look="crimson gouache", preserve_color=True))
    # The remaining difference are colours that are out of gamut at the new brightness.
    assert difference(chroma(kept), chroma(plain)) < difference(chroma(painted), chroma(plain)) / 3
    assert difference(kept, plain) > 5
    assert abs(kept.mean() - plain.mean()) < 12


def test_a_style_picture_replaces_the_look(painter: EngineDriver, picture: Path) -> None:
    reds, blues = (
        saved(
            picture.parent, Image.fromarray(sunset(120, 120) // 4 + np.array(tint, np.uint8)), f"{name}.png"
        )
        for name, tint in (("red", (190, 0, 0)), ("blue", (0, 0, 190)))
    )
    red, blue = (opened(repainted(painter, picture, style)).mean(axis=(0, 1)) for style in (reds, blues))
    assert red[0] - red[2] > blue[0] - blue[2] + 20
    again = repainted(painter, picture, blues, look="ember red", format="jpeg")
    assert again == repainted(painter, picture, blues, look="lilac haze", format="jpeg")
    assert output(again).content_type == "image/jpeg"


def test_a_large_picture_has_no_seams(painter: EngineDriver, tmp_path: Path) -> None:
    large = saved(tmp_path, Image.fromarray(sunset(1900, 1600)), "large.jpg", quality=92)
    end = repainted(painter, large, look="misty watercolor", brush="broad")
    assert output(end).content_type == "image/jpeg"
    made = opened(end).astype(np.float32)
    steps = np.abs(np.diff(made, axis=0)).mean(axis=(1, 2))
    # At each border between bands the differences of rows are like those around it.
    for border in range(256, 1600, 256):
        around = np.r_[steps[border - 12 : border - 2], steps[border + 1 : border + 11]]
        assert steps[border - 1] < around.max() * 1.25 + 0.2, border


def test_pictures_of_all_formats_are_accepted(painter: EngineDriver, tmp_path: Path) -> None:
    plain = Image.fromarray(sunset(200, 120))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was rotated
    turned = saved(tmp_path, plain, "turned.jpg", exif=exif, quality=95)
    upright = opened(repainted(painter, turned, strength=0.0))
    assert upright.shape == (200, 120, 3)
    assert difference(upright, np.rot90(sunset(200, 120), -1).astype(np.int16)) < 3

    grey = np.asarray(plain.convert("L")).astype(np.uint16) * 257
    for kind in (
        saved(tmp_path, Image.fromarray(grey), "sixteen.png"),
        saved(tmp_path, plain.quantize(32), "palette.png"),
        saved(tmp_path, plain, "moving.gif", save_all=True, append_images=[plain.rotate(90)]),
        saved(tmp_path, plain.convert("CMYK"), "print.jpg"),
        saved(tmp_path, plain, "page.webp"),
    ):
        same = opened(repainted(painter, kind, strength=0.0))
        expected = grey[..., None] // 257 if kind.name == "sixteen.png" else np.asarray(plain)
        assert difference(same, np.broadcast_to(expected, same.shape).astype(np.int16)) < 8, kind.name


def test_transparency_is_kept_and_is_white_in_a_jpeg(painter: EngineDriver, tmp_path: Path) -> None:
    clear = Image.fromarray(sunset(160, 160))
    alpha = np.zeros((160, 160), np.uint8)
    alpha[:, 80:] = 255
    clear.putalpha(Image.fromarray(alpha))
    path = saved(tmp_path, clear, "clear.png")
    assert (opened(repainted(painter, path), "RGBA")[..., 3] == alpha).all()
    assert opened(repainted(painter, path, format="jpeg"))[:, :70].min() > 250


def _bomb() -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(10**6)))


def _png(width: int, height: int) -> bytes:
    kept = io.BytesIO()
    Image.fromarray(sunset(width, height)).save(kept, "PNG")
    return kept.getvalue()


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "truncated": (lambda: _png(256, 256)[:2000], "cannot be read as a picture"),
    "a bomb": (_bomb, "at most 40 megapixels"),
    "text": (lambda: b"Dear painter, please paint me.", "of no known format"),
    "empty": (lambda: b"", "cannot be read as a picture"),
    "a line": (lambda: _png(400, 16), "16 times the shorter"),
    "a dot": (lambda: _png(4, 4), "at least 16 pixels"),
}


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("name", ["image_url", "style_image_url"])
def test_an_unusable_picture_fails_and_the_process_survives(
    painter: EngineDriver, picture: Path, tmp_path: Path, kind: str, name: str
) -> None:
    make, message = HOSTILE[kind]
    bad = tmp_path / "bad.png"
    bad.write_bytes(make())
    assert isinstance(repainted(painter, picture, strength=0.0), Finished)
    before = {child.pid for child in psutil.Process().children()}
    failed = repainted(painter, bad) if name == "image_url" else repainted(painter, picture, bad)
    assert isinstance(failed, Failed)
    assert failed.code == "GENERATION_INPUT_VALIDATION"
    assert message in failed.message and failed.message.startswith(name)
    assert str(tmp_path) not in failed.message
    assert isinstance(repainted(painter, picture, strength=0.0), Finished)
    assert {child.pid for child in psutil.Process().children()} == before


def test_a_job_that_lacks_something_is_refused(painter: EngineDriver) -> None:
    whole = CASE.job("run_lacking")
    for lacking, message in (
        (dataclasses.replace(whole, inputs={}), "image_url"),
        (dataclasses.replace(whole, weights={}), "multistyle26.onnx"),
        (dataclasses.replace(whole, options={"task": "upscale"}), "restyle"),
    ):
        with pytest.raises(Refused, match=message):
            painter.submit(lacking)
    assert "upscale" in str(painter.engine.problem({"task": "upscale"}))
