"""Places the figures of a prompt in a scene: on the thirds, facing into the picture."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from ..arrays import Array
from ..canvas import Band, Frame, add_light
from ..colour import mix, rgb, turn
from ..noise import SeededRandom
from ..palette import Palette
from .buildings import BUILDINGS
from .figure import Figure, Footing, extent, recoloured
from .grazers import GRAZERS
from .hunters import HUNTERS
from .people import PEOPLE
from .sprite import Lighting, Sprite, cast_shadow, reflection, render_figure
from .vessels import VESSELS
from .whale_and_bird import WHALE_AND_BIRD
from .words import FigureGroup

FIGURES: Mapping[str, Callable[[SeededRandom], Figure]] = {
    **HUNTERS,
    **GRAZERS,
    **WHALE_AND_BIRD,
    **BUILDINGS,
    **VESSELS,
    **PEOPLE,
}

# Offsets of a group's figures from the first one: across, and how much farther away.
_GROUP_OFFSETS = ((0.0, 0.0), (0.5, 0.16), (-0.42, 0.26), (0.92, 0.36), (0.24, 0.5), (-0.78, 0.6), (1.2, 0.7))
# Animals that sometimes look the other way than the rest of their group.
_MAY_TURN = frozenset(["deer", "doe", "horse", "rabbit", "dog", "cat", "elephant", "bear"])
# The same in the air: across, up, and size.
_FLYING_OFFSETS = ((0.0, 0.0, 1.0), (-0.62, 0.2, 0.52), (0.42, -0.22, 0.36), (-1.02, -0.14, 0.3),
                   (0.62, 0.26, 0.24), (-0.3, -0.3, 0.2), (-1.3, 0.22, 0.17))  # fmt: skip


class Spot(NamedTuple):
    """A place to stand: picture height of the ground, scale of figures, haze 0..1, reflecting or not."""

    y: float
    scale: float
    haze: float
    wet: bool = False


class PlacedSubject(NamedTuple):
    """A figure at its place, with its shadow or mirror image and the lights of its lamps."""

    x: float
    far: float
    left: float
    right: float
    body: Sprite
    shadow: Sprite | None
    beam: tuple[float, float] | None
    window_glow: tuple[float, float, float] | None
    flying: bool


# The spot at x (picture units) and distance 0..1 for a footing, or None if the scene has none.
Ground = Callable[[Footing, float, float], "Spot | None"]


class PlacedSubjects:
    """The figures of one picture."""

    def __init__(
        self,
        groups: tuple[FigureGroup, ...],
        palette: Palette,
        rng: SeededRandom,
        frame: Frame,
        lights: Lighting,
        ground: Ground,
        *,
        side: float,
    ) -> None:
        """Render all figures; the first group stands on the third at ``side``, -1 or 1."""
        self._palette, self._frame, self._lights, self._ground = palette, frame, lights, ground
        self.placed: list[PlacedSubject] = []
        for rank, group in enumerate(groups):
            flip = side if rank % 2 == 0 else -side
            self._place_group(group, rng.fork(group.kind), flip, rank)
        self.placed.sort(key=lambda one: -one.far)

    def _place_group(self, group: FigureGroup, rng: SeededRandom, side: float, rank: int) -> None:
        frame = self._frame
        flying = VESSELS.get(group.kind) is not None or group.kind == "bird"
        lead = side * rng.between(0.3, 0.42) * frame.half_width
        look = -side if not flying or rng.chance(0.7) else side
        if group.kind == "lighthouse":
            # The side with its keeper's house faces inland.
            look = side
        jitter = rng.fork("jitter")
        for index in range(group.number):
            # A herd of deer has one stag.
            kind = "doe" if group.kind == "deer" and index else group.kind
            figure = FIGURES[kind](rng.fork("looks" if group.kind == "sailboat" else f"looks {index}"))
            if group.colour:
                figure = recoloured(figure, group.colour)
            if figure.stands == "air":
                self._place_in_air(figure, group, jitter, lead, index)
                continue
            across, far = _GROUP_OFFSETS[index % len(_GROUP_OFFSETS)]
            x = lead - side * across * frame.half_width * jitter.between(0.8, 1.05)
            size = jitter.between(0.86, 1.08) * (0.82 if group.number > 2 else 1.0)
            if group.kind == "camel" and group.number > 1:
                # A caravan: in single file across the picture.
                size *= 0.8
                step = min(1.36 * size * figure.height, 1.5 * frame.half_width / group.number)
                x, far = (
                    side * (0.72 * frame.half_width - step * index * jitter.between(0.97, 1.03)),
                    0.02 * index,
                )
            x = min(0.8, max(-0.8, x / frame.half_width)) * frame.half_width
            turned = index > 0 and group.kind in _MAY_TURN and jitter.chance(0.4)
            self._place_on_ground(
                figure, x, min(0.95, far + 0.12 * rank), size, -look if turned else look, rng
            )

    def _place_in_air(
        self, figure: Figure, group: FigureGroup, rng: SeededRandom, lead: float, index: int
    ) -> None:
        frame = self._frame
        spot = self._ground("air", lead, 0.0)
        if spot is None:
            return
        space = frame.half_height - spot.y
        if group.kind == "bird":
            size = figure.height * (rng.between(0.34, 1.0) ** 1.4 if group.number > 1 else 1.5)
            # Steps of the golden ratio keep the birds of a flock apart.
            across, up = (index * 0.618 + 0.5) % 1.0 - 0.5, (index * 0.382 + 0.5) % 1.0
            x = lead + across * 1.2 * frame.half_width + rng.between(-0.1, 0.1)
            y = spot.y + space * (0.25 + 0.55 * up + rng.between(-0.1, 0.1))
        else:
            across, up, share = _FLYING_OFFSETS[index % len(_FLYING_OFFSETS)]
            size = figure.height * share * (0.85 + 0.15 * min(space, 1.4))
            x = lead + math.copysign(1.0, lead) * across * frame.half_width * rng.between(0.85, 1.0)
            x = min(0.88, max(-0.88, x / frame.half_width)) * frame.half_width
            y = spot.y + space * min(0.7, max(0.06, 0.36 + up + rng.between(-0.04, 0.04)))
            y = min(y, frame.half_height - 1.06 * size)
        far = 1.0 - size / (figure.height * 1.8)
        self._add(figure, x, y, size * spot.scale, min(0.6, spot.haze + far * 0.3), rng.sign(), 1.0 + far)

    def _place_on_ground(
        self, figure: Figure, x: float, far: float, size: float, look: float, rng: SeededRandom
    ) -> None:
        spot = self._ground(figure.stands, x, far) or self._ground("land", x, far)
        if spot is not None:
            height = figure.height * size * spot.scale
            self._add(figure, x, spot.y, height, spot.haze, look, far, rng, wet=spot.wet)

    def _add(
        self,
        figure: Figure,
        x: float,
        y: float,
        height: float,
        haze: float,
        look: float,
        far: float,
        rng: SeededRandom | None = None,
        *,
        wet: bool = False,
    ) -> None:
        frame, lights = self._frame, self._lights
        body = render_figure(figure, frame, lights, x, y, height, haze, look)
        shadow = None
        if (wet or figure.stands == "water") and rng is not None:
            shadow = reflection(body, frame, y, rng.fork("ripple").many(64, -1.0, 1.0), 0.62)
        elif figure.stands == "land":
            dark = mix(turn(lights.ground, value=0.35), self._palette.shade, 0.5) * 0.4
            shadow = cast_shadow(body, frame, y, lights, mix(dark, lights.haze, haze), 0.7 * (1.0 - haze))
        shines = lights.lamps and any(part.form == "lamp" for part in figure.parts)
        beam = (x, y + figure.beam * height) if shines and figure.beam else None
        window_glow = (x, y + 0.22 * height, height) if shines and figure.stands == "land" else None
        first, last, _, _ = extent(figure, look)
        left, right = x + first * height, x + last * height
        self.placed.append(
            PlacedSubject(x, far, left, right, body, shadow, beam, window_glow, figure.stands == "air")
        )

    def coverage(self, band: Band, *, flying: bool = False) -> Array:
        """How much of each pixel of a band they cover, or only those in the air, shape (rows, width)."""
        covered: Array = np.zeros((1, band.rows, band.frame.width), dtype=np.float32)
        for one in self.placed:
            if one.flying or not flying:
                Sprite(one.body.left, one.body.top, one.body.alpha[None], one.body.alpha).draw(covered, band)
        return covered[0]

    def add_lamp_light(self, picture: Array, band: Band) -> None:
        """Add the light of beams and windows to a band in place."""
        for one in self.placed:
            if one.beam is not None:
                _add_beam(picture, band, *one.beam, self._palette.sun)
            if one.window_glow is not None:
                _add_window_glow(picture, band, *one.window_glow)

    def draw(self, picture: Array, band: Band) -> None:
        """Draw all figures over a band in place, the farthest first, after their light and shadows."""
        self.add_lamp_light(picture, band)
        for one in self.placed:
            if one.shadow is not None:
                one.shadow.draw(picture, band)
        for one in self.placed:
            one.body.draw(picture, band)


def _add_window_glow(picture: Array, band: Band, x: float, y: float, size: float) -> None:
    """Add the glow of lit windows to their surroundings."""
    reach = 1.5 * size
    window = band.window(x - reach, x + reach, y - reach, y + reach)
    if window is None:
        return
    dx, dy = (band.x[:, window[1]] - x) * (1.0 / reach), (band.y[window[0]] - y) * (1.6 / reach)
    add_light(picture[(slice(None), *window)], rgb("#ffb45c"), np.exp((dx * dx + dy * dy) * -5.0) * 0.05)


def _add_beam(picture: Array, band: Band, x: float, y: float, sun: Array) -> None:
    """Add a lamp's beam across the sky and the glow around the lamp."""
    window = band.window(-band.frame.half_width, band.frame.half_width, y - 0.42, y + 0.42)
    if window is None:
        return
    dx, dy = band.x - x, band.y[window[0]] - y
    out = np.abs(dx)
    toward = math.copysign(1.0, -x)
    spread = (0.022 + 0.085 * out) ** -2.0
    beam = np.exp(-((dy - dx * 0.045 * toward) ** 2) * spread) * (
        np.exp(out * -1.0) * (0.2 + 0.8 * (dx * toward > 0))
    )
    shine = np.exp(-(dx * dx + dy * dy) * 60.0)
    warm = mix(sun, rgb("#ffe2a0"), 0.7)
    part = picture[:, window[0]]
    light = beam * np.clip(1.0 - np.abs(dy) * (1.0 / 0.42), 0.0, 1.0) * 0.34 + shine * 0.7
    for c in range(3):
        part[c] += warm[c] * light
