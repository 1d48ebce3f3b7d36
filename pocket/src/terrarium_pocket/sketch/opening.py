"""Opening pictures that people sent: upright, in plain RGB, and none that is broken or absurdly large."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from terrarium_server.engines._child import Unfit
from terrarium_server.engines._shortage import shortage_of

SMALLEST_SIDE = 16
MOST_PIXELS = 80_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")

_BAD = "GENERATION_INPUT_VALIDATION"


@dataclass(frozen=True)
class Opened:
    """A picture as it is shown: ``image`` is RGB or RGBA and may be reduced; its sides are not."""

    image: Image.Image
    width: int
    height: int
    format: str
    frames: int


def open_picture(path: Path, *, longest: int) -> Opened:
    """Open a picture, reduced so that no side is longer than ``longest``. Raises Unfit."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _opened(path, longest)
    except Unfit:
        raise
    except Image.DecompressionBombError:
        raise Unfit(_BAD, f"The image has more than {MOST_PIXELS // 1_000_000} million pixels.") from None
    except Exception as error:
        if shortage_of(error) is not None:
            raise
        # Decoders raise all kinds of things at broken files; every one of them means the same.
        allowed = ", ".join(FORMATS)
        message = f"The image could not be read ({_said(error)}); send a whole {allowed} file."
        raise Unfit(_BAD, message) from error


def _said(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return "its format is not known" if "cannot identify" in text else text[:120]


def _opened(path: Path, longest: int) -> Opened:
    with Image.open(path, formats=FORMATS) as file:
        width, height = file.size
        if width * height > MOST_PIXELS:
            million = MOST_PIXELS // 1_000_000
            raise Unfit(_BAD, f"The image is {width}x{height}; at most {million} million pixels are taken.")
        if min(width, height) < SMALLEST_SIDE:
            raise Unfit(
                _BAD, f"The image is {width}x{height}; each side needs {SMALLEST_SIDE} pixels or more."
            )
        # JPEG can be read at half or a quarter of its size, which is much quicker.
        file.draft("RGB", (longest, longest))
        count = int(getattr(file, "n_frames", 1))
        file.load()
        turned = ImageOps.exif_transpose(file)
        if (turned.width > turned.height) != (file.width > file.height):
            width, height = height, width
        image = _plain(turned)
    if max(image.size) > longest:
        scale = longest / max(image.size)
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return Opened(image, width, height, file.format or "image", count)


def _plain(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float64)
        top = 65535.0 if values.max() > 255 else 255.0
        return Image.fromarray((np.clip(values / top, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)).convert(
            "RGB"
        )
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        return image.convert("RGBA")
    return image.convert("RGB")


def flat(image: Image.Image) -> Image.Image:
    """The picture without transparency: on white, as paper is."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    ground = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(ground, image).convert("RGB")
