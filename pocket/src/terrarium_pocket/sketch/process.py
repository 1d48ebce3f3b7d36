"""The process in which sketches are made."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from terrarium_server.engines._child import Talk, Unfit, serve
from terrarium_server.engines._contract import Output
from terrarium_server.engines._sketch import STYLES, Pixels, paint, write_shot

if TYPE_CHECKING:
    from terrarium_server.engines._onnx import Networks

# Loaded once: a look is asked for again soon.
_networks: "dict[tuple[tuple[str, str], ...], Networks]" = {}


def _pictures(request: dict[str, Any], talk: Talk) -> list[Output]:
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
            progress=_reporter(talk, index, count),
        )
        made.append(Output("image/png", painting.png, painting.width, painting.height))
    return made


def _look(look: str, weights: dict[str, str]) -> Callable[[Pixels], Pixels]:
    """Load the painter's network for one of its looks: a sketch can be painted over with it."""
    from terrarium_server.engines._onnx import Networks, Picture, Style, Wishes, repaint_picture

    if not weights:
        message = (
            f"The style {look!r} is painted by a small network that is not on this machine; fetch it with "
            "`terrarium models pull t2i-sketch`, or choose another style."
        )
        raise Unfit("GENERATION_INVALID_PARAMS", message)
    place = tuple(sorted(weights.items()))
    if place not in _networks:
        _networks[place] = Networks({name: Path(path) for name, path in place})
    networks = _networks[place]
    wishes, style = Wishes(), Style(look=look)
    return lambda pixels: repaint_picture(Picture(pixels), style, wishes, networks, lambda _: None).rgb


def _reporter(talk: Talk, index: int, count: int) -> Callable[[float], None]:
    return lambda fraction: talk.report((index + fraction) / count)


def _video(request: dict[str, Any], talk: Talk) -> list[Output]:
    # Imported here: whoever only wants a picture need not wait for the video libraries.
    from terrarium_server.engines._sketch.moving import Shot, animate, film, size
    from terrarium_server.engines._sketch.moving.sound import bed
    from terrarium_server.engines._sketch.opening import flat, open_picture

    files: dict[str, list[str]] = request["files"]
    ratio = _ratio(request["aspect_ratio"])
    picture = None
    if "image_url" in files:
        picture = flat(open_picture(Path(files["image_url"][0]), longest=3072).image)
        ratio = ratio or picture.width / picture.height
    width, height = size(request["resolution"], ratio or 16 / 9)
    seconds = float(request["duration"])
    shot = Shot(width, height, request["fps"], seconds, request["motion"], request["seed"])
    sound = bed(Path(files["audio_url"][0]), seconds) if "audio_url" in files else nullcontext()
    with sound as under:
        # The bed is read before the work starts: what is wrong with it should be told at once.
        talk.report(0.01)
        prepared: Callable[[float], None] = lambda done: talk.report(0.01 + 0.14 * done)  # noqa: E731
        if picture is None:
            clip = film(request["prompt"], shot, style=request["style"], tell=prepared)
        else:
            clip = animate(picture, request["prompt"], shot, tell=prepared)
        made = clip.write(sound=under, tell=lambda done: talk.report(0.15 + 0.85 * done))
    return [Output("video/mp4", made, width, height, clip.count / clip.fps)]


def _ratio(text: str) -> float | None:
    if text == "auto":
        return None
    wide, high = (int(part) for part in text.split(":"))
    return wide / high


def _description(request: dict[str, Any], talk: Talk) -> list[Output]:
    from terrarium_server.engines._sketch.measuring import describe
    from terrarium_server.engines._sketch.opening import open_picture

    paths: list[str] = request["files"]["image_urls"]
    opened: list[Any] = []
    for number, path in enumerate(paths, 1):
        talk.report(number / (len(paths) + 1))
        try:
            opened.append(open_picture(Path(path), longest=2048))
        except Unfit as unfit:
            which = f"Image {number} of {len(paths)}: " if len(paths) > 1 else ""
            raise Unfit(unfit.code, which + unfit.message) from unfit
    return [Output("text/plain", describe(opened, request["prompt"]))]


def _handle(request: dict[str, Any], talk: Talk) -> list[Output]:
    match request["make"]:
        case "video":
            return _video(request, talk)
        case "description":
            return _description(request, talk)
        case "shot":
            return [Output("text/plain", write_shot(request["prompt"], seed=request["seed"]))]
        case _:
            return _pictures(request, talk)


if __name__ == "__main__":
    serve(_handle)
