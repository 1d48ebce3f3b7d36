"""A scene of the painter's, in layers, with what moves in it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageFilter

from ..brief import Brief, read
from ..canvas import Airy, Deep, Frame, Wet
from ..colour import code
from ..noise import Dice, Plane
from ..painter import Easel, prepare
from ..scenes.city import City
from ..scenes.product import Product
from ..sky import Sky
from . import warp
from .air import Mist, Particles, Steam
from .camera import Camera
from .clip import Clip, Layer
from .light import Exposure, Sweep
from .planes import Bytes, colour, from_rgb, image

_WORDS: tuple[tuple[str, str], ...] = (
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

# What each scene's camera does when nobody says, the likeliest first.
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


# How far layers part: little where things stand on something that does not part from its own ground.
_DEPTH = {"product": 0.3, "room": 0.3, "forest": 0.45, "portrait": 0.6}


@dataclass(frozen=True)
class Shot:
    """What a clip is to be, apart from what it shows."""

    width: int
    height: int
    fps: int
    seconds: float
    motion: str
    seed: int


def asked_move(prompt: str) -> str:
    """The camera move that a prompt names, or nothing."""
    text = prompt[:4000].casefold()
    return next((move for pattern, move in _WORDS if re.search(pattern, text)), "")


def film(prompt: str, shot: Shot, *, style: str, tell: Callable[[float], None]) -> Clip:
    """Paint a prompt's scene in layers and set it in motion."""
    brief = read(prompt)
    frame = Frame(shot.width, shot.height)
    tell(0.01)
    easel = prepare(_dry(brief), frame, seed=shot.seed, style=style, grain=False)
    dice = easel.dice.fork("motion")
    tell(0.2)
    layers, mask = _layers(easel, tell)
    _move_layers(easel, layers, mask, dice, shot)
    move = shot.motion if shot.motion != "auto" else asked_move(prompt) or dice.pick(_MOVES[brief.scene])
    clip = Clip(
        shot.width,
        shot.height,
        shot.fps,
        shot.seconds,
        Camera(move, shot.seconds, _DEPTH.get(brief.scene, 1.0)),
        layers,
    )
    _fill_air(clip, easel, brief, dice)
    tell(1.0)
    return clip


def _dry(brief: Brief) -> Brief:
    """The brief without what would stand still in the air: rain and steam are drawn moving."""
    veil = {"veiled"} if "rain" in brief.extras else set[str]()
    return replace(brief, extras=(brief.extras - {"rain"}) | {"dry"} | veil)


def _layers(easel: Easel, tell: Callable[[float], None]) -> tuple[list[Layer], Bytes | None]:
    """The whole scene, before it what is behind its foreground if the scene can tell."""
    if not isinstance(easel.scene, Deep):
        whole = easel.develop(easel.scene.shade, lambda done: tell(0.2 + 0.7 * done))
        return [Layer(from_rgb(easel.treat(whole)), 1.0)], None
    # What is far comes first: a scene can paint on from there.
    far = easel.develop(easel.scene.behind, lambda done: tell(0.2 + 0.25 * done))
    whole = easel.develop(easel.scene.shade, lambda done: tell(0.45 + 0.45 * done))
    front = from_rgb(easel.treat(whole))
    flying = easel.scene.aloft(easel.frame.whole()) if isinstance(easel.scene, Airy) else None
    mask = _foreground(whole, far, flying, sky=hasattr(easel.scene, "_sky"))
    if mask is None:
        return [Layer(front, 1.0)], None
    back = from_rgb(easel.treat(far))
    return [Layer(back, 0.0), Layer(front, 1.0, mask)], mask


def _foreground(whole: Bytes, far: Bytes, flying: Plane | None, *, sky: bool) -> Bytes | None:
    """Where two pictures differ, 0..255 with soft edges: what stands in front, under a sky all of it."""
    red, green, blue = ImageChops.difference(Image.fromarray(whole), Image.fromarray(far)).split()
    apart = ImageChops.lighter(ImageChops.lighter(red, green), blue)
    hard: NDArray[np.bool_] = np.asarray(apart) > 7
    share = float(hard.mean())
    if not 0.01 < share < 0.985:
        return None
    solid = hard
    if sky:
        # Land has no holes: below the first dozen rows in a row of it, all is land, but not below what flies.
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


