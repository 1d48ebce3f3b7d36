"""Places the subjects of a brief in a scene: on the thirds, near ones first, looking into the picture."""

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from ..canvas import Band, Frame, glow
from ..colour import mix, rgb, turn
from ..noise import Dice, Plane
from ..palette import Palette
from .buildings import BUILDINGS
from .cutout import Cutout, Lighting, cut, mirrored, shadow
from .figure import Figure, Footing, dyed, extent
from .grazers import GRAZERS
from .hunters import HUNTERS
from .people import PEOPLE
from .vessels import VESSELS
from .whale_and_bird import WHALE_AND_BIRD
from .words import Member

FIGURES: Mapping[str, Callable[[Dice], Figure]] = {
    **HUNTERS,
    **GRAZERS,
    **WHALE_AND_BIRD,
    **BUILDINGS,
    **VESSELS,
    **PEOPLE,
}

# Where the second, third … of a group stands beside the first, and how much farther away.
_BESIDE = ((0.0, 0.0), (0.5, 0.16), (-0.42, 0.26), (0.92, 0.36), (0.24, 0.5), (-0.78, 0.6), (1.2, 0.7))
# Who does not always look the way the others do.
_RESTLESS = frozenset(["deer", "doe", "horse", "rabbit", "dog", "cat", "elephant", "bear"])
# The same in the sky: across, up, and size.
_ALOFT = ((0.0, 0.0, 1.0), (-0.62, 0.2, 0.52), (0.42, -0.22, 0.36), (-1.02, -0.14, 0.3), (0.62, 0.26, 0.24),
          (-0.3, -0.3, 0.2), (-1.3, 0.22, 0.17))  # fmt: skip


class Spot(NamedTuple):
    """A place to stand: picture height of the ground, size there, haze 0..1, and whether it mirrors."""

    y: float
    scale: float
    haze: float
    wet: bool = False


class Standing(NamedTuple):
    """A figure in its place, with what it throws on the ground."""

    x: float
    far: float
    left: float
    right: float
    body: Cutout
    thrown: Cutout | None
    beam: tuple[float, float] | None
    warmth: tuple[float, float, float] | None
    aloft: bool


# The spot at x (picture units) and distance 0..1 for a footing, or None where the scene has no such ground.
Ground = Callable[[Footing, float, float], "Spot | None"]


