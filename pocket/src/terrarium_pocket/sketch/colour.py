"""Colour arithmetic between ``#rrggbb`` codes and linear light."""

import colorsys

import numpy as np

from .arrays import Array


def channels(code: str) -> tuple[int, int, int]:
    """Red, green and blue of a ``#rrggbb`` code, 0..255."""
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)


def rgb(code: str) -> Array:
    """Linear light, shape (3,), of a ``#rrggbb`` code."""
    values = np.array([value / 255 for value in channels(code)])
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)


def code(colour: Array) -> str:
    """The ``#rrggbb`` code of a linear colour, shape (3,)."""
    linear = np.clip(colour.astype(np.float64), 0.0, 1.0)
    values = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return "#" + "".join(f"{round(float(value) * 255):02x}" for value in values)


def mix(first: Array, second: Array, amount: float) -> Array:
    """Blend of two linear colours."""
    return first + (second - first) * amount


def turn(colour: Array, *, hue: float = 0.0, saturation: float = 1.0, value: float = 1.0) -> Array:
    """Turn the hue by a fraction of the circle; scale saturation and lightness (HLS, display colour)."""
    red, green, blue = (value / 255 for value in channels(code(colour)))
    h, lightness, s = colorsys.rgb_to_hls(red, green, blue)
    turned = colorsys.hls_to_rgb((h + hue) % 1.0, min(1.0, lightness * value), min(1.0, s * saturation))
    return rgb("#" + "".join(f"{round(min(1.0, max(0.0, part)) * 255):02x}" for part in turned))


def chroma(colour: Array) -> float:
    """Distance from grey, 0..1."""
    return float(colour.max() - colour.min()) / max(1e-4, float(colour.max()))


def grey(colour: Array) -> float:
    """Relative luminance."""
    return float(0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2])
