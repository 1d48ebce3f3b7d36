"""Styles: the post-processing settings of each, and its filter on the finished pixels."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from .arrays import Array, resize
from .canvas import Frame
from .noise import SeededRandom, fractal_noise
from .postprocess import Pixels, PostSettings

STYLES: tuple[str, ...] = ("auto", "photo", "illustration", "watercolor", "neon", "noir", "poster")

# Brush filters work at no more than this many pixels on the long side; they are soft and scale up well.
_BRUSH_SIDE = 832

_LENS = PostSettings()
_FLAT = PostSettings(curve=0.25, contrast=1.05, bloom=0.04, grain=0.011, vignette=0.12, expose=0.0)
_BASE: dict[str, tuple[str, PostSettings]] = {
    "portrait": ("illustration", _FLAT),
    "flowers": ("watercolor", replace(_FLAT, curve=0.0, bloom=0.0, vignette=0.1, grain=0.008)),
    "room": ("illustration", replace(_FLAT, curve=0.8, bloom=0.12, vignette=0.2, expose=0.4)),
    "abstract": ("photo", replace(_LENS, grain=0.01, vignette=0.16, bloom=0.12, expose=0.25)),
    "space": ("photo", replace(_LENS, expose=0.0, bloom=0.3, vignette=0.25)),
    "city": ("photo", replace(_LENS, bloom=0.3, expose=0.35)),
}


def resolve_style(scene: str, requested: str, named: str) -> str:
    """The style to paint in: the requested one, else the prompt's, else the scene's own."""
    if requested != "auto":
        return requested
    return named or _BASE.get(scene, ("photo", _LENS))[0]


def post_settings(scene: str, style: str) -> PostSettings:
    """Post-processing settings of a scene in a style."""
    own, base = _BASE.get(scene, ("photo", _LENS))
    if style == "neon":
        return replace(base, curve=1.0, bloom=0.75, threshold=0.55, saturation=1.3, vignette=0.4, expose=0.3)
    if style == "noir":
        return replace(
            base, curve=1.0, contrast=1.55, saturation=0.0, grain=0.034, vignette=0.75, bloom=0.22, expose=0.5
        )
    if style == "photo" and own != "photo":
        return replace(base, curve=0.7, bloom=0.14, grain=0.016, vignette=0.3)
    if style in {"illustration", "watercolor", "poster"} and own != style:
        return replace(base, grain=0.0, bloom=base.bloom * 0.5, vignette=0.1, saturation=1.12)
    return base


def stylize(pixels: Pixels, scene: str, style: str, rng: SeededRandom) -> Pixels:
    """Apply a style's filter to a rendered (h, w, 3) picture; photographic styles have none."""
    own = _BASE.get(scene, ("photo", _LENS))[0]
    if style == own or style in {"photo", "neon", "noir"}:
        return pixels
    if style == "illustration":
        return _illustration(pixels, rng)
    if style == "watercolor":
        return _watercolour(pixels, rng)
    return _poster(pixels, rng)


def _flattened(pixels: Pixels, reach: float, rounds: int) -> Image.Image:
    """Flatten detail into dabs with clean edges (Kuwahara filter): each pixel takes the mean of the quadrant
    around it that varies least.

    ``reach`` is a fraction of the short side.
    """
    height, width = pixels.shape[:2]
    # A small picture is filtered at twice its size, so that the edges of the dabs are smooth.
    scale = min(2.0, _BRUSH_SIDE / max(width, height))
    size = max(8, round(width * scale)), max(8, round(height * scale))
    image = Image.fromarray(pixels)
    if size != (width, height):
        image = image.resize(size, Image.Resampling.BICUBIC if scale > 1.0 else Image.Resampling.BOX)
    for _ in range(rounds):
        image = _kuwahara(image, max(1, round(reach * min(size))))
    return image


