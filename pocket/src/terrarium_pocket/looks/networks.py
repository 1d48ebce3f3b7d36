"""The painting networks, and the styles that they paint in."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .looks import LOOKS, LookPainter, open_session, run, to_bytes

# TensorShapeProto.Dimension twice, with dim_value 384, and the same with dim_param "h" and "w".
_FIXED_SIZE = b"\x0a\x03\x08\x80\x03" * 2
_ANY_SIZE = b"\x0a\x03\x12\x01h\x0a\x03\x12\x01w"


@dataclass(frozen=True, slots=True)
class Style:
    """One of `LOOKS`, or ``code``, the style code of a picture, of shape (100,)."""

    look: str | None = None
    code: NDArray[np.float32] | None = None


class Networks:
    """The painting networks of a card; each is loaded at its first use."""

    def __init__(self, weights: dict[str, Path], *, threads: int | None = None) -> None:
        self._weights = weights
        self._threads = threads
        self._looks: LookPainter | None = None
        self._reader = None
        self._painter = None

    def read_style(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the style code, of shape (100,), of an RGB picture, (height, width, 3)."""
        if self._reader is None:
            self._reader = open_session(self._weights["arbitrary_predict.onnx"], threads=self._threads)
        entry = self._reader.get_inputs()[0]
        height, width = int(entry.shape[1]), int(entry.shape[2])
        small = Image.fromarray(_centre(picture)).resize((width, height), Image.Resampling.LANCZOS)
        values = np.asarray(small, np.float32)[None] / np.float32(255)
        return run(self._reader, {entry.name: values}).reshape(-1)

    def paint(self, picture: NDArray[np.uint8], style: Style, strength: float = 1.0) -> NDArray[np.uint8]:
        """Paint an RGB picture, (height, width, 3), in a style. Its sides must be as by `fitting_size`.

        ``strength`` mixes a style code with the picture's own; it has no effect on a look.
        """
        if style.code is None:
            self._looks = self._looks or LookPainter(
                self._weights["multistyle26.onnx"], threads=self._threads
            )
            return self._looks.paint(picture, style.look or LOOKS[0])
        code = style.code
        if strength < 1:
            code = code * np.float32(strength) + self.read_style(picture) * np.float32(1 - strength)
        if self._painter is None:
            network = any_size(self._weights["arbitrary_transform.onnx"].read_bytes())
            self._painter = open_session(network, threads=self._threads)
        content, bottleneck = self._painter.get_inputs()
        values = picture[None].astype(np.float32) / np.float32(255)
        painted = run(self._painter, {content.name: values, bottleneck.name: code.reshape(1, 1, 1, -1)})
        return to_bytes(painted[0])


def any_size(network: bytes) -> bytes:
    """Return the transform network for pictures of any size.

    The network has only convolutions; just the shapes of its input and output are fixed to 384 x 384. The
    file's bytes for them are replaced by as many others. Raises ValueError for a file without these shapes.
    """
    if network.count(_FIXED_SIZE) != 2:
        raise ValueError("this is not the arbitrary stylisation network for 384 x 384 pixels")
    return network.replace(_FIXED_SIZE, _ANY_SIZE)


def _centre(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    # A square from the middle, because the network would distort the strokes of other shapes.
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return picture[top : top + side, left : left + side]
