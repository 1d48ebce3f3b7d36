"""Converts the sizes of a card, ``aspect_ratio`` and ``resolution``, to pixels."""

import math
import re

# An image's resolution is the side of a square with the same area; a video's is its short side.
_RESOLUTION = re.compile(r"(\d+(?:\.\d+)?)([kKpP]?)")


def ratio_of(aspect_ratio: str) -> float:
    """Return width divided by height, from ``16:9``. Raises ValueError."""
    wide, high = (float(part) for part in aspect_ratio.split(":"))
    if not (wide > 0 and high > 0):
        raise ValueError(f"aspect_ratio: {aspect_ratio} is none; write it like 16:9")
    return wide / high


def area_of(resolution: str) -> float:
    """Return an area in pixels: ``0.5k`` and ``512`` name a square's side, ``480p`` a 16:9 video's height.

    Raises ValueError.
    """
    number, unit = _read(resolution)
    if unit == "p":
        return number * number * 16 / 9
    return (number * 1024 if unit else number) ** 2


def short_side_of(resolution: str) -> int:
    """Return the short side of a video in pixels, from ``720p``. Raises ValueError."""
    number, _ = _read(resolution)
    return round(number)


def size_of_area(area: float, ratio: float, *, step: int, longest: int | None = None) -> tuple[int, int]:
    """Return width and height in pixels, in steps of ``step``, no side longer than ``longest``."""
    width, height = math.sqrt(area * ratio), math.sqrt(area / ratio)
    shrink = 1.0 if longest is None else min(1.0, longest / max(width, height))
    return _step(width * shrink, step), _step(height * shrink, step)


def _read(resolution: str) -> tuple[float, str]:
    found = _RESOLUTION.fullmatch(resolution)
    if found is None:
        raise ValueError(f"resolution: {resolution} is none; write it like 0.5k, 1k, 768 or 480p")
    return float(found[1]), found[2].lower()


def _step(pixels: float, step: int) -> int:
    return max(1, round(pixels / step)) * step
