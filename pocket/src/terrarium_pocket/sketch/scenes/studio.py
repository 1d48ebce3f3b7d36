"""The studio of a flat portrait: a backdrop with a disc, an arch or leaves, and one lamp from the side."""

from ..arrays import Array, fabs, maximum, sqrt
from ..canvas import Band, blend, coverage, smoothstep
from ..colour import mix, rgb, turn
from ..noise import SeededRandom, fractal_noise
from ..palette import Palette
from ..prompt import ParsedPrompt

_GLOWS = ("#e08a5c", "#e0b04f", "#c9705c", "#8fae9c", "#d98f8a")


class Studio:
    """Backdrop and light, around a head at (``x``, ``y``)."""

    def __init__(self, prompt: ParsedPrompt, palette: Palette, rng: SeededRandom, x: float, y: float) -> None:
        """Choose the backdrop and the side of the lamp."""
        pal = palette
        self.x, self.y = x, y
        self.side = rng.sign()
        self._disc = rng.between(-0.14, 0.14), rng.between(0.1, 0.26), rng.between(0.66, 0.8)
        self._motif = rng.pick(("disc", "disc", "arch", "leaves"))
        self.wash = fractal_noise(rng.fork("wash"), cells=4, octaves=6)
        dark = pal.light.dark or pal.name == "moody"
        wall = prompt.tint("wall")
        self._back = mix(pal.top, pal.shade, 0.4) if dark else mix(pal.low, pal.wall, 0.55)
        glow = rgb(rng.pick(_GLOWS))
        if wall:
            self._back = rgb(wall)
            glow = turn(self._back, value=1.3 if float(self._back.max()) < 0.6 else 0.86)
        elif palette.named:
            glow = palette.second
        self._glow = mix(glow, pal.sun, 0.15) * (0.5 if dark else 1.0)
        lamp = pal.sun if pal.name not in {"day", "studio", "foggy"} else rgb("#fff4e4")
        self.lamp = mix(rgb("#ffffff"), lamp, 0.5)
        # In neon pictures the rim light is that of a sign on the other side.
        self.rim = rgb("#35c8ff") if pal.name == "neon" else mix(pal.shade, pal.sun, 0.4)
        self.dim = 0.62 if dark else 1.0
        self._shade = mix(turn(pal.shade, saturation=0.8), rgb("#7a4a3c"), 0.45)

    def across(self, x: Array, y: Array, width: float) -> Array:
        """Light over a form of half width ``width``: bright on the lamp's side, turning into shade."""
        return smoothstep(-0.75, 0.55, x * (self.side / width) + y * 0.25)

    def paint(self, picture: Array, colour: Array, lit: Array, amount: Array) -> None:
        """Blend a colour over ``picture`` by ``amount``, lit by the lamp from ``lit`` 0 to 1."""
        for c in range(3):
            bright = float(colour[c] * self.lamp[c]) * 1.06 * self.dim
            dark = float(colour[c] * (self._shade[c] * 0.75 + 0.2)) * self.dim
            tone = lit * (bright - dark) + dark
            layer = picture[c]
            layer += (tone - layer) * amount

    def ground(self, band: Band) -> Array:
        """The painted backdrop alone."""
        wash = self.wash.at(band.x * 0.2, band.y * 0.2)
        fall = 1.0 - 0.1 * band.y / band.frame.half_height + 0.04 * wash
        picture = self._back[:, None, None] * fall
        dx, dy, radius = self._disc
        x, y = band.x - (self.x + dx), band.y - (self.y + dy)
        round_ = sqrt(x * x + y * y) - radius
        if self._motif == "arch":
            legs = fabs(x) - radius
            round_ = maximum(legs, round_) * (y > 0) + legs * (y <= 0)
        fade = 0.88 + 0.18 * smoothstep(-radius, radius, y + x * (0.4 * self.side)) + 0.05 * wash
        blend(picture, self._glow[:, None, None] * fade, coverage(round_, band.px))
        if self._motif == "leaves":
            leaf = self.wash.at((band.x + band.y * 0.5) * 0.42, band.y * 0.3)
            blend(picture, self._back * 0.6, smoothstep(0.1, 0.34, leaf) * 0.35)
        return picture


def oval(x: Array, y: Array, a: float, b: float) -> Array:
    """An approximate signed distance to an ellipse of half axes a and b."""
    u, v = x * (1.0 / a), y * (1.0 / b)
    return (sqrt(u * u + v * v) - 1.0) * min(a, b)


def rounded(x: Array, y: Array) -> Array:
    """The corner of a box whose sides are at zero in x and y."""
    u, v = maximum(x, 0.0), maximum(y, 0.0)
    inside = maximum(x, y)
    return sqrt(u * u + v * v) + inside * (inside < 0)


def leaf(x: Array, y: Array, x0: float, y0: float, x1: float, y1: float, wide: float) -> Array:
    """An approximate signed distance to a leaf from (x0, y0) to (x1, y1) of half width ``wide``."""
    dx, dy = x1 - x0, y1 - y0
    length = (dx * dx + dy * dy) ** 0.5
    along = ((x - x0) * dx + (y - y0) * dy) * (1.0 / length)
    aside = ((y - y0) * dx - (x - x0) * dy) * (1.0 / length)
    half = length * 0.5
    radius = (half * half + wide * wide) / (2.0 * wide)
    off = fabs(aside) + (radius - wide)
    middle = along - half
    return sqrt(middle * middle + off * off) - radius
