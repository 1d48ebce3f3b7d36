"""The array type of the sketch engine, NumPy's element-wise functions, and filters of planes.

Each element-wise function has one simple type, which keeps formulas short and quick to check.
"""

from typing import Any

import numpy as np
from PIL import Image

# Always float32 at run time, which a test checks. NumPy's stubs type float32 times a Python float as float64,
# so the alias leaves the number type open. This also saves the type checker two fifths of its time, because
# each operator then has one overload.
Array = np.ndarray[Any, Any]


def sqrt(value: Array) -> Array:
    """Square root."""
    return np.sqrt(value)


def fabs(value: Array) -> Array:
    """Absolute value."""
    return np.abs(value)


def maximum(first: Array, second: Array | float) -> Array:
    """The larger of two."""
    return np.maximum(first, second)


def minimum(first: Array, second: Array | float) -> Array:
    """The smaller of two."""
    return np.minimum(first, second)


def clip(value: Array, low: float = 0.0, high: float = 1.0) -> Array:
    """Clamped to a range."""
    return np.clip(value, low, high)


def gaussian(value: Array) -> Array:
    """A Gaussian around zero: 1 at 0, 0.37 at ±1."""
    return np.exp(value * value * -1.0)


def resize(
    plane: Array, width: int, height: int, box: tuple[float, float, float, float] | None = None
) -> Array:
    """Resample a (h, w) plane bicubically; ``box`` picks a part of it in its own pixels."""
    image = Image.fromarray(np.ascontiguousarray(plane, dtype=np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC, box=box), dtype=np.float32)


def blur(plane: Array, factor: float) -> Array:
    """Blur a small (h, w) plane by going down ``factor`` times in size and back up."""
    height, width = plane.shape
    small = resize(plane, max(2, round(width / factor)), max(2, round(height / factor)))
    return resize(small, width, height)


def edges(plane: Array) -> Array:
    """The differences of each value of a (h, w) plane to its left and upper neighbours, added up."""
    across, down = np.zeros_like(plane), np.zeros_like(plane)
    across[:, 1:] = np.abs(np.diff(plane, axis=1))
    down[1:] = np.abs(np.diff(plane, axis=0))
    return across + down