def _kuwahara(image: Image.Image, reach: int) -> Image.Image:
    mean = np.asarray(image.filter(ImageFilter.BoxBlur(reach / 2)))
    light = np.asarray(image.convert("L"), dtype=np.float32)
    square = Image.fromarray((light * light * (1.0 / 255.0)).astype(np.uint8))
    spread = np.asarray(square.filter(ImageFilter.BoxBlur(reach / 2)), dtype=np.float32)
    middle = np.asarray(image.convert("L").filter(ImageFilter.BoxBlur(reach / 2)), dtype=np.float32)
    unrest = spread - middle * middle * (1.0 / 255.0)
    half = (reach + 1) // 2
    padded = np.pad(mean, ((half, half), (half, half), (0, 0)), mode="edge")
    rest = np.pad(unrest, half, mode="edge")
    height, width = unrest.shape
    best, result = None, None
    for down in (0, 2 * half):
        for across in (0, 2 * half):
            here = rest[down : down + height, across : across + width]
            colour = padded[down : down + height, across : across + width]
            if best is None or result is None:
                best, result = here.copy(), colour.copy()
                continue
            calmer = here < best
            best = np.where(calmer, here, best)
            result[calmer] = colour[calmer]
    assert result is not None
    return Image.fromarray(result)


def _full(image: Image.Image, like: Pixels) -> Pixels:
    height, width = like.shape[:2]
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    return np.array(image)


def _paper(rng: SeededRandom, frame: Frame, strength: float) -> Array:
    """Paper texture, shape (h, w), around 1."""
    fibre = fractal_noise(rng.fork("paper"), cells=64, octaves=3, gain=0.8)
    band = frame.shrunk(1024).whole()
    tooth = fibre.at(band.x * 0.5, band.y * 0.5) * strength + 1.0
    return tooth if tooth.shape == (frame.height, frame.width) else resize(tooth, frame.width, frame.height)


def _scaled(pixels: Pixels, factor: Array) -> Pixels:
    """Multiply a picture by a plane (h, w), in strips to save memory."""
    result = np.empty_like(pixels)
    for top in range(0, pixels.shape[0], 256):
        part = pixels[top : top + 256].astype(np.float32) * factor[top : top + 256, :, None]
        result[top : top + 256] = np.clip(part + 0.5, 0.0, 255.0).astype(np.uint8)
    return result


def _illustration(pixels: Pixels, rng: SeededRandom) -> Pixels:
    """Gouache: flat dabs, a few clear steps of tone, a hint of a dark contour."""
    height, width = pixels.shape[:2]
    image = _flattened(pixels, 0.006, 2)
    flat = np.asarray(image, dtype=np.float32)
    light = flat @ np.array([0.3, 0.59, 0.11], dtype=np.float32)
    steps = light * (9.0 / 255.0)
    whole = np.floor(steps)
    part = steps - whole
    # Steps with soft shoulders, so that a sky does not break into hard bands.
    eased = whole + np.clip((part - 0.5) * 2.6 + 0.5, 0.0, 1.0)
    flat *= ((eased + 0.12) / (steps + 0.12))[:, :, None] * 0.55 + 0.45
    across, down = np.zeros_like(light), np.zeros_like(light)
    across[:, 1:-1] = light[:, 2:] - light[:, :-2]
    down[1:-1] = light[2:] - light[:-2]
    contour = np.clip(np.sqrt(across * across + down * down) * (1.0 / 160.0) - 0.12, 0.0, 0.5)
    flat *= (1.0 - contour * 0.7)[:, :, None]
    grey = flat.mean(axis=2, keepdims=True)
    flat = grey + (flat - grey) * 1.14
    done = _full(Image.fromarray(np.clip(flat, 0, 255).astype(np.uint8)), pixels)
    return _scaled(done, _paper(rng, Frame(width, height), 0.035))


