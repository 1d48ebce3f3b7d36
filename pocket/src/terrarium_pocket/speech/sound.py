"""Joins the sounds of sentences without clicks, and encodes them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from terrarium_server.media import AudioFormat, encode_audio, levelled

# The loudness that speech is published with, in LUFS.
_TARGET = -16.0
_FADE_SECONDS = 0.005


def joined(parts: Sequence[NDArray[np.float32]], rate: int, pause: float) -> NDArray[np.float32]:
    """Return the parts, each (length,) within ±1, with ``pause`` seconds of silence between them.

    Each part is faded to zero at both ends, because a jump to silence is audible as a click.
    """
    silence = np.zeros(round(pause * rate), np.float32)
    pieces: list[NDArray[np.float32]] = []
    for part in parts:
        pieces += [silence, _faded(part, rate)] if pieces else [_faded(part, rate)]
    return np.concatenate(pieces)


def encoded(samples: NDArray[np.float32], rate: int, format: AudioFormat) -> bytes:
    """Encode at −16 LUFS."""
    return encode_audio(levelled(samples, rate, _TARGET), rate, format)


def _faded(part: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    # Silence at the ends would hide the fade, and lengthen the pause.
    part = np.trim_zeros(part)
    length = min(round(_FADE_SECONDS * rate), len(part) // 2)
    ramp = (0.5 - 0.5 * np.cos(np.pi * np.arange(length) / max(length, 1))).astype(np.float32)
    faded = part.copy()
    faded[:length] *= ramp
    faded[len(faded) - length :] *= ramp[::-1]
    return faded
