"""A clip: layers before a camera, what happens in the air, and every frame into the encoder."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from terrarium_server.media import VideoWriter

from .air import Mist, Particles, Steam
from .camera import MOVES, Camera
from .lens import Lens, Window
from .light import Exposure, Sweep
from .planes import Box, Bytes, Planes, blank, halved
from .warp import Warp

MOTIONS = ("auto", *MOVES)

_SHORT = {"480p": 480, "720p": 720, "1080p": 1080}
_WIDEST = 2.4

# What a clip is encoded with. Painted frames have no grain to keep.
CRF: Final = 24
PRESET: Final = "realtime"


@dataclass
class Layer:
    """A plate with, for all but the last, a ``mask`` of where it is seen; ``near`` is 0 far, 1 close.

    It is seen only between columns ``left`` and ``right`` and from row ``first`` to ``end``; from ``solid``
    on, nothing else is.
    """

    plate: Planes
    near: float
    mask: Bytes | None = None
    warps: tuple[Warp, ...] = ()
    first: int = field(default=0, init=False)
    solid: int = field(default=0, init=False)
    end: int = field(default=0, init=False)
    left: int = field(default=0, init=False)
    right: int = field(default=0, init=False)
    masks: tuple[Bytes, Bytes] | None = field(default=None, init=False)
    _shown: Planes = field(init=False)

    def __post_init__(self) -> None:
        """Lay out what every frame needs: plate and mask, for luma and colours, on their side."""
        self._shown = self.plate.turned()
        if self.mask is not None:
            fine, coarse = (np.ascontiguousarray(mask.T) for mask in (self.mask, halved(self.mask)))
            self.masks = fine, coarse
            seen = np.nonzero(self.mask.max(axis=1) > 2)[0]
            self.first, self.end = int(seen[0]), int(seen[-1]) + 1
            across = np.nonzero(self.mask.max(axis=0) > 2)[0]
            self.left, self.right = int(across[0]), int(across[-1]) + 1
            open_rows = np.nonzero(self.mask.min(axis=1) < 253)[0]
            self.solid = int(open_rows[-1]) + 1 if open_rows.size else 0

    def bent(self, seconds: float, moment: float) -> Planes:
        """The plate at a time, on its side."""
        for warp in self.warps:
            warp.at(seconds, moment, self._shown)
        return self._shown


@dataclass
class Clip:
    """What is to be seen. ``layers`` run from the back to the front; their plates have the clip's size."""

    width: int
    height: int
    fps: int
    seconds: float
    camera: Camera
    layers: list[Layer]
    exposure: Exposure | None = None
    sweep: Sweep | None = None
    mist: Mist | None = None
    steam: Steam | None = None
    particles: list[Particles] = field(default_factory=list[Particles])
    _lenses: tuple[Lens, Lens] = field(init=False)

    def __post_init__(self) -> None:
        """Lay out what every frame needs."""
        self._lenses = Lens(self.width, self.height), Lens(self.width // 2, self.height // 2)

    @property
    def count(self) -> int:
        """How many frames it has."""
        return max(1, round(self.seconds * self.fps))

    def frame(self, index: int) -> Bytes:
        """One frame: flat Y, U and V."""
        moment = index / max(1, self.count - 1)
        seconds = index / self.fps
        flat, frame = blank(self.width, self.height)
        self._lay_all(frame, seconds, moment)
        view = self.camera.at(moment, 1.0)
        if self.steam is not None:
            self.steam.draw(frame.y, seconds, view.box(self.width, self.height))
        if self.mist is not None:
            self.mist.draw(frame, seconds)
        if self.exposure is not None:
            self.exposure.draw(frame.y, seconds)
        if self.sweep is not None:
            self.sweep.draw(frame, moment)
        for kind in self.particles:
            kind.draw(frame, seconds, view.x * self.width, view.y * self.height)
        return flat

    def _lay_all(self, frame: Planes, seconds: float, moment: float) -> None:
        boxes = [self.camera.at(moment, layer.near).box(self.width, self.height) for layer in self.layers]
        for index, (layer, box) in enumerate(zip(self.layers, boxes, strict=True)):
            window, middle = self._window(layer, box)
            if index + 1 < len(self.layers):
                # Behind what is in front everywhere, nothing needs to be drawn.
                hidden = self._row(boxes[index + 1], self.layers[index + 1].solid) + 4
                window = (*window[:3], min(window[3], hidden))
            if window[0] < window[2] and window[1] < window[3]:
                self._lay(frame, layer, layer.bent(seconds, moment), box, window, min(middle, window[3]))

    def _window(self, layer: Layer, box: Box) -> tuple[Window, int]:
        """The part of the frame where a layer is seen, and the row from which nothing else is."""
        if layer.mask is None:
            return (0, 0, self.width, self.height), 0
        scale = self.width / (box[2] - box[0])
        left, right = int((layer.left - box[0]) * scale), int((layer.right - box[0]) * scale)
        top, bottom = self._row(box, layer.first), min(self.height, self._row(box, layer.end) + 2)
        middle = max(top, self._row(box, layer.solid) + 2)
        return (max(0, left & ~1), top, min(self.width, (right + 3) & ~1), bottom), middle

    def _row(self, box: Box, row: int) -> int:
        """The row of the frame, even, where a row of the plate is seen."""
        place = (row - box[1]) * self.height / (box[3] - box[1])
        return min(self.height, max(0, int(place))) & ~1

    def _lay(self, frame: Planes, layer: Layer, plate: Planes, box: Box, window: Window, middle: int) -> None:
        """Draw a layer within a window of the frame, through its mask down to row ``middle``."""
        fine, coarse = self._lenses
        parts = ((fine, 1, (plate.y,), (frame.y,)), (coarse, 2, (plate.u, plate.v), (frame.u, frame.v)))
        for index, (lens, step, shown, into) in enumerate(parts):
            sight = lens.aim((box[0] / step, box[1] / step, box[2] / step, box[3] / step))
            left, top, right, bottom = (side // step for side in window)
            if layer.masks is not None and window[1] < middle:
                above = (left, top, right, middle // step)
                lens.lay(shown, layer.masks[index], sight, above, into)
                top = middle // step
            if top < bottom:
                lens.show(shown, sight, (left, top, right, bottom), into)

    def write(self, *, sound: Path | None, tell: Callable[[float], None]) -> bytes:
        """Every frame as MP4; ``tell`` hears the share done after each. Raises FfmpegError."""
        size = self.width, self.height
        with VideoWriter(*size, self.fps, sound=sound, crf=CRF, preset=PRESET, planar=True) as writer:
            for index in range(self.count):
                writer.write(self.frame(index))
                tell((index + 1) / (self.count + 1))
            return writer.finish()


def size(resolution: str, ratio: float) -> tuple[int, int]:
    """Even sides of a clip: the short one is what the resolution says, the long one by the ratio."""
    short = _SHORT[resolution]
    ratio = min(_WIDEST, max(1 / _WIDEST, ratio))
    long = round(short * max(ratio, 1 / ratio) / 2) * 2
    return (long, short) if ratio >= 1 else (short, long)
