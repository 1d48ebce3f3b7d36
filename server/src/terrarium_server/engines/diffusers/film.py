import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from terrarium_server.media import VideoWriter

from .._child import Unfit
from .._contract import Output


def as_pictures(made: Any) -> list[Output]:
    """Turn what a pipeline returned into PNGs. Raises Unfit where it made nothing that can be shown."""
    if any(getattr(made, "nsfw_content_detected", None) or ()):
        message = "The model's own checker takes the result for unsafe; change the prompt or the seed."
        raise Unfit("GENERATION_PROMPT_MODERATED", message)
    outputs: list[Output] = []
    for picture in made.images:
        pixels = _pixels(picture)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        outputs.append(Output("image/png", file.getvalue(), pixels.shape[1], pixels.shape[0]))
    return outputs


def as_film(made: Any, fps: float) -> Output:
    """Turn what a pipeline returned into an MP4. Raises Unfit where it made nothing that can be shown."""
    frames = [_pixels(frame) for frame in made.frames[0]]
    height, width = frames[0].shape[:2]
    with VideoWriter(width, height, fps) as writer:
        for frame in frames:
            writer.write(frame)
        return Output("video/mp4", writer.finish(), width, height, writer.seconds)


def _pixels(picture: Any) -> NDArray[np.uint8]:
    """Return (height, width, 3) bytes from a picture of Pillow or one of numbers from 0 to 1."""
    if isinstance(picture, Image.Image):
        return np.asarray(picture.convert("RGB"))
    numbers = np.asarray(picture, np.float32)
    if not np.isfinite(numbers).all():
        message = 'The model\'s numbers ran over in this precision; set dtype = "bfloat16" or "float32".'
        raise Unfit("GENERATION_NO_RESULT", message)
    return np.ascontiguousarray((numbers * 255).round().clip(0, 255).astype(np.uint8))
