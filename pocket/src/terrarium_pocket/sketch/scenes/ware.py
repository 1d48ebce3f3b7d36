"""Wares, the objects on the product table: their solids and materials."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..arrays import Array, maximum, minimum, sqrt
from ..raymarching import Bound, Distance, Vec

_NEAR = 0.2  # a piece is measured itself only this near to its bounding sphere

# Albedo (3, n) and gloss (n,) at points of a surface.
Material = Callable[[Vec], tuple[Array, Array]]

# A colour, shape (3,), or a function of (n,) points.
Albedo = Array | Callable[[Vec], Array]


@dataclass(frozen=True)
class Ware:
    """A solid with a ``material`` of its own, or with glazes, label, liquid and lid by height and radius.

    ``body``, ``lid`` and ``liquid`` name materials; ``dip`` is the height of a glaze line, ``label`` a range
    of heights. ``flames`` are the points of flames. ``clear`` gives the transparency at points. ``above``
    raises the camera, ``near`` moves it closer.
    """

    shape: Distance
    bound: Bound
    body: str = "pieces"
    liquid_level: float = -1.0
    liquid_radius: float = 0.0
    liquid: str = "coffee"
    lid_from: float = 9.0
    lid: str = "metal"
    dip: float = -1.0
    label: tuple[float, float] | None = None
    gloss: float = 1.0
    steams: bool = False
    flames: tuple[tuple[float, float, float], ...] = ()
    material: Material | None = None
    clear: Callable[[Vec], Array] | None = None
    above: float = 0.0
    near: float = 1.0


class Piece(NamedTuple):
    """One part of a ware: its shape, albedo and gloss.

    ``around`` is the centre and radius of its bounding sphere; far from it only the sphere is measured.
    """

    shape: Distance
    colour: Albedo
    gloss: float | Callable[[Vec], Array] = 0.5
    around: tuple[float, float, float, float] | None = None


def union(pieces: tuple[Piece, ...]) -> Distance:
    """The distance to the nearest piece."""

    def distance(p: Vec) -> Array:
        nearest = pieces[0].shape(p)
        for piece in pieces[1:]:
            if piece.around is None:
                nearest = minimum(nearest, piece.shape(p))
                continue
            x, y, z, radius = piece.around
            u, v, w = p[0] - x, p[1] - y, p[2] - z
            gap = sqrt(u * u + v * v + w * w) - radius
            near: NDArray[np.intp] = np.nonzero(gap < minimum(nearest, _NEAR))[0]
            kept = nearest[near]
            nearest = minimum(nearest, maximum(gap, _NEAR))
            if near.size:
                spot: Vec = p[0][near], p[1][near], p[2][near]
                nearest[near] = minimum(kept, piece.shape(spot))
        return nearest

    return distance


def material_of(pieces: tuple[Piece, ...]) -> Material:
    """The material of several pieces: each point has that of the piece nearest to it."""

    def material(p: Vec) -> tuple[Array, Array]:
        owner = np.argmin(np.stack([piece.shape(p) for piece in pieces]), axis=0)
        albedo = np.zeros((3, owner.size), dtype=np.float32)
        gloss = np.zeros(owner.size, dtype=np.float32)
        for number, piece in enumerate(pieces):
            mine = owner == number
            if not mine.any():
                continue
            spot: Vec = p[0][mine], p[1][mine], p[2][mine]
            albedo[:, mine] = piece.colour(spot) if callable(piece.colour) else piece.colour[:, None]
            gloss[mine] = piece.gloss(spot) if callable(piece.gloss) else piece.gloss
        return albedo, gloss

    return material
