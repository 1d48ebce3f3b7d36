"""Guesses the foreground of a picture: pixels unlike the border, with detail, low in the picture.

It measures and recognises nothing. Where nothing stands out, the picture stays one layer.
"""

import numpy as np
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from ..arrays import Array, blur, edges, resize
from .planes import Uint8

_SIDE = 256
_BORDER_COLOURS = 5


def foreground(image: Image.Image) -> Uint8 | None:
    """A soft mask of the foreground, 0..255, at the picture's size, or None if nothing stands out."""
    width, height = image.size
    scale = _SIDE / max(width, height)
    small = image.resize((max(8, round(width * scale)), max(8, round(height * scale))), Image.Resampling.BOX)
    pixels = np.asarray(small.convert("YCbCr"), dtype=np.float32) * (1.0 / 255.0)
    score = _unlike_border(small, pixels) * 0.75 + _detail(pixels[:, :, 0]) * 0.45
    rows, columns = score.shape
    x = np.linspace(-1.0, 1.0, columns, dtype=np.float32)[None, :]
    y = np.linspace(-1.0, 1.0, rows, dtype=np.float32)[:, None]
    score *= 0.35 + 0.65 * np.exp(-((x / 0.75) ** 2) - np.maximum((-y - 0.1) / 0.8, 0.0) ** 2)
    score = blur(score, max(1.0, max(columns, rows) * 0.02))
    level = _split(score)
    spread = max(0.02, float(score.std()) * 0.6)
    rough = np.clip((score - level) / spread + 0.5, 0.0, 1.0)
    share = float((rough > 0.5).mean())
    if not 0.03 < share < 0.72:
        return None
    whole = _cleaned(rough)
    # The edge of the mask follows the edges of the picture, within a small distance of the rough mask.
    fine = image.resize(_within(width, height, 640), Image.Resampling.BOX)
    guide = np.asarray(fine.convert("L"), dtype=np.float32) * (1.0 / 255.0)
    reach = max(3, round(max(fine.size) * 0.012)) | 1
    shape = whole.resize(fine.size, Image.Resampling.BICUBIC)
    at_least = np.asarray(shape.filter(ImageFilter.MinFilter(reach)), dtype=np.float32) * (1.0 / 255.0)
    at_most = np.asarray(shape.filter(ImageFilter.MaxFilter(reach)), dtype=np.float32) * (1.0 / 255.0)
    start = np.asarray(shape, dtype=np.float32) * (1.0 / 255.0)
    mask = np.clip((_guided(guide, start, max(fine.size) * 0.02) - 0.25) * 2.2, 0.0, 1.0)
    mask = np.maximum(np.minimum(mask, at_most), at_least)
    shown = Image.fromarray((mask * 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(reach / 5))
    return np.array(shown.resize((width, height), Image.Resampling.BICUBIC))


def _cleaned(rough: Array) -> Image.Image:
    """A rough mask after morphology: gaps closed, holes filled, specks removed."""
    rows, columns = rough.shape
    size = max(5, round(max(rows, columns) * 0.045)) | 1
    body = Image.fromarray((rough * 255).astype(np.uint8)).filter(ImageFilter.MedianFilter(5))
    body = body.filter(ImageFilter.MaxFilter(size)).filter(ImageFilter.MinFilter(size))
    # What a flood fill from outside does not reach is inside.
    outside = Image.new("L", (columns + 2, rows + 2), 0)
    outside.paste(body.point([255 if n > 100 else 0 for n in range(256)]), (1, 1))
    # The margin keeps a body at the border connected to the outside.
    ImageDraw.floodfill(outside, (0, 0), 128)
    inside = outside.crop((1, 1, columns + 1, rows + 1)).point([255 if n == 0 else 0 for n in range(256)])
    filled = ImageChops.lighter(body, inside)
    small = max(3, size // 3) | 1
    return filled.filter(ImageFilter.MinFilter(small)).filter(ImageFilter.MaxFilter(small + 2 * (small // 2)))


def inpaint(image: Image.Image, mask: Uint8) -> Image.Image:
    """The picture with the foreground filled in from its surroundings, softly."""
    width, height = image.size
    small_size = _within(width, height, 480)
    small = np.asarray(image.resize(small_size, Image.Resampling.BOX), dtype=np.float32)
    hidden = Image.fromarray(mask).resize(small_size, Image.Resampling.BOX).filter(ImageFilter.MaxFilter(9))
    known = 1.0 - np.asarray(hidden, dtype=np.float32) * (1.0 / 255.0)
    known = np.where(known > 0.9, known, 0.0).astype(np.float32)
    channels = [_filled(small[:, :, channel], known) for channel in range(3)]
    filled = np.stack(channels, axis=2)
    patch = Image.fromarray(np.clip(filled, 0, 255).astype(np.uint8)).resize(
        image.size, Image.Resampling.BICUBIC
    )
    where = Image.fromarray(mask).filter(ImageFilter.MaxFilter(9)).filter(ImageFilter.GaussianBlur(6))
    return Image.composite(patch, image, where.point([min(255, n * 2) for n in range(256)]))


def _within(width: int, height: int, longest: int) -> tuple[int, int]:
    scale = min(1.0, longest / max(width, height))
    return max(2, round(width * scale)), max(2, round(height * scale))


def _unlike_border(small: Image.Image, pixels: Array) -> Array:
    """Distance from the nearest of the colours along the upper and side borders, 0..1."""
    rows, columns = pixels.shape[:2]
    wide, high = max(2, columns // 14), max(2, rows // 14)
    border = np.concatenate(
        [pixels[:high].reshape(-1, 3), pixels[:, :wide].reshape(-1, 3), pixels[:, -wide:].reshape(-1, 3)]
    )
    strip = Image.fromarray((border * 255).astype(np.uint8)[None])
    palette = strip.quantize(_BORDER_COLOURS, Image.Quantize.MEDIANCUT)
    codes = palette.getpalette() or []
    count = len(palette.getcolors() or [0])
    nearest = np.full((rows, columns), 9.0, dtype=np.float32)
    for n in range(count):
        colour = np.array(codes[3 * n : 3 * n + 3], dtype=np.float32) * (1.0 / 255.0)
        off = pixels - colour
        off[:, :, 1:] *= 1.6
        np.minimum(nearest, np.sqrt((off * off).sum(axis=2)), out=nearest)
    return nearest / max(0.05, float(np.quantile(nearest, 0.97)))


def _detail(light: Array) -> Array:
    energy = blur(edges(light), max(1.0, max(light.shape) * 0.03))
    return np.minimum(energy / max(0.02, float(np.quantile(energy, 0.97))), 1.0)


def _split(score: Array) -> float:
    """The threshold that best separates the values in two groups (Otsu)."""
    counts, edges = np.histogram(score, bins=64)
    middles = (edges[:-1] + edges[1:]) * 0.5
    below = np.cumsum(counts)
    total = np.cumsum(counts * middles)
    above = below[-1] - below
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (total / below - (total[-1] - total) / above) ** 2
    return float(middles[int(np.nanargmax(between[:-1]))])


def _guided(guide: Array, mask: Array, reach: float) -> Array:
    """Guided filter (He, Sun and Tang): a mask smoothed except across the guide's edges."""
    mean_g, mean_m = _mean(guide, reach), _mean(mask, reach)
    cov = _mean(guide * mask, reach) - mean_g * mean_m
    slope = cov / (_mean(guide * guide, reach) - mean_g * mean_g + 0.004)
    return _mean(slope, reach) * guide + _mean(mean_m - slope * mean_g, reach)


def _mean(plane: Array, reach: float) -> Array:
    image = Image.fromarray(plane.astype(np.float32))
    size = max(2, round(image.width / reach)), max(2, round(image.height / reach))
    small = image.resize(size, Image.Resampling.BOX)
    return np.asarray(small.resize(image.size, Image.Resampling.BICUBIC), dtype=np.float32)


def _filled(plane: Array, known: Array) -> Array:
    """Unknown pixels filled from known ones, from coarse to fine (pull-push)."""
    rows, columns = plane.shape
    if min(rows, columns) <= 4:
        mean = float((plane * known).sum() / max(1e-3, float(known.sum())))
        return np.where(known > 0, plane, np.float32(mean)).astype(np.float32)
    size = max(2, columns // 2), max(2, rows // 2)
    weight = np.asarray(Image.fromarray(known).resize(size, Image.Resampling.BOX), dtype=np.float32)
    sums = np.asarray(Image.fromarray(plane * known).resize(size, Image.Resampling.BOX), dtype=np.float32)
    coarse = np.where(weight > 0.001, sums / np.maximum(weight, 0.001), 0.0).astype(np.float32)
    below = _filled(coarse, (weight > 0.001).astype(np.float32))
    return plane * known + resize(below, columns, rows) * (1.0 - known)