class Ensemble:
    """The subjects of one picture."""

    def __init__(
        self,
        cast: tuple[Member, ...],
        palette: Palette,
        dice: Dice,
        frame: Frame,
        lights: Lighting,
        ground: Ground,
        *,
        side: float,
    ) -> None:
        """Cut out every member; the first kind stands on the third at ``side``, -1 or 1."""
        self._palette, self._frame, self._lights, self._ground = palette, frame, lights, ground
        self.standing: list[Standing] = []
        for rank, member in enumerate(cast):
            flip = side if rank % 2 == 0 else -side
            self._enter(member, dice.fork(member.kind), flip, rank)
        self.standing.sort(key=lambda one: -one.far)

    def _enter(self, member: Member, dice: Dice, side: float, rank: int) -> None:
        frame = self._frame
        aloft = VESSELS.get(member.kind) is not None or member.kind == "bird"
        lead = side * dice.between(0.3, 0.42) * frame.ax
        look = -side if not aloft or dice.chance(0.7) else side
        if member.kind == "lighthouse":
            # Its keeper's house stands inland.
            look = side
        jitter = dice.fork("jitter")
        for index in range(member.number):
            # A herd follows one stag.
            kind = "doe" if member.kind == "deer" and index else member.kind
            figure = FIGURES[kind](dice.fork("looks" if member.kind == "sailboat" else f"looks {index}"))
            if member.colour:
                figure = dyed(figure, member.colour)
            if figure.stands == "air":
                self._fly(figure, member, jitter, lead, index)
                continue
            across, far = _BESIDE[index % len(_BESIDE)]
            x = lead - side * across * frame.ax * jitter.between(0.8, 1.05)
            size = jitter.between(0.86, 1.08) * (0.82 if member.number > 2 else 1.0)
            if member.kind == "camel" and member.number > 1:
                # One behind the other, across the picture.
                size *= 0.8
                step = min(1.36 * size * figure.height, 1.5 * frame.ax / member.number)
                x, far = side * (0.72 * frame.ax - step * index * jitter.between(0.97, 1.03)), 0.02 * index
            x = min(0.8, max(-0.8, x / frame.ax)) * frame.ax
            turned = index > 0 and member.kind in _RESTLESS and jitter.chance(0.4)
            self._stand(figure, x, min(0.95, far + 0.12 * rank), size, -look if turned else look, dice)

    def _fly(self, figure: Figure, member: Member, dice: Dice, lead: float, index: int) -> None:
        frame = self._frame
        spot = self._ground("air", lead, 0.0)
        if spot is None:
            return
        room = frame.ay - spot.y
        if member.kind == "bird":
            size = figure.height * (dice.between(0.34, 1.0) ** 1.4 if member.number > 1 else 1.5)
            # Golden steps keep a flock loose: no two come to lie on each other.
            across, up = (index * 0.618 + 0.5) % 1.0 - 0.5, (index * 0.382 + 0.5) % 1.0
            x = lead + across * 1.2 * frame.ax + dice.between(-0.1, 0.1)
            y = spot.y + room * (0.25 + 0.55 * up + dice.between(-0.1, 0.1))
        else:
            across, up, share = _ALOFT[index % len(_ALOFT)]
            size = figure.height * share * (0.85 + 0.15 * min(room, 1.4))
            x = lead + math.copysign(1.0, lead) * across * frame.ax * dice.between(0.85, 1.0)
            x = min(0.88, max(-0.88, x / frame.ax)) * frame.ax
            y = spot.y + room * min(0.7, max(0.06, 0.36 + up + dice.between(-0.04, 0.04)))
            y = min(y, frame.ay - 1.06 * size)
        far = 1.0 - size / (figure.height * 1.8)
        self._add(figure, x, y, size * spot.scale, min(0.6, spot.haze + far * 0.3), dice.sign(), 1.0 + far)

    def _stand(self, figure: Figure, x: float, far: float, size: float, look: float, dice: Dice) -> None:
        spot = self._ground(figure.stands, x, far) or self._ground("land", x, far)
        if spot is not None:
            height = figure.height * size * spot.scale
            self._add(figure, x, spot.y, height, spot.haze, look, far, dice, wet=spot.wet)

    def _add(
        self,
        figure: Figure,
        x: float,
        y: float,
        height: float,
        haze: float,
        look: float,
        far: float,
        dice: Dice | None = None,
        *,
        wet: bool = False,
    ) -> None:
        frame, lights = self._frame, self._lights
        body = cut(figure, frame, lights, x, y, height, haze, look)
        thrown = None
        if (wet or figure.stands == "water") and dice is not None:
            thrown = mirrored(body, frame, y, dice.fork("ripple").many(64, -1.0, 1.0), 0.62)
        elif figure.stands == "land":
            dark = mix(turn(lights.ground, value=0.35), self._palette.shade, 0.5) * 0.4
            thrown = shadow(body, frame, y, lights, mix(dark, lights.haze, haze), 0.7 * (1.0 - haze))
        shines = lights.lamps and any(part.form == "lamp" for part in figure.parts)
        beam = (x, y + figure.beam * height) if shines and figure.beam else None
        warmth = (x, y + 0.22 * height, height) if shines and figure.stands == "land" else None
        first, last, _, _ = extent(figure, look)
        left, right = x + first * height, x + last * height
        self.standing.append(
            Standing(x, far, left, right, body, thrown, beam, warmth, figure.stands == "air")
        )

    def covers(self, band: Band, *, aloft: bool = False) -> Plane:
        """How much of each pixel of a band they cover, or only those in the air, shape (rows, width)."""
        seen: Plane = np.zeros((1, band.rows, band.frame.width), dtype=np.float32)
        for one in self.standing:
            if one.aloft or not aloft:
                Cutout(one.body.left, one.body.top, one.body.alpha[None], one.body.alpha).lay(seen, band)
        return seen[0]

    def light_air(self, picture: Plane, band: Band) -> None:
        """Add what lamps throw on the air of a band in place."""
        for one in self.standing:
            if one.beam is not None:
                _shine(picture, band, *one.beam, self._palette.sun)
            if one.warmth is not None:
                _warm(picture, band, *one.warmth)

    def lay(self, picture: Plane, band: Band) -> None:
        """Lay all of them over a band in place, the farthest first, and what they light up before."""
        self.light_air(picture, band)
        for one in self.standing:
            if one.thrown is not None:
                one.thrown.lay(picture, band)
        for one in self.standing:
            one.body.lay(picture, band)


def _warm(picture: Plane, band: Band, x: float, y: float, size: float) -> None:
    """What lit windows throw on the air and the ground around."""
    reach = 1.5 * size
    window = band.window(x - reach, x + reach, y - reach, y + reach)
    if window is None:
        return
    dx, dy = (band.x[:, window[1]] - x) * (1.0 / reach), (band.y[window[0]] - y) * (1.6 / reach)
    glow(picture[(slice(None), *window)], rgb("#ffb45c"), np.exp((dx * dx + dy * dy) * -5.0) * 0.05)


def _shine(picture: Plane, band: Band, x: float, y: float, sun: Plane) -> None:
    """A lamp's beam across the sky and the shine around it."""
    window = band.window(-band.frame.ax, band.frame.ax, y - 0.42, y + 0.42)
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
