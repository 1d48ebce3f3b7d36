"""Describes a picture by measurements: size, colours, light, sharpness, balance. It recognises nothing."""

import json
import math
from dataclasses import asdict, dataclass

import numpy as np
from PIL import Image

from .arrays import Array, edges
from .colour import channels, rgb
from .input_picture import InputPicture, flattened
from .vocabulary import COLOURS

_SIDE = 512
_THIRDS = ("left", "middle", "right"), ("upper", "middle", "lower")


@dataclass(frozen=True)
class Colour:
    """One colour of a picture: nearest name, ``#rrggbb``, and its share of the area, 0..1."""

    name: str
    code: str
    share: float


@dataclass(frozen=True)
class Measurements:
    """Measurements of a picture. Brightness, contrast, saturation and sharpness run from 0 to 1."""

    width: int
    height: int
    orientation: str
    aspect_ratio: str
    format: str
    frames: int
    has_transparency: bool
    transparent_share: float
    palette: tuple[Colour, ...]
    temperature: str
    brightness: float
    brightness_word: str
    contrast: float
    contrast_word: str
    saturation: float
    saturation_word: str
    sharpness: float
    sharpness_word: str
    clipped_dark: float
    clipped_bright: float
    visual_weight: str
    weight_x: float
    weight_y: float
    symmetry: float
    symmetry_word: str
    horizon: float | None
    empty_share: float


def measure(picture: InputPicture) -> Measurements:
    """Measure a picture; the same picture gives the same numbers."""
    image = picture.image
    alpha_share = 0.0
    if image.mode == "RGBA":
        alpha_share = float((np.asarray(image.getchannel("A")) < 250).mean())
    opaque = flattened(image)
    scale = min(1.0, _SIDE / max(opaque.size))
    size = max(4, round(opaque.width * scale)), max(4, round(opaque.height * scale))
    small = opaque.resize(size, Image.Resampling.BOX) if scale < 1.0 else opaque
    pixels = np.asarray(small, dtype=np.float32) * (1.0 / 255.0)
    light = pixels @ np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
    high, low = pixels.max(axis=2), pixels.min(axis=2)
    saturation = float((high - low).mean())
    spread = float(np.quantile(light, 0.95) - np.quantile(light, 0.05))
    warmth = float((pixels[:, :, 0] - pixels[:, :, 2]).mean())
    sharp = _sharpness(opaque)
    energy = _energy(light)
    x, y = _centre(energy)
    symmetry = _symmetry(light)
    width, height = picture.width, picture.height
    return Measurements(
        width=width,
        height=height,
        orientation="square"
        if abs(width - height) <= 0.02 * max(width, height)
        else "landscape"
        if width > height
        else "portrait",
        aspect_ratio=_ratio(width, height),
        format=picture.format,
        frames=picture.frames,
        has_transparency=alpha_share > 0,
        transparent_share=round(alpha_share, 3),
        palette=_palette(small),
        temperature="warm" if warmth > 0.06 else "cool" if warmth < -0.06 else "neutral",
        brightness=round(float(light.mean()), 3),
        brightness_word=_word(
            float(light.mean()),
            ((0.15, "very dark"), (0.35, "dark"), (0.6, "medium"), (0.8, "bright"), (2.0, "very bright")),
        ),
        contrast=round(spread, 3),
        contrast_word=_word(spread, ((0.1, "flat"), (0.35, "low"), (0.7, "medium"), (2.0, "high"))),
        saturation=round(saturation, 3),
        saturation_word=_word(
            saturation, ((0.02, "colourless"), (0.12, "muted"), (0.3, "moderate"), (2.0, "vivid"))
        ),
        sharpness=round(sharp, 3),
        sharpness_word=_word(sharp, ((0.06, "very soft"), (0.2, "soft"), (0.5, "clear"), (2.0, "crisp"))),
        clipped_dark=round(float((light < 0.012).mean()), 3),
        clipped_bright=round(float((light > 0.988).mean()), 3),
        visual_weight=_place(x, y),
        weight_x=round(x, 3),
        weight_y=round(y, 3),
        symmetry=round(symmetry, 3),
        symmetry_word=_word(
            symmetry,
            ((0.55, "asymmetric"), (0.85, "loosely symmetric"), (2.0, "mirror-symmetric left to right")),
        ),
        horizon=_horizon(pixels),
        empty_share=round(float((energy < 0.02).mean()), 3),
    )


