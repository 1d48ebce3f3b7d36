"""Small flat shapes drawn onto a band: trees, birds, weather. Each computes only the pixels it covers."""

import math

import numpy as np

from .arrays import Array
from .canvas import Band, blend, coverage, smoothstep
from .noise import NoiseTexture, SeededRandom


def pine(picture: Array, band: Band, x: float, base: float, height: float, colour: Array, key: float) -> None:
    """A conifer standing at (x, base); ``key``, 0..1, varies its branches."""
    reach = height * 0.24
    window = band.window(x - reach, x + reach, base, base + height)
    if window is None:
        return
    px = band.px
    dx = np.abs(band.x[:, window[1]] - x)
    down = 1.0 - (band.y[window[0]] - base) * (1.0 / height)
    side = 0.12 * np.sign(band.x[:, window[1]] - x)
    tiers = 8.0 + 5.0 * key
    step = down * tiers + side + 0.35 * np.sin(down * (23.0 * (1 + key)) + (key * 40))
    tier = step - np.floor(step)
    wide = np.maximum(down, 0.0) ** 0.85 * reach * (0.42 + 0.58 * tier)
    trunk = (height * 0.018) - dx
    body = np.where(down < 0.93, np.maximum(wide - dx, trunk), trunk)
    amount = np.clip(body * (0.6 / px) + 0.5, 0.0, 1.0) * (down > 0) * (down <= 1.0)
    blend(picture[(slice(None), *window)], colour, amount)


def crown(
    picture: Array,
    band: Band,
    x: float,
    base: float,
    height: float,
    dark: Array,
    light: Array,
    leaves: NoiseTexture,
    side: float,
) -> None:
    """A broad-leaved tree standing at (x, base), lit from ``side`` (-1 left, 1 right)."""
    reach = height * 0.62
    window = band.window(x - reach, x + reach, base, base + height * 1.12)
    if window is None:
        return
    px = band.px
    dx = (band.x[:, window[1]] - x) * (1.0 / height)
    dy = (band.y[window[0]] - base) * (1.0 / height)
    part = picture[(slice(None), *window)]
    bend = 0.03 * np.sin(dy * 5.0)
    stem = np.abs(dx - bend) - 0.022 - 0.03 * np.exp(dy * -12.0)
    blend(part, dark, coverage(stem, px / height) * (dy > 0) * (dy < 0.6))
    leaf = leaves.at(dx * 0.55 + x, dy * 0.55)
    oval = np.sqrt((dx * (1.0 / 0.47)) ** 2 + ((dy - 0.66) * (1.0 / 0.37)) ** 2)
    edge = (1.0 - oval) + leaf * 0.3
    amount = smoothstep(0.0, max(0.03, 2.5 * px / height), edge) * (dy > 0.2)
    lit = smoothstep(-0.5, 0.75, dx * (side * 0.9) + (dy - 0.62) + leaf * 0.42)
    for c in range(3):
        tone = dark[c] + (light[c] - dark[c]) * lit
        part[c] += (tone - part[c]) * amount


def birds(
    picture: Array, band: Band, rng: SeededRandom, x: float, y: float, colour: Array, count: int = 9
) -> None:
    """A loose flock of far birds around (x, y)."""
    for _ in range(count):
        bx, by = x + rng.between(-0.3, 0.3), y + rng.between(-0.12, 0.12)
        size, flap = rng.between(0.014, 0.03), rng.between(0.25, 0.8)
        window = band.window(bx - size, bx + size, by - size, by + size)
        if window is None:
            continue
        dx = np.abs(band.x[:, window[1]] - bx) * (1.0 / size)
        dy = (band.y[window[0]] - by) * (1.0 / size)
        bend: Array = np.sqrt(dx) - dx * 0.55
        wing: Array = np.abs(dy - flap * bend) - 0.09 * (1 - dx)
        blend(picture[(slice(None), *window)], colour, coverage(wing, band.px / size) * (dx < 1))


