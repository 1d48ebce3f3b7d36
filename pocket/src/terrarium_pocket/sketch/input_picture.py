"""Reads input pictures: upright and in RGB; broken and too large files are refused."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from terrarium_server.engines.child import JobError, shortage_of

SMALLEST_SIDE = 16
MOST_PIXELS = 80_000_000
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")

_BAD = "GENERATION_INPUT_VALIDATION"


@dataclass(frozen=True)
class InputPicture:
    """An upright picture. ``image`` is RGB or RGBA and may be reduced; ``width`` and ``height`` are those of
    the file.
    """

    image: Image.Image
    width: int
    height: int
    format: str
    frames: int


def open_picture(path: Path, *, longest: int) -> InputPicture:
    """Open a picture, reduced so that no side is longer than ``longest`` pixels. Raises JobError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _loaded(path, longest)
    except JobError:
        raise
    except Image.DecompressionBombError:
        raise JobError(_BAD, f"The image has more than {MOST_PIXELS // 1_000_000} million pixels.") from None
    except Exception as error:
        if shortage_of(error) is not None:
            raise
        # Decoders raise many kinds of exceptions for broken files; all of them mean the same.
        allowed = ", ".join(FORMATS)
        message = f"The image could not be read ({_reason(error)}); send a whole {allowed} file."
        raise JobError(_BAD, message) from error


def _reason(error: Exception) -> str:
    text = str(error) or type(error).__name__
    return "its format is not known" if "cannot identify" in text else text[:120]


def _loaded(path: Path, longest: int) -> InputPicture:
    with Image.open(path, formats=FORMATS) as file:
        width, height = file.size
        if width * height > MOST_PIXELS:
            million = MOST_PIXELS // 1_000_000
            raise JobError(
                _BAD, f"The image is {width}x{height}; at most {million} million pixels are taken."
            )
        if min(width, height) < SMALLEST_SIDE:
            raise JobError(
                _BAD, f"The image is {width}x{height}; each side needs {SMALLEST_SIDE} pixels or more."
            )
        # JPEG can be decoded at half or a quarter of its size, which is much faster.
        file.draft("RGB", (longest, longest))
        count = int(getattr(file, "n_frames", 1))
        file.load()
        turned = ImageOps.exif_transpose(file)
        if (turned.width > turned.height) != (file.width > file.height):
            width, height = height, width
        image = _to_rgb(turned)
    if max(image.size) > longest:
        scale = longest / max(image.size)
        size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return InputPicture(image, width, height, file.format or "image", count)


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float64)
        top = 65535.0 if values.max() > 255 else 255.0
        return Image.fromarray((np.clip(values / top, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)).convert(
            "RGB"
        )
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        return image.convert("RGBA")
    return image.convert("RGB")


def flattened(image: Image.Image) -> Image.Image:
    """The picture without transparency, on white."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    ground = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(ground, image).convert("RGB")
