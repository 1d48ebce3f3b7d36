"""Encodes what a pipeline returns, as pictures and videos."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from terrarium_server.engines import Output
from terrarium_server.engines.child import JobError
from terrarium_server.media import VideoWriter


def as_pictures(result: Any) -> list[Output]:
    """Encode a pipeline's result as PNGs. Raises JobError if it is blocked or has no valid pixels."""
    if any(getattr(result, "nsfw_content_detected", None) or ()):
        message = "The model's safety checker blocked the result; change the prompt or the seed."
        raise JobError("GENERATION_PROMPT_MODERATED", message)
    outputs: list[Output] = []
    for picture in result.images:
        pixels = _pixels(picture)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        outputs.append(Output("image/png", file.getvalue(), pixels.shape[1], pixels.shape[0]))
    return outputs


def as_video(result: Any, fps: float) -> Output:
    """Encode a pipeline's result as an MP4. Raises JobError if it has no valid pixels."""
    frames = [_pixels(frame) for frame in result.frames[0]]
    height, width = frames[0].shape[:2]
    with VideoWriter(width, height, fps) as writer:
        for frame in frames:
            writer.write(frame)
        return Output("video/mp4", writer.finish(), width, height, writer.seconds)


def _pixels(picture: Any) -> NDArray[np.uint8]:
    """Return (height, width, 3) bytes of a Pillow image, or of an array with values from 0 to 1."""
    if isinstance(picture, Image.Image):
        return np.asarray(picture.convert("RGB"))
    values = np.asarray(picture, np.float32)
    if not np.isfinite(values).all():
        message = 'The model\'s values overflowed in this precision; set dtype = "bfloat16" or "float32".'
        raise JobError("GENERATION_NO_RESULT", message)
    return np.ascontiguousarray((values * 255).round().clip(0, 255).astype(np.uint8))
