"""Renders figures as sprites, lit for one frame, with their shadows and reflections."""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from ..arrays import Array, resize
from ..canvas import Band, Frame, fill, smoothstep
from ..colour import mix, rgb
from ..palette import Palette
from .figure import Figure, Part, bounds, extent

_GLASS, _SNOW = "#26303c", "#eaf0f8"
_SLOPE = 0.7  # snow lies on parts whose normal points up more than this


@dataclass(frozen=True)
class Lighting:
    """How a scene lights its figures: linear colours, shape (3,), and the direction of the sun.

    ``sun_from`` points from the figure to the sun: right, up, toward the viewer. With ``lamps`` windows and
    lamps are lit; with ``snow`` snow lies on roofs.
    """

    sun: Array
    sky: Array
    bounce: Array
    haze: Array
    ground: Array
    sun_from: tuple[float, float, float]
    lamps: bool
    snow: bool = False


def lighting(palette: Palette, sun_x: float, ground: Array, *, snow: bool = False) -> Lighting:
    """The lighting of a palette with the sun or moon at ``sun_x``, over ground of a colour."""
    side = 1.0 if sun_x > 0 else -1.0
    light = palette.light
    low = light.height < 0.5
    sun_from = (side * 0.82, 0.34, -0.2) if low else (side * 0.66, 0.6, 0.3)
    strong = 0.75 if light.dark else 1.5 if low else 1.75
    return Lighting(
        palette.sun * strong,
        palette.middle * 0.42 + palette.shade * 0.24,
        ground * (0.16 if light.dark else 0.3),
        mix(palette.low, palette.middle, 0.35),
        ground,
        sun_from,
        light.dark or palette.name in {"sunset", "golden", "moody"},
        snow,
    )


class Sprite:
    """A small picture at a place in a frame; ``light`` (3, h, w) is premultiplied by ``alpha`` (h, w)."""

    def __init__(self, left: int, top: int, light: Array, alpha: Array) -> None:
        """Place it by its upper left pixel."""
        self.left, self.top, self.light, self.alpha = left, top, light, alpha

    def draw(self, picture: Array, band: Band) -> None:
        """Draw it over a band of its frame in place."""
        rows, columns = self.alpha.shape
        first, last = max(self.top, band.top), min(self.top + rows, band.top + band.rows)
        left, right = max(self.left, 0), min(self.left + columns, band.frame.width)
        if first >= last or left >= right:
            return
        here = slice(first - self.top, last - self.top), slice(left - self.left, right - self.left)
        part = picture[:, first - band.top : last - band.top, left:right]
        part *= 1.0 - self.alpha[here]
        part += self.light[(slice(None), *here)]


def render_figure(
    figure: Figure,
    frame: Frame,
    lights: Lighting,
    x: float,
    y: float,
    height: float,
    haze: float,
    side: float,
) -> Sprite:
    """Render a figure that stands at (x, y), ``height`` per unit, looks to ``side``, in ``haze`` 0..1."""
    px = frame.px
    first, last, low, high = extent(figure, side)
    left = math.floor((x + first * height + frame.half_width) / px) - 3
    right = math.ceil((x + last * height + frame.half_width) / px) + 3
    top = math.floor((frame.half_height - y - high * height) / px) - 3
    bottom = math.ceil((frame.half_height - y - low * height) / px) + 3
    renderer = _FigureRenderer(right - left, bottom - top, lights, side)
    scale = height / px
    origin = (x + frame.half_width) / px - left, (frame.half_height - y) / px - top
    for part in figure.parts:
        renderer.part(part, [_placed(shape, origin, scale, side) for shape in part.shapes], scale)
    if figure.stands != "air":
        # Parts below the ground are hidden.
        rows: Array = np.arange(bottom - top, dtype=np.float32)[:, None] + 0.5
        sunk = np.clip((origin[1] - rows) / max(1.0, figure.sinks * scale) + 0.5, 0.0, 1.0)
        renderer.alpha *= sunk
        renderer.light *= sunk
    for c in range(3):
        renderer.light[c] += (lights.haze[c] * renderer.alpha - renderer.light[c]) * haze
    return Sprite(left, top, renderer.light, renderer.alpha)


