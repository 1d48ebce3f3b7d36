"""The process in which pictures and videos are repainted."""

from pathlib import Path
from typing import Any

from terrarium_server.engines._child import Talk, Unfit, serve
from terrarium_server.engines._contract import Output
from terrarium_server.engines._onnx import (
    DEFAULT_LOOK,
    LOOKS,
    Networks,
    PictureError,
    Style,
    VideoError,
    Wishes,
    encode_picture,
    open_picture,
    repaint_picture,
    repaint_video,
)

_loaded: dict[tuple[str, ...], Networks] = {}


def _networks(weights: dict[str, str]) -> Networks:
    place = tuple(sorted(weights.values()))
    if place not in _loaded:
        _loaded.clear()
        _loaded[place] = Networks({name: Path(path) for name, path in weights.items()})
    return _loaded[place]


def _style(request: dict[str, Any], networks: Networks) -> Style:
    if request["style"] is not None:
        picture = open_picture(Path(request["style"]), called="style_image_url")
        return Style(code=networks.read_style(picture.rgb))
    look = request.get("look", DEFAULT_LOOK)
    if look not in LOOKS:
        raise Unfit("GENERATION_INVALID_PARAMS", f"There is no look {look!r}; one of: {', '.join(LOOKS)}.")
    return Style(look=look)


def _handle(request: dict[str, Any], talk: Talk) -> list[Output]:
    wishes = Wishes(
        strength=request.get("strength", 1.0),
        preserve_color=request.get("preserve_color", False),
        brush=request.get("brush", "medium"),
        steadiness=request.get("steadiness", 0.9),
    )
    networks = _networks(request["weights"])
    source = Path(request["source"])
    try:
        if request["type"] == "video":
            style = _style(request, networks)
            made = repaint_video(source, style, wishes, networks, talk.report)
            return [Output("video/mp4", made.mp4, made.width, made.height, made.seconds)]
        picture = open_picture(source)
        style = _style(request, networks)
        talk.report(0.05)
        painted = repaint_picture(picture, style, wishes, networks, talk.report)
        content_type, data = encode_picture(painted, request.get("format", "auto"))
        height, width = painted.rgb.shape[:2]
        return [Output(content_type, data, width, height)]
    except (PictureError, VideoError) as error:
        raise Unfit("GENERATION_INPUT_VALIDATION", str(error)) from error


if __name__ == "__main__":
    serve(_handle)
