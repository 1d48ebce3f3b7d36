"""A clip: layers before a camera, what happens in the air, and every frame into the encoder."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from terrarium_server.media import VideoWriter

from .air import Mist, Particles, Steam
from .camera import MOVES, Camera
from .light import Exposure, Sweep
from .planes import Box, Bytes, Planes, halved, image
from .warp import Warp

MOTIONS = ("auto", *MOVES)

_SHORT = {"480p": 480, "720p": 720, "1080p": 1080}
_WIDEST = 2.4

# Painted frames have no grain to keep; 20 takes about a sixth more time and half again the bytes.
CRF = 23


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
    first: int = 0
    solid: int = 0
    end: int = 0
    left: int = 0
    right: int = 0
    _small: Bytes | None = field(default=None, init=False)
    _bent: Planes | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Lay out what every frame needs."""
        if self.mask is not None:
            self._small = halved(self.mask)
            seen = np.nonzero(self.mask.max(axis=1) > 2)[0]
            self.first, self.end = int(seen[0]), int(seen[-1]) + 1
            across = np.nonzero(self.mask.max(axis=0) > 2)[0]
            self.left, self.right = int(across[0]), int(across[-1]) + 1
            open_rows = np.nonzero(self.mask.min(axis=1) < 253)[0]
            self.solid = int(open_rows[-1]) + 1 if open_rows.size else 0
        if self.warps:
            self._bent = self.plate.copy()

    def bent(self, seconds: float, moment: float) -> Planes:
        """The plate at a time."""
        if self._bent is None:
            return self.plate
        for warp in self.warps:
            warp.at(seconds, moment, self._bent)
        return self._bent

    def masks(self) -> tuple[Bytes, Bytes, Bytes] | None:
        """The mask for each plane."""
        if self.mask is None or self._small is None:
            return None
        return self.mask, self._small, self._small


@dataclass
class Clip:
    """What is to be seen. ``layers`` run from the back to the front; their plates have one size."""

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

    @property
    def count(self) -> int:
        """How many frames it has."""
        return max(1, round(self.seconds * self.fps))

    def frame(self, index: int) -> Bytes:
        """One frame: flat Y, U and V."""
        moment = index / max(1, self.count - 1)
        seconds = index / self.fps
        planes = self._layered(seconds, moment)
        view = self.camera.at(moment, 1.0)
        if self.steam is not None:
            plate = self.layers[-1].plate
            self.steam.draw(planes[0], seconds, view.box(plate.width, plate.height))
        if self.mist is not None:
            self.mist.draw(planes, seconds)
        if self.exposure is not None:
            self.exposure.draw(planes, seconds)
        if self.sweep is not None:
            self.sweep.draw(planes, moment)
        luma = self.width * self.height
        flat: Bytes = np.empty(luma * 3 // 2, dtype=np.uint8)
        half = (self.height // 2, self.width // 2)
        made = Planes(
            flat[:luma].reshape(self.height, self.width),
            flat[luma : luma + luma // 4].reshape(half),
            flat[luma + luma // 4 :].reshape(half),
        )
        for plane, shown in zip(made.each(), planes, strict=True):
            plane[:] = np.asarray(shown)
        for kind in self.particles:
            kind.draw(made, seconds, view.x * self.width, view.y * self.height)
        return flat

    def _layered(self, seconds: float, moment: float) -> list[Image.Image]:
        frame = [
            Image.new("L", (self.width // step, self.height // step), 128 if step > 1 else 16)
            for step in (1, 2, 2)
        ]
        for index, layer in enumerate(self.layers):
            bent = layer.bent(seconds, moment)
            box = self.camera.at(moment, layer.near).box(bent.width, bent.height)
            window = (0, 0, self.width, self.height)
            solid = 0
            if layer.mask is not None:
                solid = self._row(box, layer.solid)
                left = (layer.left - box[0]) * self.width / (box[2] - box[0])
                right = (layer.right - box[0]) * self.width / (box[2] - box[0])
                window = (
                    max(0, int(left) & ~1),
                    self._row(box, layer.first),
                    min(self.width, (int(right) + 3) & ~1),
                    min(self.height, self._row(box, layer.end) + 2),
                )
            if index + 1 < len(self.layers):
                # Behind what is in front everywhere, nothing needs to be drawn.
                above = self.layers[index + 1]
                front = self.camera.at(moment, above.near).box(bent.width, bent.height)
                lowest = min(window[3], self._row(front, above.solid) + 4)
                window = (window[0], window[1], window[2], lowest)
            if window[0] < window[2] and window[1] < window[3]:
                self._lay(frame, layer, bent, box, window, min(max(solid + 2, window[1]), window[3]))
        return frame

    def _row(self, box: Box, row: int) -> int:
        """The row of the frame, even, where a row of the plate is seen."""
        place = (row - box[1]) * self.height / (box[3] - box[1])
        return min(self.height, max(0, int(place))) & ~1

    def _lay(
        self,
        frame: list[Image.Image],
        layer: Layer,
        bent: Planes,
        box: Box,
        window: tuple[int, int, int, int],
        solid: int,
    ) -> None:
        """Draw a layer within a window of the frame, through its mask down to row ``solid``."""
        masks = layer.masks()
        for index, plane in enumerate(bent.each()):
            step = 1 if index == 0 else 2
            left, top, right, bottom = (side // step for side in window)
            size = self.width // step, self.height // step
            part = (box[0] / step, box[1] / step, box[2] / step, box[3] / step)
            shown = _part(plane, part, size, (left, top, right, bottom))
            middle = solid // step
            if masks is None or middle <= top:
                frame[index].paste(shown, (left, top))
                continue
            mask = _part(masks[index], part, size, (left, top, right, middle))
            frame[index].paste(shown.crop((0, 0, right - left, middle - top)), (left, top), mask)
            if bottom > middle:
                frame[index].paste(shown.crop((0, middle - top, right - left, bottom - top)), (left, middle))

    def write(self, *, sound: Path | None, tell: Callable[[float], None]) -> bytes:
        """Every frame as MP4; ``tell`` hears the share done after each. Raises FfmpegError."""
        with VideoWriter(self.width, self.height, self.fps, sound=sound, crf=CRF, planar=True) as writer:
            for index in range(self.count):
                writer.write(self.frame(index))
                tell((index + 1) / (self.count + 1))
            return writer.finish()


def _part(plane: Bytes, box: Box, size: tuple[int, int], window: tuple[int, int, int, int]) -> Image.Image:
    """A window of what ``box`` shows at a size."""
    across, down = (box[2] - box[0]) / size[0], (box[3] - box[1]) / size[1]
    left, top, right, bottom = window
    part = (
        box[0] + left * across,
        box[1] + top * down,
        min(float(plane.shape[1]), box[0] + right * across),
        min(float(plane.shape[0]), box[1] + bottom * down),
    )
    return image(plane).resize((right - left, bottom - top), Image.Resampling.BILINEAR, box=part)


def size(resolution: str, ratio: float) -> tuple[int, int]:
    """Even sides of a clip: the short one is what the resolution says, the long one by the ratio."""
    short = _SHORT[resolution]
    ratio = min(_WIDEST, max(1 / _WIDEST, ratio))
    long = round(short * max(ratio, 1 / ratio) / 2) * 2
    return (long, short) if ratio >= 1 else (short, long)
