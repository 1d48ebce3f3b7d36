"""Translates a job's parameters into a pipeline's arguments."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image, ImageOps

from terrarium_server.engines.child import JobError
from terrarium_server.engines.sizes import area_of, ratio_of, size_of_area

# Parameters of cards that have another name in diffusers.
_NAMES = {"steps": "num_inference_steps", "guidance": "guidance_scale"}
_OURS = {"aspect_ratio", "resolution", "width", "height", "num_images", "num_frames", "duration", "fps"}
_LONGEST_SIDE = 8192
Picture = Image.Image | None


@dataclass(frozen=True, slots=True)
class Call:
    """A pipeline's arguments without seed and callback, for ``count`` outputs; ``fps`` of a video."""

    arguments: dict[str, Any]
    count: int
    fps: float


def read_call(pipe: Any, accepted: set[str], task: str, request: dict[str, Any], image: Picture) -> Call:
    """Return the arguments for a job's parameters. Raises JobError for any that it does not accept."""
    params: dict[str, Any] = dict(request["params"])
    card = request["card"]
    fps = float(params.get("fps") or 8)
    multiple = card["multiple"] or _multiple(pipe)
    width, height = _size(params, image, multiple)
    arguments: dict[str, Any] = {**card["call"], "output_type": "np"}
    # Some pipelines that start from a picture take no prompt.
    if "prompt" in accepted:
        arguments["prompt"] = request["prompt"]
    if width and height:
        if image is not None:
            image = ImageOps.fit(image, (width, height), Image.Resampling.LANCZOS)
        # The others take the size of the picture.
        arguments |= {name: side for name, side in (("width", width), ("height", height)) if name in accepted}
    if image is not None:
        arguments["image"] = image
    if task.endswith("video"):
        arguments |= _length(pipe, accepted, params, fps)
    for name, value in params.items():
        if name not in _OURS and value not in (None, ""):
            arguments[_NAMES.get(name, name)] = value
    if task.startswith("image") and image is None:
        raise JobError("GENERATION_INPUT_VALIDATION", "This model needs a picture to start from; send one.")
    _check(arguments, accepted, params, type(pipe).__name__)
    return Call(arguments, int(params.get("num_images") or 1), fps)


def _check(arguments: Mapping[str, Any], accepted: set[str], params: Mapping[str, Any], pipe: str) -> None:
    parameters = {argument: parameter for parameter, argument in _NAMES.items()}
    unknown = arguments.keys() - accepted - {"output_type"}
    if unknown:
        names = ", ".join(sorted(parameters.get(name, name) for name in unknown))
        message = f"{names}: not taken by this model ({pipe}); leave it out."
        raise JobError("GENERATION_INVALID_PARAMS", message)
    steps, strength = params.get("steps"), params.get("strength")
    if steps and strength is not None and int(steps * strength) < 1:
        message = f"steps × strength is {steps * strength:.2g} and must be at least 1; raise one of them."
        raise JobError("GENERATION_INPUT_VALIDATION", message)


def _size(params: Mapping[str, Any], image: Picture, multiple: int) -> tuple[int, int]:
    """Return width and height in pixels, multiples of ``multiple``; zeros for the model's default."""
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
    area = 1024.0**2 if image is None else float(image.width * image.height)
    try:
        if resolution is not None:
            area = area_of(str(resolution))
        proportion = ratio_of(str(ratio))
    except ValueError as error:
        raise JobError("GENERATION_INVALID_PARAMS", str(error)) from error
    width, height = size_of_area(area, proportion, step=1)
    return _step(width, multiple), _step(height, multiple)


def _step(pixels: float, multiple: int) -> int:
    return max(1, min(round(pixels / multiple), _LONGEST_SIDE // multiple)) * multiple


def _multiple(pipe: Any) -> int:
    """Return the pixels that a pipeline's sides must be multiples of: its autoencoder's scale times the side
    of its patches."""
    multiples: list[int] = [8]
    for owner in ("image_processor", "video_processor"):
        config = getattr(getattr(pipe, owner, None), "config", None)
        multiples.append(_whole(getattr(config, "vae_scale_factor", None)))
    spatial = [
        _whole(getattr(pipe, name, None))
        for name in ("vae_scale_factor", "vae_scale_factor_spatial", "vae_spatial_compression_ratio")
    ]
    config = getattr(getattr(pipe, "transformer", None), "config", None)
    patch = getattr(config, "patch_size", None) or 1
    side = patch if isinstance(patch, int) else patch[-1]
    multiples.append(max(spatial) * side)
    # Video encoders need even sides.
    return math.lcm(max(multiples), 2)


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 1


def _length(pipe: Any, accepted: set[str], params: Mapping[str, Any], fps: float) -> dict[str, Any]:
    """Return the arguments for a video's length, as a number of frames that the model can make."""
    arguments: dict[str, Any] = {name: round(fps) for name in ("fps", "frame_rate") if name in accepted}
    wanted = params.get("num_frames") or (params["duration"] * fps if params.get("duration") else None)
    if wanted is None:
        return arguments
    step = max(
        _whole(getattr(pipe, name, None))
        for name in ("vae_scale_factor_temporal", "vae_temporal_compression_ratio")
    )
    # Temporal autoencoders keep the first frame and compress the others by ``step``.
    frames = round((wanted - 1) / step) * step + 1 if step > 1 else round(wanted)
    return {**arguments, "num_frames": max(1, frames)}
