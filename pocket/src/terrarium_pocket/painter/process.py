"""The model process of the kind onnx."""

from pathlib import Path
from typing import Any

from terrarium_pocket.looks import (
    DEFAULT_LOOK,
    LOOKS,
    Networks,
    PictureError,
    RepaintOptions,
    Style,
    encode_picture,
    open_picture,
    repaint_picture,
)
from terrarium_server.engines import Output
from terrarium_server.engines.child import JobContext, JobError, serve

from .video import VideoError, repaint_video

# The networks of the last card, by their paths.
_loaded: dict[tuple[str, ...], Networks] = {}


def _networks(weights: dict[str, str]) -> Networks:
    paths = tuple(sorted(weights.values()))
    if paths not in _loaded:
        _loaded.clear()
        _loaded[paths] = Networks({name: Path(path) for name, path in weights.items()})
    return _loaded[paths]


def _style(request: dict[str, Any], networks: Networks) -> Style:
    if request["style"] is not None:
        picture = open_picture(Path(request["style"]), called="style_image_url")
        return Style(code=networks.read_style(picture.rgb))
    look = request.get("look", DEFAULT_LOOK)
    if look not in LOOKS:
        raise JobError("GENERATION_INVALID_PARAMS", f"There is no look {look!r}; one of: {', '.join(LOOKS)}.")
    return Style(look=look)


def _handle(request: dict[str, Any], context: JobContext) -> list[Output]:
    options = RepaintOptions(
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
            video = repaint_video(source, style, options, networks, context.report)
            return [Output("video/mp4", video.mp4, video.width, video.height, video.seconds)]
        picture = open_picture(source)
        style = _style(request, networks)
        context.report(0.05)
        painted = repaint_picture(picture, style, options, networks, context.report)
        content_type, data = encode_picture(painted, request.get("format", "auto"))
        height, width = painted.rgb.shape[:2]
        return [Output(content_type, data, width, height)]
    except (PictureError, VideoError) as error:
        raise JobError("GENERATION_INPUT_VALIDATION", str(error)) from error


if __name__ == "__main__":
    serve(_handle)
