import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageOps

from .._child import Unfit

# What the parameters of cards are called in diffusers.
_NAMES = {"steps": "num_inference_steps", "guidance": "guidance_scale"}
_OURS = {"aspect_ratio", "resolution", "width", "height", "num_images", "num_frames", "duration", "fps"}
_LONGEST_SIDE = 8192
Picture = Image.Image | None


@dataclass(frozen=True, slots=True)
class Call:
    """A pipeline's arguments but for seed and callback. ``fps`` is of the film that comes out."""

    arguments: dict[str, Any]
    count: int
    fps: float


def read_call(pipe: Any, accepted: set[str], task: str, request: dict[str, Any], image: Picture) -> Call:
    """Turn a job's parameters into a pipeline's arguments. Raises Unfit for what it does not take."""
    params: dict[str, Any] = dict(request["params"])
    card = request["card"]
    fps = float(params.get("fps") or 8)
    multiple = card["multiple"] or _multiple(pipe)
    width, height = _size(params, image, multiple)
    arguments: dict[str, Any] = {**card["call"], "output_type": "np"}
    # Some that start from a picture take no words at all.
    if "prompt" in accepted:
        arguments["prompt"] = request["prompt"]
    if width and height:
        if image is not None:
            image = ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
        # Others take their size from the picture.
        arguments |= {name: side for name, side in (("width", width), ("height", height)) if name in accepted}
    if image is not None:
        arguments["image"] = image
    if task.endswith("video"):
        arguments |= _time(pipe, accepted, params, fps)
    for name, value in params.items():
        if name not in _OURS and value not in (None, ""):
            arguments[_NAMES.get(name, name)] = value
    if task.startswith("image") and image is None:
        raise Unfit("GENERATION_INPUT_VALIDATION", "This model needs a picture to start from; send one.")
    _check(arguments, accepted, params, type(pipe).__name__)
    return Call(arguments, int(params.get("num_images") or 1), fps)


def _check(arguments: Mapping[str, Any], accepted: set[str], params: Mapping[str, Any], pipe: str) -> None:
    known = accepted | {"output_type"}
    ours = {theirs: name for name, theirs in _NAMES.items()}
    wrong = sorted(ours.get(name, name) for name in arguments if name not in known)
    if wrong:
        message = f"{', '.join(wrong)}: not taken by this model ({pipe}); leave it out."
        raise Unfit("GENERATION_INVALID_PARAMS", message)
    steps, strength = params.get("steps"), params.get("strength")
    if steps and strength is not None and int(steps * strength) < 1:
        message = f"steps × strength is {steps * strength:.2g} and must be at least 1; raise one of them."
        raise Unfit("GENERATION_INPUT_VALIDATION", message)


def _size(params: Mapping[str, Any], image: Picture, multiple: int) -> tuple[int, int]:
    """Return width and height in pixels, in steps of ``multiple``; zeros for what the model likes best."""
    width, height = params.get("width"), params.get("height")
    if width and height:
        return _step(width, multiple), _step(height, multiple)
    ratio, resolution = params.get("aspect_ratio"), params.get("resolution")
    if ratio in (None, "auto"):
        ratio = (
            f"{image.width}:{image.height}" if image is not None else None if resolution is None else "1:1"
        )
    if ratio is None:
        return 0, 0
    wide, high = (float(part) for part in str(ratio).split(":"))
    if resolution is not None:
        area = _area(str(resolution))
    elif image is not None:
        area = float(image.width * image.height)
    else:
        area = 1024.0**2
    return _step(math.sqrt(area * wide / high), multiple), _step(math.sqrt(area * high / wide), multiple)


def _area(resolution: str) -> float:
    """Return a picture's area in pixels: 1k and 1024 name a square's side, 480p a 16:9 film's height."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kKpP]?)", resolution)
    if found is None:
        message = f"resolution: {resolution} is none; write it like 0.5k, 1k, 768 or 480p"
        raise Unfit("GENERATION_INVALID_PARAMS", message)
    number = float(found[1])
    if found[2] in ("p", "P"):
        return number * number * 16 / 9
    return (number * 1024 if found[2] else number) ** 2


def _step(pixels: float, multiple: int) -> int:
    return max(1, min(round(pixels / multiple), _LONGEST_SIDE // multiple)) * multiple


def _multiple(pipe: Any) -> int:
    """Return what a pipeline's sides must be multiples of: its autoencoder's step times its patches' side."""
    found: list[int] = [8]
    for owner in ("image_processor", "video_processor"):
        config = getattr(getattr(pipe, owner, None), "config", None)
        found.append(_whole(getattr(config, "vae_scale_factor", None)))
    spatial = [
        _whole(getattr(pipe, name, None))
        for name in ("vae_scale_factor", "vae_scale_factor_spatial", "vae_spatial_compression_ratio")
    ]
    config = getattr(getattr(pipe, "transformer", None), "config", None)
    patch = getattr(config, "patch_size", None) or 1
    side = patch if isinstance(patch, int) else patch[-1]
    found.append(max(spatial) * side)
    # Films need even sides.
    return math.lcm(max(found), 2)


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 1


def _time(pipe: Any, accepted: set[str], params: Mapping[str, Any], fps: float) -> dict[str, Any]:
    """Return the arguments about a film's length, in frames as the model can count them."""
    arguments: dict[str, Any] = {name: round(fps) for name in ("fps", "frame_rate") if name in accepted}
    wanted = params.get("num_frames") or (params["duration"] * fps if params.get("duration") else None)
    if wanted is None:
        return arguments
    step = max(
        _whole(getattr(pipe, name, None))
        for name in ("vae_scale_factor_temporal", "vae_temporal_compression_ratio")
    )
    # Autoencoders over time keep the first frame and pack the others by ``step``.
    frames = round((wanted - 1) / step) * step + 1 if step > 1 else round(wanted)
    return {**arguments, "num_frames": max(1, frames)}