def _watercolour(pixels: Pixels, rng: SeededRandom) -> Pixels:
    """Washes with dark rims on textured paper that stays white at the border."""
    height, width = pixels.shape[:2]
    image = _flattened(pixels, 0.0075, 2)
    flat = np.asarray(image, dtype=np.float32) * (1.0 / 255.0)
    band = Frame(image.width, image.height).whole()
    cloud = fractal_noise(rng.fork("wash"), cells=5, octaves=7, gain=0.6)
    pool = cloud.at(band.x * 0.22, band.y * 0.22)
    fine = cloud.at(band.x * 0.9 + 0.4, band.y * 0.9)
    # Lifted blacks and thin colour, because watercolour has no real dark.
    flat = 1.0 - (1.0 - flat) * (0.84 + 0.14 * pool)[:, :, None]
    grey = flat.mean(axis=2, keepdims=True)
    flat = np.clip(grey + (flat - grey) * 1.25, 0.0, 1.0)
    flat += (np.sqrt(flat) - flat) * 0.4
    light = (flat.mean(axis=2) * 255.0).astype(np.uint8)
    reach = max(1.0, 0.007 * min(image.size))
    around = np.asarray(Image.fromarray(light).filter(ImageFilter.GaussianBlur(reach)), dtype=np.float32)
    rim = np.clip((around - light) * (1.0 / 255.0), 0.0, 0.3)
    flat *= (1.0 - rim * 1.5 - 0.035 * fine)[:, :, None]
    frame = Frame(width, height)
    edge = np.minimum(frame.half_width - np.abs(band.x), frame.half_height - np.abs(band.y))
    inside = np.clip((edge - 0.07 + pool * 0.035 + fine * 0.018) * 38.0, 0.0, 1.0)
    lip = np.exp(-(((inside - 0.75) * 4.0) ** 2)) * (inside < 1) * 0.1
    paper = np.array([0.972, 0.955, 0.92], dtype=np.float32)
    flat = paper + (flat * paper - paper) * inside[:, :, None]
    flat *= (1.0 - lip)[:, :, None]
    done = _full(Image.fromarray((np.clip(flat, 0, 1) * 255).astype(np.uint8)), pixels)
    return _scaled(done, _paper(rng, frame, 0.055))


def _inks(image: Image.Image) -> Image.Image:
    """Ten inks for a picture. Rare colours that stand out, such as a fox in the snow, count four times."""
    small = image.resize((128, 128), Image.Resampling.BOX)
    main = small.quantize(5, Image.Quantize.MEDIANCUT).convert("RGB")
    shades = np.asarray(small, dtype=np.int16)
    off: NDArray[np.int16] = shades - np.asarray(main, dtype=np.int16)
    tint = np.abs(off[:, :, 0] - off[:, :, 1]) + np.abs(off[:, :, 2] - off[:, :, 1])
    apart = np.abs(off).sum(axis=2) + 3 * tint
    rows = shades.reshape(-1, 3)
    rare = rows[apart.ravel() >= np.sort(apart, axis=None)[-1024]][:1024]
    sample = np.concatenate([rows, *([rare] * 4)]).astype(np.uint8)
    return Image.fromarray(sample.reshape(-1, 128, 3)).quantize(10, Image.Quantize.MEDIANCUT)


def _poster(pixels: Pixels, rng: SeededRandom) -> Pixels:
    """Screen print: ten inks, a printed dot in the darks, a cream border."""
    height, width = pixels.shape[:2]
    image = _flattened(pixels, 0.0045, 2)
    # Inks are separated at a larger size and scaled down again, which smooths their edges.
    large = image.resize((round(image.width * 1.6), round(image.height * 1.6)), Image.Resampling.BICUBIC)
    cut = large.quantize(palette=_inks(image), dither=Image.Dither.NONE).convert("RGB")
    flat = np.asarray(cut.resize(image.size, Image.Resampling.BOX), dtype=np.float32)
    grey = flat.mean(axis=2, keepdims=True)
    flat = np.clip((grey + (flat - grey) * 1.5) * 1.05, 0.0, 255.0)
    frame = Frame(width, height)
    band = Frame(image.width, image.height).whole()
    pitch = np.float32(2.0 * np.pi / 0.019)
    u, v = (band.x + band.y) * 0.7071, (band.x - band.y) * 0.7071
    dots = np.sin(u * pitch) * np.sin(v * pitch)
    source = np.asarray(image.convert("L"), dtype=np.float32)
    tone = np.clip((120.0 - source) * (1.0 / 120.0), 0.0, 1.0)
    dot = np.clip((dots - 1.0 + tone * 1.15) * 2.4, 0.0, 1.0)
    flat *= (1.0 - dot * 0.3)[:, :, None]
    edge = np.minimum(frame.half_width - np.abs(band.x), frame.half_height - np.abs(band.y))
    inside = np.clip((edge - 0.085) * (1.0 / band.px) + 0.5, 0.0, 1.0)[:, :, None]
    cream = np.array([243.0, 234.0, 214.0], dtype=np.float32)
    flat = cream + (flat * (cream / 255.0) - cream) * inside
    done = _full(Image.fromarray(np.clip(flat, 0, 255).astype(np.uint8)), pixels)
    return _scaled(done, _paper(rng, frame, 0.05))