def _placed(shape: Array, origin: tuple[float, float], scale: float, side: float) -> Array:
    placed = shape * np.float32(scale)
    placed[:, 0] = placed[:, 0] * side + origin[0]
    placed[:, 1] = origin[1] - placed[:, 1]
    return placed


class _FigureRenderer:
    """Adds the parts of a figure to a sprite, one after the other."""

    def __init__(self, width: int, height: int, lights: Lighting, side: float) -> None:
        self._width, self._height, self._lights, self._side = width, height, lights, side
        self.light: Array = np.zeros((3, height, width), dtype=np.float32)
        self.alpha: Array = np.zeros((height, width), dtype=np.float32)
        self._body: tuple[tuple[slice, slice], Array, Array] | None = None

    def part(self, part: Part, shapes: list[Array], scale: float) -> None:
        """Draw a part, its shapes in pixels, over the others."""
        corners: Array = np.concatenate([bounds(shape) for shape in shapes])
        swell = max(1.5, part.swell * scale)
        margin = int(max(2.0, 1.5 * swell if part.form == "round" else 2.0 + 3.0 * part.soft * scale)) + 1
        x0, y0 = np.floor(corners.min(axis=0)).astype(int) - margin
        x1, y1 = np.ceil(corners.max(axis=0)).astype(int) + margin
        amount = _mask(shapes, int(x0), int(y0), int(x1 - x0), int(y1 - y0))
        left, top = max(0, int(x0)), max(0, int(y0))
        right, bottom = min(self._width, int(x1)), min(self._height, int(y1))
        if left >= right or top >= bottom:
            return
        inner = slice(top - int(y0), bottom - int(y0)), slice(left - int(x0), right - int(x0))
        window = slice(top, bottom), slice(left, right)
        if part.form == "patch":
            if part.soft > 0:
                amount = np.clip(_softened(amount, part.soft * scale), 0.0, 1.0)
            amount, tone = self._patch(window, amount[inner], part)
        else:
            tone = self._tone(part, amount, swell)[(slice(None), *inner)]
            amount = amount[inner]
            if part.form != "lamp":
                self._body = (window, amount, tone / np.maximum(self._colour(part), 1e-3)[:, None, None])
        self.light[(slice(None), *window)] *= 1.0 - amount
        self.light[(slice(None), *window)] += tone * amount
        self.alpha[window] += (1.0 - self.alpha[window]) * amount

    def _colour(self, part: Part) -> Array:
        if self._lights.snow and part.form == "flat" and part.normal[1] > _SLOPE:
            return rgb(_SNOW)
        return self._lights.ground if part.colour == "ground" else rgb(part.colour)

    def _patch(self, window: tuple[slice, slice], amount: Array, part: Part) -> tuple[Array, Array]:
        """Alpha and light of a patch: limited to the part before it and lit like that part."""
        tone: Array = np.zeros((3, *amount.shape), dtype=np.float32)
        limited: Array = np.zeros_like(amount)
        if self._body is None:
            return limited, tone
        (rows, columns), cover, illumination = self._body
        top, bottom = max(rows.start, window[0].start), min(rows.stop, window[0].stop)
        left, right = max(columns.start, window[1].start), min(columns.stop, window[1].stop)
        if top >= bottom or left >= right:
            return limited, tone
        own = (
            slice(top - window[0].start, bottom - window[0].start),
            slice(left - window[1].start, right - window[1].start),
        )
        body = (
            slice(top - rows.start, bottom - rows.start),
            slice(left - columns.start, right - columns.start),
        )
        limited[own] = amount[own] * cover[body]
        colour: Array = self._colour(part)[:, None, None] * part.shade
        tone[(slice(None), *own)] = illumination[(slice(None), *body)] * colour
        return limited, tone

    def _tone(self, part: Part, amount: Array, swell: float) -> Array:
        """Light from each pixel of a part, shape (3, h, w)."""
        lights = self._lights
        if part.form == "lamp":
            colour = self._colour(part) * 2.1 if lights.lamps else rgb(_GLASS) * 0.9
            return np.broadcast_to(colour[:, None, None], (3, *amount.shape))
        across, up, toward = self._normal(part, amount, swell)
        sx, sy, sz = lights.sun_from
        facing: Array = across * sx + up * sy + toward * sz
        lit: Array = smoothstep(-0.2, 0.85, facing) * part.shade
        grazing: Array = np.clip(1.0 - toward, 0.0, 1.0)
        sunward: Array = np.clip(across * sx * 1.2 + up * 0.35, 0.0, 1.0)
        edge = grazing * grazing * sunward
        lit = lit + edge * (0.5 * part.shade)
        over: Array = (0.62 + 0.38 * up) * (0.4 + 0.6 * part.shade)
        under: Array = np.clip(0.4 - 0.6 * up, 0.0, 1.0)
        illumination: Array = fill(lights.sun, lit)
        illumination += fill(lights.sky * 0.9, over)
        illumination += fill(lights.bounce, under)
        illumination += 0.01
        illumination *= self._colour(part)[:, None, None]
        return illumination

    def _normal(self, part: Part, amount: Array, swell: float) -> tuple[Array, Array, Array]:
        """Normal of the surface: right, up, toward the viewer."""
        if part.form == "flat":
            x, y, z = part.normal
            flat = np.ones_like(amount)
            return flat * np.float32(x * self._side), flat * np.float32(y), flat * np.float32(z)
        if part.form == "column":
            inside = amount > 0.5
            columns: Array = np.arange(amount.shape[1], dtype=np.float32)[None, :]
            first: Array = inside.argmax(axis=1)[:, None].astype(np.float32)
            after: Array = inside[:, ::-1].argmax(axis=1)[:, None].astype(np.float32)
            last: Array = amount.shape[1] - 1 - after
            half: Array = np.maximum((last - first) * 0.5, 1.0)
            off: Array = (columns - (first + last) * 0.5) / half
            off = np.clip(off, -0.98, 0.98)
            return off, np.full_like(off, 0.08), np.sqrt(1.0 - off * off)
        across: Array = np.zeros_like(amount)
        up: Array = np.zeros_like(amount)
        for reach, share in ((swell, 1.0), (swell * 0.45, 0.6)):
            soft = _softened(amount, reach)
            across[:, 1:-1] += (soft[:, :-2] - soft[:, 2:]) * (reach * share)
            up[1:-1] += (soft[2:] - soft[:-2]) * (reach * share)
        length: Array = np.sqrt(across * across + up * up)
        bend: Array = 0.97 / np.maximum(length, 0.97)
        across *= bend
        up *= bend
        rest: Array = np.maximum(1.0 - across * across - up * up, 0.0)
        return across, up, np.sqrt(rest)