def _move_layers(easel: Easel, layers: list[Layer], mask: Bytes | None, dice: Dice, shot: Shot) -> None:
    """Give water, clouds, leaves and liquid their way of moving."""
    scene, brief = easel.scene, easel.brief
    front = layers[-1]
    height = front.plate.height
    bends: list[warp.Warp] = []
    if isinstance(scene, Wet):
        strength = 1.0 if brief.scene == "sea" else 0.5
        rolling = warp.water(front.plate, _liquid(scene, easel.frame), dice, strength=strength)
        bends += [rolling] if rolling is not None else []
    match brief.scene:
        case "abstract":
            bends.append(warp.flow(front.plate, dice, strength=0.05))
        case "flowers":
            bends.append(warp.wind(front.plate, 0.93, dice, strength=0.014))
        case "meadow":
            bends.append(warp.grasses(front.plate, 0.78, dice, strength=0.006))
        case _:
            pass
    layers[-1] = replace(front, warps=tuple(bends))
    sky = getattr(scene, "_sky", None)
    if isinstance(sky, Sky) and mask is not None:
        sun = ((sky.sun_x / easel.frame.ax + 1) / 2, (1 - sky.sun_y / easel.frame.ay) / 2)
        bottom = min(height, layers[-1].solid + 8)
        side = dice.fork("clouds").sign()
        cloud = warp.clouds(layers[0].plate, bottom, None if sky.veiled else sun, side, shot.seconds)
        layers[0] = replace(layers[0], warps=(cloud,))
    if brief.scene == "flowers" and mask is not None:
        # What sways must take its mask along.
        layers[-1] = replace(layers[-1], mask=None, near=1.0)
        del layers[0]


def _liquid(scene: Wet, frame: Frame) -> Plane:
    small = frame.shrunk(480)
    rough = scene.liquid(small.whole()) if not hasattr(scene, "_terrain") else _banded(scene, frame)
    if rough.shape == (frame.height, frame.width):
        return rough
    up = Image.fromarray(rough.astype(np.float32)).resize((frame.width, frame.height))
    return np.clip(np.asarray(up, dtype=np.float32), 0.0, 1.0)


def _banded(scene: Wet, frame: Frame) -> Plane:
    return np.concatenate([scene.liquid(band) for band in frame.bands()], axis=0)


def _fill_air(clip: Clip, easel: Easel, brief: Brief, dice: Dice) -> None:
    """Particles, mist, steam and light by scene and mood."""
    extras, light, scene = brief.extras, easel.palette.name, brief.scene
    width, height = clip.width, clip.height
    dark = easel.palette.light.dark
    outdoors = scene not in {"product", "room", "portrait", "space", "abstract", "flowers"}

    def add(kind: str, share: float = 1.0) -> None:
        clip.particles.append(Particles(kind, dice, width, height, share=share))

    rains = "rain" in extras or (isinstance(easel.scene, City) and easel.scene.rains)
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
        clip.mist = Mist(dice, width, height, _display(easel.palette.low), 0.5, 0.3)
    elif scene == "forest":
        clip.mist = Mist(dice, width, height, _display(easel.palette.low), 0.26, 0.45)
    if isinstance(easel.scene, Product) and easel.scene.steams is not None:
        clip.steam = _steam(easel, easel.scene.steams, dice)
    flame = "embers" in extras or light == "candle" or brief.prop == "candle"
    if flame:
        clip.exposure = Exposure(dice, flicker=0.05)
    if scene in {"product", "room", "portrait"} and not dark:
        side = dice.fork("sweep").sign()
        tint = _display(easel.palette.sun)
        clip.sweep = Sweep(width, height, strength=0.32, side=side, tint=tint)


def _display(light: Plane) -> tuple[int, int, int]:
    text = code(np.clip(light, 0.0, 1.0))
    return colour(*(int(text[i : i + 2], 16) for i in (1, 3, 5)))


def _steam(easel: Easel, at: tuple[float, float, float], dice: Dice) -> Steam:
    frame = easel.frame
    x, y, scale = at
    place = ((x + frame.ax) / frame.px, (frame.ay - y) / frame.px, 0.85 * scale / frame.px)
    return Steam(dice, frame.width, frame.height, place)