def describe(pictures: list[InputPicture], prompt: str) -> str:
    """A description in Markdown, or JSON if the prompt contains "json"."""
    measured = [measure(picture) for picture in pictures]
    if "json" in prompt.casefold():
        facts = [{**asdict(item), "recognised": None} for item in measured]
        whole = facts[0] if len(facts) == 1 else {"images": facts}
        return json.dumps(whole, indent=2)
    texts = [_as_markdown(item) for item in measured]
    if len(texts) > 1:
        texts = [f"## Image {number}\n\n{text}" for number, text in enumerate(texts, 1)]
    end = (
        "*Measured, not recognised: this model reads pixels and cannot say what the picture shows or "
        "answer questions about it.*"
    )
    return "\n\n".join([*texts, end])


def _as_markdown(m: Measurements) -> str:
    colours = "\n".join(f"- {c.name} `{c.code}`, {c.share:.0%}" for c in m.palette)
    clear = f"{m.transparent_share:.0%} of it is transparent" if m.has_transparency else "opaque"
    moving = f", {m.frames} frames (the first is described)" if m.frames > 1 else ""
    clipped = [
        f"{share:.0%} {label}"
        for share, label in ((m.clipped_dark, "pure black"), (m.clipped_bright, "pure white"))
        if share >= 0.01
    ]
    horizon = (
        f"A straight edge runs across it {m.horizon:.0%} of the way down: perhaps a horizon or a table."
        if m.horizon is not None
        else "No horizon stands out."
    )
    return "\n\n".join(
        (
            f"**Size:** {m.width} × {m.height} pixels, {m.orientation}, {m.aspect_ratio}, "
            f"{m.format}{moving}, {clear}.",
            f"**Palette** ({m.temperature}, {m.saturation_word} colour):\n{colours}",
            f"**Light:** {m.brightness_word} (mean {m.brightness:.0%}), {m.contrast_word} contrast"
            + (f", {' and '.join(clipped)}." if clipped else "."),
            f"**Sharpness:** {m.sharpness_word}.",
            f"**Composition:** the visual weight lies {m.visual_weight}; {m.symmetry_word}; "
            f"{m.empty_share:.0%} of the area is calm. {horizon}",
        )
    )


def _word(value: float, steps: tuple[tuple[float, str], ...]) -> str:
    return next(word for limit, word in steps if value < limit)


def _ratio(width: int, height: int) -> str:
    for wide, high in ((1, 1), (16, 9), (9, 16), (4, 3), (3, 4), (3, 2), (2, 3), (4, 5), (5, 4), (21, 9)):
        if abs(width / height - wide / high) < 0.012 * wide / high:
            return f"{wide}:{high}"
    return f"{width / height:.2f}:1"


def _palette(image: Image.Image) -> tuple[Colour, ...]:
    """At most six colours, the largest first; similar ones are merged."""
    tiny = image.resize((min(96, image.width), min(96, image.height)), Image.Resampling.BOX)
    cut = tiny.quantize(12, Image.Quantize.MEDIANCUT, kmeans=2)
    codes = cut.getpalette() or []
    counts: list[tuple[int, int]] = cut.getcolors() or []  # type: ignore[assignment]
    total = sum(count for count, _ in counts)
    merged: list[tuple[float, Array]] = []
    for count, index in sorted(counts, key=lambda pair: (-pair[0], pair[1])):
        colour = np.array(codes[3 * index : 3 * index + 3], dtype=np.float32)
        share = count / total
        for position, (other_share, other) in enumerate(merged):
            if float(np.abs(_lab(other) - _lab(colour)).sum()) < 14.0:
                joined = (other * other_share + colour * share) / (other_share + share)
                merged[position] = (other_share + share, joined.astype(np.float32))
                break
        else:
            merged.append((share, colour))
    merged.sort(key=lambda pair: -pair[0])
    colours: list[Colour] = []
    for share, colour in merged[:6]:
        if share >= 0.01 or not colours:
            colours.append(Colour(_name(colour), _code(colour), round(share, 3)))
    return tuple(colours)


def _code(colour: Array) -> str:
    """The ``#rrggbb`` code of a display colour, shape (3,), 0..255."""
    return "#" + "".join(f"{round(float(part)):02x}" for part in colour)


def _lab(colour: Array) -> Array:
    """CIE L*a*b* (D65) of a display colour, shape (3,), 0..255."""
    r, g, b = (float(part) for part in rgb(_code(colour)))
    x = (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505
    y = 0.2126 * r + 0.7152 * g + 0.0722 * b
    z = (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089
    fx, fy, fz = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in (x, y, z))
    return np.array([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)], dtype=np.float32)