def _softened(plane: Array, reach: float) -> Array:
    """A plane blurred by about ``reach`` pixels, computed at a size where that is a few pixels."""
    height, width = plane.shape
    factor = max(1.0, reach * 0.4)
    small: Array = (
        resize(plane, max(4, round(width / factor)), max(4, round(height / factor))) if factor > 1 else plane
    )
    for _ in range(3):
        padded: Array = np.pad(small, 1, mode="edge")
        down: Array = padded[:-2] + padded[2:] + padded[1:-1] * 2.0
        small: Array = (down[:, :-2] + down[:, 2:] + down[:, 1:-1] * 2.0) * (1.0 / 16.0)
    return resize(small, width, height) if factor > 1 else small


def _mask(shapes: list[Array], left: int, top: int, width: int, height: int) -> Array:
    """Pixel coverage of the shapes, 0..1, by supersampling."""
    fine = 8 if max(width, height) < 96 else 4
    image = Image.new("L", (width * fine, height * fine), 0)
    draw = ImageDraw.Draw(image)
    start = np.array([left, top], dtype=np.float32)
    for shape in shapes:
        line: Array = (shape[:, :2] - start) * fine
        if shape.shape[1] == 2:
            draw.polygon([(float(x), float(y)) for x, y in line], fill=255)
            continue
        reach: list[float] = [float(radius) * fine for radius in shape[:, 2]]
        points = [(float(x), float(y)) for x, y in line]
        for (x, y), r in zip(points, reach, strict=True):
            draw.ellipse((x - r, y - r, x + r, y + r), fill=255)
        for (ax, ay), a, (bx, by), b in zip(points, reach, points[1:], reach[1:], strict=False):
            away = max(1e-6, float(np.hypot(bx - ax, by - ay)))
            nx, ny = (ay - by) / away, (bx - ax) / away
            draw.polygon(
                [(ax + nx * a, ay + ny * a), (bx + nx * b, by + ny * b),
                 (bx - nx * b, by - ny * b), (ax - nx * a, ay - ny * a)], fill=255,
            )  # fmt: skip
    return np.asarray(image.reduce(fine), dtype=np.float32) * np.float32(1.0 / 255.0)


