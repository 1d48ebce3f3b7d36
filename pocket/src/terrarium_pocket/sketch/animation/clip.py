"""A clip: layers in front of a camera, atmosphere and light, and the encoding of its frames."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from terrarium_server.engines.sizes import short_side_of
from terrarium_server.media import VideoWriter

from .atmosphere import Mist, Particles, Steam
from .camera import MOVES, Camera
from .light import Flicker, Sweep
from .planes import Box, Planes, Uint8, blank, halved
from .resampling import Resampler, Window
from .warp import Warp

MOTIONS = ("auto", *MOVES)

_WIDEST = 2.4

# Encoder settings. Painted frames have no grain to keep.
CRF: Final = 24
PRESET: Final = "realtime"


@dataclass
class Layer:
    """A plate and, except for the rearmost layer, its ``mask``; ``near`` is 0 far, 1 close.

    It is visible only between columns ``left`` and ``right`` and rows ``first`` and ``end``. From row
    ``solid`` on it hides everything behind it.
    """

    plate: Planes
    near: float
    mask: Uint8 | None = None
    warps: tuple[Warp, ...] = ()
    first: int = field(default=0, init=False)
    solid: int = field(default=0, init=False)
    end: int = field(default=0, init=False)
    left: int = field(default=0, init=False)
    right: int = field(default=0, init=False)
    masks: tuple[Uint8, Uint8] | None = field(default=None, init=False)
    _shown: Planes = field(init=False)

    def __post_init__(self) -> None:
        """Prepare transposed plate and masks, for luma and for U and V."""
        self._shown = self.plate.transposed()
        if self.mask is not None:
            fine, coarse = (np.ascontiguousarray(mask.T) for mask in (self.mask, halved(self.mask)))
            self.masks = fine, coarse
            rows = np.nonzero(self.mask.max(axis=1) > 2)[0]
            self.first, self.end = int(rows[0]), int(rows[-1]) + 1
            columns = np.nonzero(self.mask.max(axis=0) > 2)[0]
            self.left, self.right = int(columns[0]), int(columns[-1]) + 1
            open_rows = np.nonzero(self.mask.min(axis=1) < 253)[0]
            self.solid = int(open_rows[-1]) + 1 if open_rows.size else 0

    def warped(self, seconds: float, moment: float) -> Planes:
        """The transposed plate at a time, after its warps."""
        for warp in self.warps:
            warp.at(seconds, moment, self._shown)
        return self._shown


@dataclass
class Clip:
    """Everything in a clip. ``layers`` run from the back to the front; their plates have the clip's size."""

    width: int
    height: int
    fps: int
    seconds: float
    camera: Camera
    layers: list[Layer]
    flicker: Flicker | None = None
    sweep: Sweep | None = None
    mist: Mist | None = None
    steam: Steam | None = None
    particles: list[Particles] = field(default_factory=list[Particles])
    _resamplers: tuple[Resampler, Resampler] = field(init=False)

    def __post_init__(self) -> None:
        """Prepare the resamplers."""
        self._resamplers = Resampler(self.width, self.height), Resampler(self.width // 2, self.height // 2)

    @property
    def count(self) -> int:
        """Number of frames."""
        return max(1, round(self.seconds * self.fps))

    def frame(self, index: int) -> Uint8:
        """One frame: flat Y, U and V."""
        moment = index / max(1, self.count - 1)
        seconds = index / self.fps
        flat, frame = blank(self.width, self.height)
        self._draw_layers(frame, seconds, moment)
        view = self.camera.at(moment, 1.0)
        if self.steam is not None:
            self.steam.draw(frame.y, seconds, view.box(self.width, self.height))
        if self.mist is not None:
            self.mist.draw(frame, seconds)
        if self.flicker is not None:
            self.flicker.draw(frame.y, seconds)
        if self.sweep is not None:
            self.sweep.draw(frame, moment)
        for kind in self.particles:
            kind.draw(frame, seconds, view.x * self.width, view.y * self.height)
        return flat

    def _draw_layers(self, frame: Planes, seconds: float, moment: float) -> None:
        boxes = [self.camera.at(moment, layer.near).box(self.width, self.height) for layer in self.layers]
        for index, (layer, box) in enumerate(zip(self.layers, boxes, strict=True)):
            window, middle = self._window(layer, box)
            if index + 1 < len(self.layers):
                # Rows that the next layer hides completely need not be drawn.
                hidden = self._row(boxes[index + 1], self.layers[index + 1].solid) + 4
                window = (*window[:3], min(window[3], hidden))
            if window[0] < window[2] and window[1] < window[3]:
                self._draw_layer(
                    frame, layer, layer.warped(seconds, moment), box, window, min(middle, window[3])
                )

    def _window(self, layer: Layer, box: Box) -> tuple[Window, int]:
        """The part of the frame where a layer is visible, and the row from which on it hides all others."""
        if layer.mask is None:
            return (0, 0, self.width, self.height), 0
        scale = self.width / (box[2] - box[0])
        left, right = int((layer.left - box[0]) * scale), int((layer.right - box[0]) * scale)
        top, bottom = self._row(box, layer.first), min(self.height, self._row(box, layer.end) + 2)
        middle = max(top, self._row(box, layer.solid) + 2)
        return (max(0, left & ~1), top, min(self.width, (right + 3) & ~1), bottom), middle

    def _row(self, box: Box, row: int) -> int:
        """The even row of the frame that shows a row of the plate."""
        place = (row - box[1]) * self.height / (box[3] - box[1])
        return min(self.height, max(0, int(place))) & ~1

    def _draw_layer(
        self, frame: Planes, layer: Layer, plate: Planes, box: Box, window: Window, middle: int
    ) -> None:
        """Draw a layer within a window of the frame, through its mask down to row ``middle``."""
        fine, coarse = self._resamplers
        parts = ((fine, 1, (plate.y,), (frame.y,)), (coarse, 2, (plate.u, plate.v), (frame.u, frame.v)))
        for index, (resampler, step, shown, into) in enumerate(parts):
            grid = resampler.grid((box[0] / step, box[1] / step, box[2] / step, box[3] / step))
            left, top, right, bottom = (side // step for side in window)
            if layer.masks is not None and window[1] < middle:
                above = (left, top, right, middle // step)
                resampler.blend(shown, layer.masks[index], grid, above, into)
                top = middle // step
            if top < bottom:
                resampler.copy(shown, grid, (left, top, right, bottom), into)

    def write(self, *, sound: Path | None, report: Callable[[float], None]) -> bytes:
        """All frames as MP4; ``report`` gets the fraction done after each frame. Raises FfmpegError."""
        size = self.width, self.height
        with VideoWriter(*size, self.fps, sound=sound, crf=CRF, preset=PRESET, planar=True) as writer:
            for index in range(self.count):
                writer.write(self.frame(index))
                report((index + 1) / (self.count + 1))
            return writer.finish()


def clip_size(resolution: str, ratio: float) -> tuple[int, int]:
    """Even sides of a clip in pixels: the short one by the resolution, the long one by the aspect ratio."""
    short = short_side_of(resolution)
    ratio = min(_WIDEST, max(1 / _WIDEST, ratio))
    long = round(short * max(ratio, 1 / ratio) / 2) * 2
    return (long, short) if ratio >= 1 else (short, long)
