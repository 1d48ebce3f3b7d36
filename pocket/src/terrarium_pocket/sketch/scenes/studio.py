"""The studio of a flat portrait: a backdrop with a disc, an arch or leaves, and one lamp from the side."""

from ..brief import Brief
from ..canvas import Band, cover, lay, smooth
from ..colour import mix, rgb, turn
from ..noise import Dice, Plane, tile
from ..palette import Palette
from ..plain import larger, root, size

_GLOWS = ("#e08a5c", "#e0b04f", "#c9705c", "#8fae9c", "#d98f8a")


class Studio:
    """Backdrop and light, around a head at (``x``, ``y``)."""

    def __init__(self, brief: Brief, palette: Palette, dice: Dice, x: float, y: float) -> None:
        """Hang the backdrop and set the lamp to one side."""
        pal = palette
        self.x, self.y = x, y
        self.side = dice.sign()
        self._disc = dice.between(-0.14, 0.14), dice.between(0.1, 0.26), dice.between(0.66, 0.8)
        self._motif = dice.pick(("disc", "disc", "arch", "leaves"))
        self.wash = tile(dice.fork("wash"), cells=4, octaves=6)
        dark = pal.light.dark or pal.name == "moody"
        wall = brief.tint("wall")
        self._back = mix(pal.top, pal.shade, 0.4) if dark else mix(pal.low, pal.wall, 0.55)
        glow = rgb(dice.pick(_GLOWS))
        if wall:
            self._back = rgb(wall)
            glow = turn(self._back, value=1.3 if float(self._back.max()) < 0.6 else 0.86)
        elif palette.named:
            glow = palette.second
        self._glow = mix(glow, pal.sun, 0.15) * (0.5 if dark else 1.0)
        lamp = pal.sun if pal.name not in {"day", "studio", "foggy"} else rgb("#fff4e4")
        self.lamp = mix(rgb("#ffffff"), lamp, 0.5)
        # The second light of a night picture comes from a sign or a screen on the other side.
        self.rim = rgb("#35c8ff") if pal.name == "neon" else mix(pal.shade, pal.sun, 0.4)
        self.dim = 0.62 if dark else 1.0
        self._shade = mix(turn(pal.shade, saturation=0.8), rgb("#7a4a3c"), 0.45)

    def across(self, x: Plane, y: Plane, width: float) -> Plane:
        """Light over a form of half width ``width``: bright on the lamp's side, turning into shade."""
        return smooth(-0.75, 0.55, x * (self.side / width) + y * 0.25)

    def paint(self, picture: Plane, colour: Plane, lit: Plane, amount: Plane) -> None:
        """Lay a colour over ``picture`` as the lamp shows it, ``lit`` from 0 to 1."""
        for c in range(3):
            bright = float(colour[c] * self.lamp[c]) * 1.06 * self.dim
            dark = float(colour[c] * (self._shade[c] * 0.75 + 0.2)) * self.dim
            tone = lit * (bright - dark) + dark
            layer = picture[c]
            layer += (tone - layer) * amount

    def ground(self, band: Band) -> Plane:
        """The painted backdrop alone."""
        wash = self.wash.at(band.x * 0.2, band.y * 0.2)
        fall = 1.0 - 0.1 * band.y / band.frame.ay + 0.04 * wash
        picture = self._back[:, None, None] * fall
        dx, dy, radius = self._disc
        x, y = band.x - (self.x + dx), band.y - (self.y + dy)
        round_ = root(x * x + y * y) - radius
        if self._motif == "arch":
            legs = size(x) - radius
            round_ = larger(legs, round_) * (y > 0) + legs * (y <= 0)
        fade = 0.88 + 0.18 * smooth(-radius, radius, y + x * (0.4 * self.side)) + 0.05 * wash
        lay(picture, self._glow[:, None, None] * fade, cover(round_, band.px))
        if self._motif == "leaves":
            leaf = self.wash.at((band.x + band.y * 0.5) * 0.42, band.y * 0.3)
            lay(picture, self._back * 0.6, smooth(0.1, 0.34, leaf) * 0.35)
        return picture


def oval(x: Plane, y: Plane, a: float, b: float) -> Plane:
    """A near enough signed distance to an ellipse of half axes a and b."""
    u, v = x * (1.0 / a), y * (1.0 / b)
    return (root(u * u + v * v) - 1.0) * min(a, b)


def rounded(x: Plane, y: Plane) -> Plane:
    """The corner of a box whose sides are at zero in x and y."""
    u, v = larger(x, 0.0), larger(y, 0.0)
    inside = larger(x, y)
    return root(u * u + v * v) + inside * (inside < 0)


def leaf(x: Plane, y: Plane, x0: float, y0: float, x1: float, y1: float, wide: float) -> Plane:
    """A near enough signed distance to a pointed lens from (x0, y0) to (x1, y1), ``wide`` at its middle."""
    dx, dy = x1 - x0, y1 - y0
    length = (dx * dx + dy * dy) ** 0.5
    along = ((x - x0) * dx + (y - y0) * dy) * (1.0 / length)
    aside = ((y - y0) * dx - (x - x0) * dy) * (1.0 / length)
    half = length * 0.5
    radius = (half * half + wide * wide) / (2.0 * wide)
    off = size(aside) + (radius - wide)
    middle = along - half
    return root(middle * middle + off * off) - radius
