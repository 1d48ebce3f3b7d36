"""A decoded picture of a video, converted and scaled on request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

# Slow to import and needed in model processes only, so they are imported where they are used.
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Planes(NamedTuple):
    """A picture as encoders take it: luma, (height, width) uint8, and two planes of chroma, each of half the
    height and width. BT.709, limited range: black is 16, white is 235, no colour is 128."""

    y: NDArray[np.uint8]
    u: NDArray[np.uint8]
    v: NDArray[np.uint8]

    def flat(self) -> NDArray[np.uint8]:
        """Return the planes one after the other, as a `VideoWriter` takes them."""
        import numpy as np

        return np.concatenate([plane.ravel() for plane in self])


class Frame:
    """A picture that is converted and scaled only when requested, fast and bit-exactly."""

    def __init__(self, decoded: Any) -> None:
        """Take an ``av.VideoFrame``."""
        self._decoded = decoded
        self._turns = int(decoded.rotation) // 90

    @classmethod
    def of(cls, rgb: NDArray[np.uint8]) -> Frame:
        """Take (height, width, 3) RGB."""
        import av

        return cls(av.VideoFrame.from_ndarray(rgb, format="rgb24"))

    def rgb(self, width: int | None = None, height: int | None = None) -> NDArray[np.uint8]:
        """Return (height, width, 3), upright, at its own size or another."""
        import numpy as np

        shown: Any = self._formatted("gbrp", width, height).to_ndarray()
        return np.ascontiguousarray(np.rot90(shown, self._turns))

    def planes(self, width: int, height: int) -> Planes:
        """Return its planes, upright, at a size with even sides."""
        import numpy as np

        formatted = self._formatted("yuv420p", width, height)
        parts: list[NDArray[np.uint8]] = []
        for plane in formatted.planes:
            rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
            parts.append(np.rot90(rows[:, : plane.width], self._turns))
        return Planes(*parts)

    def _formatted(self, layout: str, width: int | None, height: int | None) -> Any:
        from av.video.reformatter import ColorRange, Colorspace, Interpolation

        if self._turns % 2:
            width, height = height, width
        exact = Interpolation.LANCZOS | Interpolation.ACCURATE_RND | Interpolation.BITEXACT
        options: dict[str, Any] = {
            "interpolation": exact | Interpolation.FULL_CHR_H_INP | Interpolation.FULL_CHR_H_INT,
            "threads": 1,
        }
        if layout == "yuv420p":
            options |= {"dst_colorspace": Colorspace.ITU709, "dst_color_range": ColorRange.MPEG}
        return self._decoded.reformat(width, height, layout, **options)
