"""Opens callers' pictures within limits, and encodes results."""

import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from terrarium_server.engines.child import shortage_of

MAX_PIXELS = 40_000_000
MIN_SIDE = 16
MAX_ASPECT = 16

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
# Up to this many pixels the automatic format is a lossless PNG.
_PNG_PIXELS = 2_100_000
# The exceptions of decoders for broken files.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    EOFError,
    ArithmeticError,
    struct.error,
    zlib.error,
)

Format = Literal["auto", "png", "jpeg"]


class PictureError(Exception):
    """A picture cannot be used; the message says why and what can be."""


@dataclass(frozen=True, slots=True)
class Picture:
    """RGB, (height, width, 3), and alpha, (height, width), unless the picture is opaque."""

    rgb: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None = None


def open_picture(path: Path, *, called: str = "image_url") -> Picture:
    """Decode the first frame of a picture: upright, in sRGB, and on white where it is transparent.

    ``called`` is the name of the parameter, for messages. Raises PictureError. Call it only in a model
    process, because callers' files are not trusted.
    """
    # `_check_size` applies our own limit before anything is decoded.
    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(path, formats=_FORMATS) as opened:
            _check_size(opened.width, opened.height, called)
            return _upright(opened)
    except _DECODER_ERRORS as error:
        if shortage_of(error) is not None:
            raise
        formats = "PNG, JPEG, WebP, AVIF, GIF, BMP or TIFF"
        message = f"{called} cannot be read as a picture ({_first_line(error)}); give a whole {formats} file."
        raise PictureError(message) from error


def _first_line(error: BaseException) -> str:
    # This message would contain the path of the file.
    if isinstance(error, Image.UnidentifiedImageError):
        return "it is of no known format"
    return (str(error).splitlines() or [type(error).__name__])[0][:120]


def _check_size(width: int, height: int, called: str) -> None:
    if width * height > MAX_PIXELS:
        at_most = f"at most {MAX_PIXELS // 1_000_000} megapixels"
        raise PictureError(
            f"{called} has {width} x {height} pixels; {at_most} are taken. Scale it down first."
        )
    if min(width, height) < MIN_SIDE or max(width, height) > MAX_ASPECT * min(width, height):
        allowed = f"sides of at least {MIN_SIDE} pixels, the longer at most {MAX_ASPECT} times the shorter"
        raise PictureError(f"{called} has {width} x {height} pixels; taken are {allowed}.")


def _upright(opened: Image.Image) -> Picture:
    image = opened
    ImageOps.exif_transpose(image, in_place=True)
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I;16"):
        image = _eight_bits(np.asarray(image).astype(np.float32) / np.float32(65535))
    elif image.mode in ("I", "F"):
        values = np.asarray(image).astype(np.float32)
        # The files do not give their range: assume 16 bits if a value is larger than a byte.
        top = 65535 if values.max(initial=0) > 255 else (255 if values.max(initial=0) > 1 else 1)
        image = _eight_bits(values / np.float32(top))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = np.asarray(image.getchannel("A"))
        white = Image.new("RGBA", image.size, "white")
        rgb = Image.alpha_composite(white, image).convert("RGB")
        return Picture(np.asarray(rgb), None if alpha.min() == 255 else alpha)
    return Picture(np.asarray(_in_srgb(image, profile)))


def _eight_bits(values: NDArray[np.float32]) -> Image.Image:
    return Image.fromarray((np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8))


def _in_srgb(image: Image.Image, profile: object) -> Image.Image:
    if isinstance(profile, bytes) and image.mode in ("RGB", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            create: Any = getattr(ImageCms, "createProfile")  # noqa: B009 - it has no full type
            converted = ImageCms.profileToProfile(image, source, create("sRGB"), outputMode="RGB")
            return cast(Image.Image, converted)
        except (ImageCms.PyCMSError, OSError):
            # A picture with a broken profile is accepted, as if it had none.
            pass
    return image if image.mode == "RGB" else image.convert("RGB")


def encode_picture(picture: Picture, format: Format = "auto") -> tuple[str, bytes]:
    """Return the media type and the bytes. Auto is PNG up to two megapixels or with alpha, else JPEG."""
    height, width = picture.rgb.shape[:2]
    file = io.BytesIO()
    if format == "png" or (format == "auto" and (picture.alpha is not None or width * height <= _PNG_PIXELS)):
        image = Image.fromarray(picture.rgb)
        if picture.alpha is not None:
            image.putalpha(Image.fromarray(picture.alpha))
        # Paint has no repetitions: a stronger compression takes long and saves nothing.
        image.save(file, "PNG", compress_type=zlib.Z_RLE)
        return "image/png", file.getvalue()
    Image.fromarray(_over_white(picture)).save(file, "JPEG", quality=95, subsampling=0)
    return "image/jpeg", file.getvalue()


def _over_white(picture: Picture) -> NDArray[np.uint8]:
    if picture.alpha is None:
        return picture.rgb
    white = Image.new("RGB", (picture.rgb.shape[1], picture.rgb.shape[0]), "white")
    return np.asarray(Image.composite(Image.fromarray(picture.rgb), white, Image.fromarray(picture.alpha)))
