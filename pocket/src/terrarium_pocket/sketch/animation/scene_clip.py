"""Animates a painted scene: layers, warps, particles and light."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from ..arrays import Array
from ..canvas import Frame, Layered, WithFlyers, WithWater
from ..colour import channels, code
from ..noise import SeededRandom
from ..painter import Renderer, prepare_renderer
from ..prompt import ParsedPrompt, parse_prompt
from ..scenes.city import City
from ..scenes.product import Product
from ..sky import Sky
from . import warp
from .atmosphere import Mist, Particles, Steam
from .camera import Camera
from .clip import Clip, Layer
from .light import Flicker, Sweep
from .planes import Uint8, colour, from_rgb, image

_MOVE_PATTERNS: tuple[tuple[str, str], ...] = (
    (r"(zoom|pull|dolly|track)(s|ing|ed)?[- ](slowly )?(out|back)|pull-out", "pull-out"),
    (r"(zoom|push|dolly|mov)(s|es|ing|ed|e)?[- ](slowly )?in\b|push-in|close[- ]?in", "push-in"),
    (r"(pan|mov|slid|truck)(s|es|ning|ing|e)?[- ](slowly )?(to the )?left", "pan-left"),
    (
        r"(pan|mov|slid|truck)(s|es|ning|ing|e)?[- ](slowly )?(to the )?right"
        r"|\b(slow|camera|a) pan\b|\bpans? (over|across|along)\b|\bpanning\b",
        "pan-right",
    ),
    (r"\borbit(s|ing)? (around|shot)|\barc shot|\bcircl(es|ing)\b|orbit camera", "orbit"),
    (r"\bdrift(s|ing)?\b|\bfloat(s|ing)?\b|hand-?held", "drift"),
    (r"(static|locked|still|fixed) (camera|shot|frame)|tripod", "still"),
)

# Default camera moves of each scene; one of them is picked by the seed.
_MOVES: dict[str, tuple[str, ...]] = {
    "product": ("orbit", "push-in", "orbit"),
    "portrait": ("push-in", "drift", "orbit"),
    "mountains": ("push-in", "pan-right", "drift"),
    "meadow": ("drift", "pan-left", "push-in"),
    "sea": ("push-in", "drift", "push-in"),
    "desert": ("pan-right", "push-in", "pan-left"),
    "city": ("push-in", "pan-right", "pull-out"),
    "forest": ("push-in", "push-in", "orbit"),
    "flowers": ("push-in", "drift", "pull-out"),
    "room": ("orbit", "drift", "push-in"),
    "space": ("orbit", "push-in", "drift"),
    "abstract": ("drift", "push-in", "drift"),
}


# Strength of the parallax: little where objects stand on a ground that is in the same layer.
_DEPTH = {"product": 0.3, "room": 0.3, "forest": 0.45, "portrait": 0.6}


@dataclass(frozen=True)
class ClipSettings:
    """Format, length, camera motion and seed of a clip."""

    width: int
    height: int
    fps: int
    seconds: float
    motion: str
    seed: int


def named_move(prompt: str) -> str:
    """The camera move that a prompt names, or an empty string."""
    text = prompt[:4000].casefold()
    return next((move for pattern, move in _MOVE_PATTERNS if re.search(pattern, text)), "")


def animate_scene(
    prompt: str, settings: ClipSettings, *, style: str, report: Callable[[float], None]
) -> Clip:
    """Paint the scene of a prompt in layers and animate it."""
    parsed = parse_prompt(prompt)
    frame = Frame(settings.width, settings.height)
    report(0.01)
    renderer = prepare_renderer(_without_weather(parsed), frame, seed=settings.seed, style=style, grain=False)
    rng = renderer.rng.fork("motion")
    report(0.2)
    layers, mask = _layers(renderer, report)
    _add_warps(renderer, layers, mask, rng, settings)
    move = (
        settings.motion if settings.motion != "auto" else named_move(prompt) or rng.pick(_MOVES[parsed.scene])
    )
    clip = Clip(
        settings.width,
        settings.height,
        settings.fps,
        settings.seconds,
        Camera(move, settings.seconds, _DEPTH.get(parsed.scene, 1.0)),
        layers,
    )
    _add_atmosphere(clip, renderer, parsed, rng)
    report(1.0)
    return clip


def _without_weather(parsed: ParsedPrompt) -> ParsedPrompt:
    """The prompt without rain and steam, which would not move in a painted layer; the clip draws them."""
    veil = {"veiled"} if "rain" in parsed.extras else set[str]()
    return replace(parsed, extras=(parsed.extras - {"rain"}) | {"dry"} | veil)


def _layers(renderer: Renderer, report: Callable[[float], None]) -> tuple[list[Layer], Uint8 | None]:
    """The layers of a scene, background first, and the mask of its foreground, if it has one."""
    if not isinstance(renderer.scene, Layered):
        whole = renderer.render(renderer.scene.shade, lambda done: report(0.2 + 0.7 * done))
        return [Layer(from_rgb(renderer.stylize(whole)), 1.0)], None
    # The background comes first, because a scene can continue painting from it.
    far = renderer.render(renderer.scene.background, lambda done: report(0.2 + 0.25 * done))
    whole = renderer.render(renderer.scene.shade, lambda done: report(0.45 + 0.45 * done))
    front = from_rgb(renderer.stylize(whole))
    flying = (
        renderer.scene.flying_coverage(renderer.frame.whole())
        if isinstance(renderer.scene, WithFlyers)
        else None
    )
    mask = _foreground(whole, far, flying, sky=hasattr(renderer.scene, "_sky"))
    if mask is None:
        return [Layer(front, 1.0)], None
    back = from_rgb(renderer.stylize(far))
    return [Layer(back, 0.0), Layer(front, 1.0, mask)], mask


def _foreground(whole: Uint8, far: Uint8, flying: Array | None, *, sky: bool) -> Uint8 | None:
    """The foreground mask, 0..255 with soft edges: where two pictures differ, and below a sky all land."""
    red, green, blue = ImageChops.difference(Image.fromarray(whole), Image.fromarray(far)).split()
    apart = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    hard: NDArray[np.bool_] = np.asarray(apart) > 7
    share = float(hard.mean())
    if not 0.01 < share < 0.985:
        return None
    solid = hard
    if sky:
        # Land has no holes: below several rows of it in succession all is land, except below what flies.
        deep = max(4, hard.shape[0] // 90)
        ground = hard if flying is None else hard & (flying <= 0.0)
        total = np.cumsum(ground, axis=0, dtype=np.int32)
        run = total.copy()
        run[deep:] -= total[:-deep]
        land = np.maximum.accumulate(run >= deep, axis=0)
        solid = hard | land
    mask = image(solid * np.uint8(255))
    if not sky:
        mask = mask.filter(ImageFilter.MedianFilter(5))
    return np.array(mask.filter(ImageFilter.GaussianBlur(0.8)))


def _add_warps(
    renderer: Renderer, layers: list[Layer], mask: Uint8 | None, rng: SeededRandom, settings: ClipSettings
) -> None:
    """Add the warps of water, clouds, leaves and liquid to the layers."""
    scene, parsed = renderer.scene, renderer.prompt
    front = layers[-1]
    height = front.plate.height
    warps: list[warp.Warp] = []
    if isinstance(scene, WithWater):
        strength = 1.0 if parsed.scene == "sea" else 0.5
        rolling = warp.water(front.plate, _water_mask(scene, renderer.frame), rng, strength=strength)
        warps += [rolling] if rolling is not None else []
    match parsed.scene:
        case "abstract":
            warps.append(warp.flow(front.plate, rng, strength=0.05))
        case "flowers":
            warps.append(warp.wind(front.plate, 0.93, rng, strength=0.014))
        case "meadow":
            warps.append(warp.grasses(front.plate, 0.78, rng, strength=0.006))
        case _:
            pass
    layers[-1] = replace(front, warps=tuple(warps))
    sky = getattr(scene, "_sky", None)
    if isinstance(sky, Sky) and mask is not None:
        sun = (
            (sky.sun_x / renderer.frame.half_width + 1) / 2,
            (1 - sky.sun_y / renderer.frame.half_height) / 2,
        )
        bottom = min(height, layers[-1].solid + 8)
        side = rng.fork("clouds").sign()
        cloud = warp.clouds(layers[0].plate, bottom, None if sky.veiled else sun, side, settings.seconds)
        layers[0] = replace(layers[0], warps=(cloud,))
    if parsed.scene == "flowers" and mask is not None:
        # A warped layer would no longer fit its mask, so flowers stay one layer.
        layers[-1] = replace(layers[-1], mask=None, near=1.0)
        del layers[0]


def _water_mask(scene: WithWater, frame: Frame) -> Array:
    small = frame.shrunk(480)
    rough = (
        scene.water_coverage(small.whole())
        if not hasattr(scene, "_terrain")
        else _water_in_bands(scene, frame)
    )
    if rough.shape == (frame.height, frame.width):
        return rough
    up = Image.fromarray(rough.astype(np.float32)).resize((frame.width, frame.height))
    return np.clip(np.asarray(up, dtype=np.float32), 0.0, 1.0)


def _water_in_bands(scene: WithWater, frame: Frame) -> Array:
    return np.concatenate([scene.water_coverage(band) for band in frame.bands()], axis=0)


def _add_atmosphere(clip: Clip, renderer: Renderer, parsed: ParsedPrompt, rng: SeededRandom) -> None:
    """Add particles, mist, steam and light by scene, extras and light."""
    extras, light, scene = parsed.extras, renderer.palette.name, parsed.scene
    width, height = clip.width, clip.height
    dark = renderer.palette.light.dark
    outdoors = scene not in {"product", "room", "portrait", "space", "abstract", "flowers"}

    def add(kind: str, share: float = 1.0) -> None:
        clip.particles.append(Particles(kind, rng, width, height, share=share))

    rains = "rain" in extras or (isinstance(renderer.scene, City) and renderer.scene.rains)
    falls = "rain" if rains else "snow" if "snow" in extras and scene != "space" else ""
    if falls and scene not in {"product", "room"}:
        add(falls)
    elif "embers" in extras:
        add("embers")
    elif "fireflies" in extras or (dark and scene in {"meadow", "forest"}):
        add("fireflies")
    elif "petals" in extras or scene == "flowers":
        add("petals", 0.45)
    elif "autumn" in extras and outdoors:
        add("leaves")
    elif scene == "space":
        add("stars")
    elif scene == "desert":
        add("sand")
    elif scene in {"product", "room", "forest", "portrait"} or light in {"sunlit", "golden"}:
        add("dust", 0.6 if outdoors else 1.0)
    if outdoors and (light == "foggy" or "fog" in extras):
        clip.mist = Mist(rng, width, height, _yuv(renderer.palette.low), 0.5, 0.3)
    elif scene == "forest":
        clip.mist = Mist(rng, width, height, _yuv(renderer.palette.low), 0.26, 0.45)
    if isinstance(renderer.scene, Product) and renderer.scene.steams is not None:
        clip.steam = _steam(renderer, renderer.scene.steams, rng)
    flame = "embers" in extras or light == "candle" or parsed.variant == "candle"
    if flame:
        clip.flicker = Flicker(rng, flicker=0.05)
    if scene in {"product", "room", "portrait"} and not dark:
        side = rng.fork("sweep").sign()
        tint = _yuv(renderer.palette.sun)
        clip.sweep = Sweep(width, height, strength=0.32, side=side, tint=tint)


def _yuv(light: Array) -> tuple[int, int, int]:
    """Y, U, V of a linear colour, shape (3,)."""
    return colour(*channels(code(light)))


def _steam(renderer: Renderer, at: tuple[float, float, float], rng: SeededRandom) -> Steam:
    frame = renderer.frame
    x, y, scale = at
    place = ((x + frame.half_width) / frame.px, (frame.half_height - y) / frame.px, 0.85 * scale / frame.px)
    return Steam(rng, frame.width, frame.height, place)
