"""The 26 looks of the multi-style network, by the names that we gave them after looking at each."""

import importlib
import os
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

# It comes without types.
ort: Any = importlib.import_module("onnxruntime")

# In the order of the network's style weights.
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

# The network halves its picture twice; other sizes would come back larger than they went in.
_STEP = 4
_LEAST = 32


class LookPainter:
    """The multi-style network, loaded once. Any size; cost and memory grow with the pixels (about 1.5 s
    and 0.6 GB a megapixel on two cores)."""

    def __init__(self, network: Path, *, threads: int | None = None) -> None:
        self._session = open_session(network, threads=threads)

    def paint(self, picture: NDArray[np.uint8], look: str) -> NDArray[np.uint8]:
        """Paint (height, width, 3) RGB in a look; the same shape comes back, if its sides are multiples
        of 4 and at least 32 (see `fitting`). Raises ValueError for an unknown look or another shape."""
        if look not in LOOKS:
            raise ValueError(f"there is no look {look!r}; one of: {', '.join(LOOKS)}")
        height, width = picture.shape[:2]
        if (width, height) != fitting(width, height):
            raise ValueError(f"sides must be multiples of {_STEP} and at least {_LEAST}")
        weights = np.zeros(len(LOOKS), np.float32)
        weights[LOOKS.index(look)] = 1
        planes = np.ascontiguousarray(picture.transpose(2, 0, 1)[None], np.float32) / np.float32(255)
        painted = run(self._session, {"image": planes, "style_weights": weights})
        return to_bytes(painted[0].transpose(1, 2, 0))


def fitting(width: float, height: float) -> tuple[int, int]:
    """Return the nearest width and height in pixels that the networks give back unchanged."""
    wide, high = (max(_LEAST, round(side / _STEP) * _STEP) for side in (width, height))
    return wide, high


def open_session(network: Path | bytes, *, threads: int | None = None) -> Any:
    """Load a network for ``threads`` threads, or as many as this process was given."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or int(os.environ.get("TERRARIUM_CHILD_THREADS", "1"))
    options.inter_op_num_threads = 1
    # Waiting threads would take the cores from whatever else there is to do, decoding a video for one.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Pictures come in many sizes, and each would leave a pattern of memory behind. The arena stays: without
    # it a run takes twice the time.
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    source = network if isinstance(network, bytes) else str(network)
    return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def run(session: Any, feeds: dict[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """Run a network and return its only output."""
    made: Any = session.run(None, feeds)
    return cast("NDArray[np.float32]", made[0])


def to_bytes(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return values from 0 to 1 as bytes."""
    return (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)
