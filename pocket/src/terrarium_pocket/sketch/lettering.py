"""Letters the quoted words of a prompt onto the picture, in Pillow's built-in scalable typeface."""

from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from .arrays import Array
from .colour import code, grey, mix, rgb
from .palette import Palette
from .postprocess import Pixels

_PROBE = 24


def letter(pixels: Pixels, quotes: tuple[str, ...], palette: Palette) -> Pixels:
    """Set the first quote large at the top, the others small at the bottom; unknown glyphs are left out."""
    lines = [line for line in (_printable(quote) for quote in quotes) if line]
    if not lines:
        return pixels
    image = Image.fromarray(pixels)
    width, height = image.size
    short = min(width, height)
    title = _wrapped(lines[0])
    size = min(0.24 * short, _fitting(title, width * 0.84))
    size = min(size, height * 0.34 / (len(title) * 1.08))
    top = height * (0.08 if height <= width * 1.3 else 0.085)
    for row, text in enumerate(title):
        _draw_line(image, text, width / 2, top + row * size * 1.04, size, palette)
    for row, text in enumerate(lines[1:]):
        small = min(0.055 * short, _fitting([text], width * 0.7))
        _draw_line(image, text, width / 2, height * 0.9 - row * small * 1.5, small, palette)
    return np.array(image)


def _draw_line(
    image: Image.Image, text: str, middle: float, top: float, size: float, palette: Palette
) -> None:
    """Draw one line, centred, in the light or dark ink that stands out from what is under it."""
    face = ImageFont.load_default(size=max(6.0, size))
    left, upper, right, lower = face.getbbox(text)
    x, y = middle - (left + right) / 2, top - upper
    box = (
        max(0, int(x)),
        max(0, int(top)),
        min(image.width, int(x + right)),
        min(image.height, int(top + lower - upper)),
    )
    ink = _ink(image, box, palette)
    # Soft shade behind the letters keeps them readable over detail.
    margin = max(2, int(size * 0.2))
    shade_box = (
        max(0, box[0] - margin),
        max(0, box[1] - margin),
        min(image.width, box[2] + margin),
        min(image.height, box[3] + margin),
    )
    mask = Image.new("L", (shade_box[2] - shade_box[0], shade_box[3] - shade_box[1]), 0)
    ImageDraw.Draw(mask).text((x - shade_box[0], y - shade_box[1]), text, font=face, fill=150)
    mask = mask.filter(ImageFilter.GaussianBlur(max(0.5, size * 0.06)))
    behind = "#000000" if grey(ink) > 0.3 else "#ffffff"
    image.paste(Image.new("RGB", mask.size, behind), shade_box[:2], mask.point(lambda value: value * 0.55))
    ImageDraw.Draw(image).text(
        (x, y), text, font=face, fill=code(ink), stroke_width=size * 0.014, stroke_fill=code(ink)
    )


def _ink(image: Image.Image, box: tuple[int, int, int, int], palette: Palette) -> Array:
    if box[2] <= box[0] or box[3] <= box[1]:
        return rgb("#ffffff")
    ground = np.asarray(
        image.crop(box).resize((16, 4), Image.Resampling.BOX).convert("L"), dtype=np.float32
    ).mean()
    if ground < 140:
        return mix(rgb("#fdf3da"), palette.sun, 0.3)
    return mix(rgb("#17130f"), palette.shade, 0.15)


def _wrapped(text: str) -> list[str]:
    """Up to three lines of about equal length."""
    words = text.split()
    rows = 1 if len(text) <= 14 else 2 if len(text) <= 34 else 3
    lines: list[str] = []
    for row in range(rows, 0, -1):
        target = sum(len(word) + 1 for word in words) / row
        line: list[str] = []
        while words and (not line or sum(len(word) + 1 for word in line) + len(words[0]) / 2 < target):
            line.append(words.pop(0))
        if line:
            lines.append(" ".join(line))
    if words:
        lines[-1] = " ".join([lines[-1], *words])
    return lines


def _fitting(lines: list[str], width: float) -> float:
    """The size in pixels at which the longest line is ``width`` pixels wide."""
    face = ImageFont.load_default(size=100)
    widest = max(face.getlength(line) for line in lines)
    return 100.0 * width / max(1.0, widest)


def _printable(text: str) -> str:
    return " ".join("".join(mark for mark in text if mark == " " or _has_glyph(mark)).split())[:60]


@lru_cache(maxsize=512)
def _has_glyph(mark: str) -> bool:
    """Whether the face draws a character as anything but its box for missing ones."""
    face = ImageFont.load_default(size=_PROBE)
    return _glyph_image(face, mark) != _glyph_image(face, "\uffff")


def _glyph_image(face: ImageFont.FreeTypeFont | ImageFont.ImageFont, mark: str) -> bytes:
    image = Image.new("L", (_PROBE * 2, _PROBE * 2), 0)
    ImageDraw.Draw(image).text((2, 2), mark, font=face, fill=255)
    return image.tobytes()
