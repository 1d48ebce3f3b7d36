"""The 26 looks of the multi-style network, and loading and running networks."""

import importlib
import os
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

# All arrays are float32. NumPy's types do not track that, and take seconds to check with an element type.
Floats = NDArray[Any]

# The package has no types.
ort: Any = importlib.import_module("onnxruntime")

# In the order of the network's style weights. The names are ours, chosen by what the looks show.
LOOKS = (
    "honey pastel",
    "ink and lemon",
    "charcoal peach",
    "electric shards",
    "crimson gouache",
    "autumn oil",
    "midnight dots",
    "primary blaze",
    "bright pencils",
    "teal linocut",
    "copper etching",
    "amber woodcut",
    "lilac haze",
    "acid poster",
    "misty watercolor",
    "stained glass",
    "cobalt dashes",
    "brick mosaic",
    "sepia carving",
    "starry strokes",
    "ember red",
    "candy cutout",
    "periwinkle ink",
    "moonlit dusk",
    "navy woodblock",
    "bronze night",
)
DEFAULT_LOOK = "lilac haze"

# The network halves its picture twice; other sizes would give a larger output than input.
_STEP = 4
_LEAST = 32


class LookPainter:
    """The multi-style network, for pictures of any size.

    Each megapixel takes about 1.5 s and 0.6 GB on two cores.
    """

    def __init__(self, network: Path, *, threads: int | None = None) -> None:
        self._session = open_session(network, threads=threads)

    def paint(self, picture: NDArray[np.uint8], look: str) -> NDArray[np.uint8]:
        """Paint an RGB picture, (height, width, 3), in a look, and return the same shape.

        The sides must be multiples of 4 and at least 32; see `fitting_size`. Raises ValueError for other
        sides and for an unknown look.
        """
        if look not in LOOKS:
            raise ValueError(f"there is no look {look!r}; one of: {', '.join(LOOKS)}")
        height, width = picture.shape[:2]
        if (width, height) != fitting_size(width, height):
            raise ValueError(f"sides must be multiples of {_STEP} and at least {_LEAST}")
        weights = np.zeros(len(LOOKS), np.float32)
        weights[LOOKS.index(look)] = 1
        planes = np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
        painted = run(self._session, {"image": planes, "style_weights": weights})
        return to_bytes(painted[0].transpose(1, 2, 0))


def fitting_size(width: float, height: float) -> tuple[int, int]:
    """Return the nearest width and height, in pixels, that the networks accept."""
    wide, high = (max(_LEAST, round(side / _STEP) * _STEP) for side in (width, height))
    return wide, high


def open_session(network: Path | bytes, *, threads: int | None = None) -> Any:
    """Load a network for ``threads`` threads, by default as many as this process may use."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or int(os.environ.get("TERRARIUM_CHILD_THREADS", "1"))
    options.inter_op_num_threads = 1
    # Waiting threads must not use the cores that other work needs, such as decoding a video.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Memory patterns are stored for each size of picture, and there are many. The arena stays on, because
    # without it a run takes twice the time.
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    source = network if isinstance(network, bytes) else str(network)
    return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def run(session: Any, feeds: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """Run a network and return its only output."""
    outputs: Any = session.run(None, feeds)
    return cast("NDArray[np.float32]", outputs[0])


def to_bytes(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return values from 0 to 1 as bytes."""
    return (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)