def cast_shadow(
    sprite: Sprite, frame: Frame, y: float, lights: Lighting, colour: Array, strength: float
) -> Sprite:
    """The shadow of a sprite that stands at height ``y`` on level ground, away from the sun."""
    rows, columns = sprite.alpha.shape
    foot = min(rows, max(2, round((frame.half_height - y) / frame.px) - sprite.top))
    sx, sy, sz = lights.sun_from
    # Offset of the shadow per pixel of height: sideways, and downward if the sun is behind the figure.
    aside, down = -sx / max(sy, 0.3) * 0.62, 0.2 if sz < 0 else -0.13
    reach, tall = int(abs(aside) * foot) + 1, max(2, int(abs(down) * foot))
    pad = max(2, int(0.02 / frame.px))
    size = columns + 2 * (reach + pad), tall + 2 * pad
    start = pad if down > 0 else tall + pad
    # The affine map from a pixel (u, v) of the shadow to the pixel of the figure that casts it.
    back = (1.0, -aside / down, aside / down * start - reach - pad, 0.0, -1.0 / down, foot + start / down)
    body = Image.fromarray(sprite.alpha)
    thrown: Array = np.asarray(body.transform(size, Image.Transform.AFFINE, back, Image.Resampling.BILINEAR))
    # Right under the feet there is a contact shadow in any light.
    soles: Array = sprite.alpha[foot - max(2, foot // 22) : max(3, foot - 1)].max(axis=0)
    deep = max(1, round(foot * 0.014))
    thrown = thrown.copy()
    under = thrown[start - deep : start + deep, reach + pad : reach + pad + columns]
    np.maximum(under, soles, out=under)
    row: Array = np.arange(size[1], dtype=np.float32)[:, None]
    faint: Array = np.abs(row - start) * (0.8 / tall)
    faint = np.clip(1.0 - faint, 0.0, 1.0) * np.float32(strength)
    thrown = np.clip(_softened(thrown, 0.008 / frame.px), 0.0, 1.0)
    thrown *= faint
    left, top = sprite.left - reach - pad, sprite.top + foot - start
    return Sprite(left, top, colour[:, None, None] * thrown[None], thrown)


def reflection(sprite: Sprite, frame: Frame, y: float, ripple: Array, keep: float) -> Sprite:
    """The mirror image of a sprite in water at height ``y``.

    ``ripple``, shape (n,), shifts its rows; ``keep`` is its opacity.
    """
    foot = max(1, min(round((frame.half_height - y) / frame.px) - sprite.top, sprite.alpha.shape[0]))
    rows = np.arange(foot)
    down = rows * frame.px
    wave: Array = ripple[(np.sqrt(down) * 70.0).astype(np.intp) % len(ripple)]
    shift: Array = wave * (0.006 + down * 0.09) / frame.px
    fade = keep * np.exp(-down * 2.2).astype(np.float32)
    wide = sprite.alpha.shape[1]
    pad = int(np.abs(shift).max()) + 1
    light: Array = np.zeros((3, foot, wide + 2 * pad), dtype=np.float32)
    alpha: Array = np.zeros((foot, wide + 2 * pad), dtype=np.float32)
    for row in range(foot):
        start = pad + round(float(shift[row]))
        strength = np.float32(fade[row])
        light[:, row, start : start + wide] = sprite.light[:, foot - 1 - row] * (strength * np.float32(0.8))
        alpha[row, start : start + wide] = sprite.alpha[foot - 1 - row] * strength
    return Sprite(sprite.left - pad, sprite.top + foot, light, alpha)
