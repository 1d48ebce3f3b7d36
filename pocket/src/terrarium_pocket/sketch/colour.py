"""Colour arithmetic: hex in, linear light out, and the harmonies between."""

import colorsys

import numpy as np

from .noise import Plane


def rgb(code: str) -> Plane:
    """Linear light, shape (3,), of a ``#rrggbb`` code."""
    values = np.array([int(code[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)


def code(colour: Plane) -> str:
    """The ``#rrggbb`` code of a linear colour, shape (3,)."""
    linear = np.clip(colour.astype(np.float64), 0.0, 1.0)
    values = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return "#" + "".join(f"{round(float(value) * 255):02x}" for value in values)


def mix(first: Plane, second: Plane, amount: float) -> Plane:
    """Blend of two linear colours."""
    return first + (second - first) * amount


def turn(colour: Plane, *, hue: float = 0.0, saturation: float = 1.0, value: float = 1.0) -> Plane:
    """Turn the hue by a fraction of the circle and scale saturation and lightness, as an eye would."""
    text = code(colour)
    red, green, blue = (int(text[i : i + 2], 16) / 255 for i in (1, 3, 5))
    h, lightness, s = colorsys.rgb_to_hls(red, green, blue)
    turned = colorsys.hls_to_rgb((h + hue) % 1.0, min(1.0, lightness * value), min(1.0, s * saturation))
    return rgb("#" + "".join(f"{round(min(1.0, max(0.0, part)) * 255):02x}" for part in turned))


def chroma(colour: Plane) -> float:
    """Distance from grey, 0..1."""
    return float(colour.max() - colour.min()) / max(1e-4, float(colour.max()))


def grey(colour: Plane) -> float:
    """Relative luminance."""
    return float(0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2])
