"""NumPy's element-wise functions with one type each: formulas stay short for readers and for checkers."""

import numpy as np

from .noise import Plane


def root(value: Plane) -> Plane:
    """Square root."""
    return np.sqrt(value)


def size(value: Plane) -> Plane:
    """Absolute value."""
    return np.abs(value)


def larger(first: Plane, second: Plane | float) -> Plane:
    """The larger of two."""
    return np.maximum(first, second)


def smaller(first: Plane, second: Plane | float) -> Plane:
    """The smaller of two."""
    return np.minimum(first, second)


def clip(value: Plane, low: float = 0.0, high: float = 1.0) -> Plane:
    """Held within a range."""
    return np.clip(value, low, high)


def fall(value: Plane) -> Plane:
    """A bell around zero: 1 at 0, 0.37 at ±1."""
    return np.exp(value * value * -1.0)