def _name(colour: Array) -> str:
    """The nearest named colour of the vocabulary; black, greys and white by their lightness."""
    lab = _lab(colour)
    if math.hypot(float(lab[1]), float(lab[2])) < 6.0:
        return _word(
            float(lab[0]),
            ((14.0, "black"), (32.0, "charcoal"), (64.0, "grey"), (90.0, "light grey"), (999.0, "white")),
        )
    return min(_NAMED, key=lambda name: float(((_NAMED[name] - lab) ** 2).sum()))


_NAMED: dict[str, Array] = {
    name: _lab(np.array(channels(text), dtype=np.float32))
    for name, text in COLOURS.items()
    if name not in {"white", "black", "grey", "gray", "charcoal", "golden"}
}


def _sharpness(image: Image.Image) -> float:
    """Steepness of the steepest edges at full size, relative to the contrast: 1 is a hard edge."""
    limit = 1600
    if max(image.size) > limit:
        # A crop from the middle, not a smaller copy: scaling down would sharpen.
        left, top = max(0, (image.width - limit) // 2), max(0, (image.height - limit) // 2)
        image = image.crop((left, top, min(image.width, left + limit), min(image.height, top + limit)))
    light = np.asarray(image.convert("L"), dtype=np.float32) * (1.0 / 255.0)
    across = np.abs(np.diff(light, axis=1))
    down = np.abs(np.diff(light, axis=0))
    spread = float(light.max() - light.min())
    if spread < 0.02:
        return 0.0
    steepest = max(float(np.quantile(across, 0.9995)), float(np.quantile(down, 0.9995)))
    return min(1.0, steepest / spread)


def _energy(light: Array) -> Array:
    """Visual weight of each pixel: edges, and difference from the median."""
    return edges(light) + np.maximum(np.abs(light - np.median(light)) - 0.1, 0.0) * 0.35


def _centre(energy: Array) -> tuple[float, float]:
    total = float(energy.sum())
    if total < 1e-3:
        return 0.5, 0.5
    rows, columns = energy.shape
    across: Array = energy.sum(axis=0)
    down: Array = energy.sum(axis=1)
    middles: tuple[Array, Array] = (
        np.arange(columns, dtype=np.float32) + 0.5,
        np.arange(rows, dtype=np.float32) + 0.5,
    )
    x = float((across * middles[0]).sum()) / total / columns
    y = float((down * middles[1]).sum()) / total / rows
    return x, y


def _place(x: float, y: float) -> str:
    column = 0 if x < 0.44 else 2 if x > 0.56 else 1
    row = 0 if y < 0.44 else 2 if y > 0.56 else 1
    if row == column == 1:
        return "in the centre"
    if row == 1:
        return f"to the {_THIRDS[0][column]}"
    if column == 1:
        return f"in the {_THIRDS[1][row]} half"
    return f"in the {_THIRDS[1][row]} {_THIRDS[0][column]}"


def _symmetry(light: Array) -> float:
    """Similarity of the left half and the mirrored right half: 1 is the same, 0 nothing in common."""
    small = np.asarray(Image.fromarray(light).resize((48, 48), Image.Resampling.BOX), dtype=np.float32)
    spread = small - small.mean()
    power = float((spread * spread).sum())
    if power < 1e-3:
        return 1.0
    return max(0.0, float((spread * spread[:, ::-1]).sum()) / power)


def _horizon(pixels: Array) -> float | None:
    """Height of the strongest level edge across the whole width, as a share from the top, or None."""
    rows = pixels.shape[0]
    if rows < 16:
        return None
    step = max(1, rows // 64)
    jumps: Array = np.abs(pixels[2 * step :] - pixels[: -2 * step]).mean(axis=2)
    # A low quantile, because a horizon reaches from side to side.
    level = np.quantile(jumps, 0.2, axis=1)
    inner = slice(rows // 10, max(rows // 10 + 1, level.size - rows // 10))
    best = int(level[inner].argmax()) + inner.start
    if float(level[best]) < 0.07 or float(level[best]) < 4.0 * float(np.median(level)) + 0.02:
        return None
    # The edge lies in the middle of the rows that show it.
    around = level[max(0, best - 2 * step) : best + 2 * step + 1]
    places = np.arange(max(0, best - 2 * step), max(0, best - 2 * step) + around.size)
    middle = float((places * around).sum() / around.sum()) + step
    return round(middle / rows, 3)
