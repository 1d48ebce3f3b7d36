"""Opens the pictures of a request. They come from callers and are not trusted."""

import warnings
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

from terrarium_server.engines.child import JobError

_MOST_PIXELS = 64_000_000
# Pillow reads more formats, some of them through other programs.
_FORMATS = ("PNG", "JPEG", "WEBP", "AVIF", "GIF", "BMP", "TIFF")


def open_images(request: dict[str, Any]) -> list[Image.Image]:
    """Open the pictures of a request, upright and in RGB. Raises JobError."""
    files = [Path(file["path"]) for files in request["media"].values() for file in files]
    return [_open(path) for path in files]


def _open(path: Path) -> Image.Image:
    Image.init()
    formats = [name for name in _FORMATS if name in Image.OPEN]
    try:
        with warnings.catch_warnings(), Image.open(path, formats=formats) as opened:
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            if opened.width * opened.height > _MOST_PIXELS:
                message = (
                    f"The picture has more than {_MOST_PIXELS // 1_000_000} megapixels; send a smaller one."
                )
                raise JobError("GENERATION_INPUT_VALIDATION", message)
            return ImageOps.exif_transpose(opened).convert("RGB")
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        message = "The picture cannot be read; send a PNG, JPEG or WebP."
        raise JobError("GENERATION_INPUT_VALIDATION", message) from error
