"""The child process of the sketch engine."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from terrarium_server.engines import Output
from terrarium_server.engines.child import JobContext, JobError, serve
from terrarium_server.engines.sizes import ratio_of

from .painter import paint
from .postprocess import Pixels
from .shot_description import write_shot_description
from .styles import STYLES

if TYPE_CHECKING:
    from terrarium_pocket.looks import Networks

# Kept for the next job with the same look.
_networks: "dict[tuple[tuple[str, str], ...], Networks]" = {}


def _pictures(request: dict[str, Any], context: JobContext) -> list[Output]:
    count: int = request["count"]
    made: list[Output] = []
    style: str = request["style"]
    repaint = None if style in STYLES else _look(style, request["weights"])
    for index in range(count):
        painting = paint(
            request["prompt"],
            width=request["width"],
            height=request["height"],
            seed=request["seed"] + index,
            style=style if repaint is None else "auto",
            repaint=repaint,
            progress=_reporter(context, index, count),
        )
        made.append(Output("image/png", painting.png, painting.width, painting.height))
    return made


def _look(look: str, weights: dict[str, str]) -> Callable[[Pixels], Pixels]:
    """Load the network of one of the painter's looks and return a function that repaints with it."""
    from terrarium_pocket.looks import Networks, Picture, RepaintOptions, Style, repaint_picture

    if not weights:
        message = (
            f"The style {look!r} is painted by a small network that is not on this machine; fetch it with "
            "`terrarium models pull t2i-sketch`, or choose another style."
        )
        raise JobError("GENERATION_INVALID_PARAMS", message)
    key = tuple(sorted(weights.items()))
    if key not in _networks:
        _networks[key] = Networks({name: Path(path) for name, path in key})
    networks = _networks[key]
    options, style = RepaintOptions(), Style(look=look)
    return lambda pixels: repaint_picture(Picture(pixels), style, options, networks, lambda _: None).rgb


def _reporter(context: JobContext, index: int, count: int) -> Callable[[float], None]:
    return lambda fraction: context.report((index + fraction) / count)


def _video(request: dict[str, Any], context: JobContext) -> list[Output]:
    # Imported here, so that a picture does not wait for the video libraries.
    from .animation import ClipSettings, animate_picture, animate_scene, clip_size
    from .animation.sound import soundtrack
    from .input_picture import flattened, open_picture

    files: dict[str, list[str]] = request["files"]
    aspect: str = request["aspect_ratio"]
    ratio = None if aspect == "auto" else ratio_of(aspect)
    picture = None
    if "image_url" in files:
        picture = flattened(open_picture(Path(files["image_url"][0]), longest=3072).image)
        ratio = ratio or picture.width / picture.height
    width, height = clip_size(request["resolution"], ratio or 16 / 9)
    seconds = float(request["duration"])
    settings = ClipSettings(width, height, request["fps"], seconds, request["motion"], request["seed"])
    opened = soundtrack(Path(files["audio_url"][0]), seconds) if "audio_url" in files else nullcontext()
    with opened as sound:
        # The sound is read before the rendering starts, so that a broken file fails the job early.
        context.report(0.01)
        preparing: Callable[[float], None] = lambda done: context.report(0.01 + 0.14 * done)  # noqa: E731
        if picture is None:
            clip = animate_scene(request["prompt"], settings, style=request["style"], report=preparing)
        else:
            clip = animate_picture(picture, request["prompt"], settings, report=preparing)
        made = clip.write(sound=sound, report=lambda done: context.report(0.15 + 0.85 * done))
    return [Output("video/mp4", made, width, height, clip.count / clip.fps)]


def _description(request: dict[str, Any], context: JobContext) -> list[Output]:
    from .input_picture import open_picture
    from .measuring import describe

    paths: list[str] = request["files"]["image_urls"]
    opened: list[Any] = []
    for number, path in enumerate(paths, 1):
        context.report(number / (len(paths) + 1))
        try:
            opened.append(open_picture(Path(path), longest=2048))
        except JobError as error:
            label = f"Image {number} of {len(paths)}: " if len(paths) > 1 else ""
            raise JobError(error.code, label + error.message) from error
    return [Output("text/plain", describe(opened, request["prompt"]))]


def _handle(request: dict[str, Any], context: JobContext) -> list[Output]:
    match request["make"]:
        case "video":
            return _video(request, context)
        case "description":
            return _description(request, context)
        case "shot description":
            return [Output("text/plain", write_shot_description(request["prompt"], seed=request["seed"]))]
        case _:
            return _pictures(request, context)


if __name__ == "__main__":
    serve(_handle)