def rain(picture: Array, band: Band, rng: SeededRandom, colour: Array, count: int = 420) -> None:
    """Streaks of rain over the whole picture."""
    slant = rng.between(-0.2, -0.08)
    frame = band.frame
    values = rng.many(count * 4).reshape(count, 4).tolist()
    for a, b, c, d in values:
        x, y = (a * 2.4 - 1.2) * frame.half_width, (b * 2.2 - 1.1) * frame.half_height
        length, strength = 0.05 + 0.12 * c, 0.05 + 0.16 * d * d
        wide = max(0.0016 + 0.0012 * d, band.px * 0.6)
        window = band.window(x - 0.05, x + 0.05, y, y + length)
        if window is None:
            continue
        up = (band.y[window[0]] - y) * (1.0 / length)
        off = band.x[:, window[1]] - x - up * (slant * length)
        along: Array = np.clip(up, 0.0, 1.0)
        across: Array = off * (1.0 / wide)
        streak: Array = np.exp(-across * across) * np.sin(along * math.pi)
        blend(picture[(slice(None), *window)], colour, streak * strength)


def snowfall(picture: Array, band: Band, rng: SeededRandom, colour: Array, count: int = 420) -> None:
    """Flakes in the air, the near ones large and soft."""
    frame = band.frame
    values = rng.many(count * 4).reshape(count, 4).tolist()
    for a, b, c, d in values:
        x, y = (a * 2.1 - 1.05) * frame.half_width, (b * 2.1 - 1.05) * frame.half_height
        size = 0.0026 + 0.0055 * c**3 + 0.016 * max(0.0, c - 0.97) * 33.0
        shown = max(size, band.px * 0.7)
        window = band.window(x - 2 * shown, x + 2 * shown, y - 2 * shown, y + 2 * shown)
        if window is None:
            continue
        dx, dy = (band.x[:, window[1]] - x) * (1.0 / shown), (band.y[window[0]] - y) * (1.0 / shown)
        soft = np.exp(-(dx * dx + dy * dy) * (1.4 if c < 0.97 else 0.9))
        strength = (0.4 + 0.5 * d) * (1.0 if c < 0.97 else 0.4) * min(1.0, (size / shown) ** 2)
        blend(picture[(slice(None), *window)], colour, soft * strength)


def weather(
    picture: Array, band: Band, rng: SeededRandom, extras: frozenset[str], rain_colour: Array, flakes: Array
) -> None:
    """The rain and the snow that a prompt's ``extras`` name; "dry" leaves the snow out."""
    if "rain" in extras:
        rain(picture, band, rng.fork("rain"), rain_colour)
    if "snow" in extras and "dry" not in extras:
        snowfall(picture, band, rng.fork("snow"), flakes)


def grass(
    picture: Array, band: Band, rng: SeededRandom, dark: Array, light: Array, bloom: Array, count: int = 420
) -> None:
    """Blades of grass along the lower border, some with flowers, the far ones lighter."""
    frame = band.frame
    values = rng.many(count * 5).reshape(count, 5).tolist()
    for rank, (a, b, c, d, e) in enumerate(values):
        near = rank / count
        base = -frame.half_height - 0.02 + 0.16 * (1.0 - near) * b
        height = (0.1 + 0.22 * c * c) * (0.55 + 0.5 * near)
        x, lean = (a * 2.1 - 1.05) * frame.half_width, (d - 0.5) * 0.5 * height
        reach = abs(lean) + 0.03
        window = band.window(x - reach, x + reach, base, base + height + 0.02)
        if window is None:
            continue
        up = (band.y[window[0]] - base) * (1.0 / height)
        off = band.x[:, window[1]] - x - lean * up * np.abs(up)
        half = (0.0022 + 0.0028 * near) * np.maximum(1.0 - up, 0.0) + 0.0004
        amount = coverage(np.abs(off) - half, band.px) * (up > 0) * (up < 1)
        part = picture[(slice(None), *window)]
        blend(part, dark + (light - dark) * np.float32((1.0 - near) * 0.5 + 0.4 * e), amount)
        if e > 0.86:
            size = 0.009 + 0.009 * near
            dot = np.sqrt(off**2 + ((up - 0.97) * height) ** 2) - size
            blend(part, bloom, coverage(dot, band.px) * 0.95)
