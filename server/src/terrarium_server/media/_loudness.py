"""Measuring the loudness of sound, and changing it to a target."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING, Any

# Slow to import and needed in model processes only, so they are imported where they are used.
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Sound = NDArray[np.float32]

_CEILING = 10 ** (-2.0 / 20)
_MOST_GAIN = 10 ** (36 / 20)
_MOST_ITERATIONS = 6
_TOLERANCE = 0.05
_GATE = -70.0
# Seconds; a gating block is four hops, and each hop begins one.
_HOP, _HOPS = 0.1, 4
_HOPS_AT_ONCE = 32
# Milliseconds before and after a peak in which the limiter turns down.
_REACH = 12
# ITU-R BS.1770-4, tables 1 and 2: the two filters at 48 kHz, numerator and denominator.
_SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
_HIGH_PASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))


def loudness(sound: Sound, rate: int) -> float:
    """Return the integrated loudness in LUFS (BS.1770-4, gated) of (length,) or (length, channels); −inf for
    silence."""
    import numpy as np

    # A sound shorter than a block is one block.
    hop = max(1, min(round(_HOP * rate), len(sound) // _HOPS))
    channels = np.atleast_2d(sound.T)
    hops: NDArray[np.float64] = np.sum([_hop_powers(channel, hop, rate) for channel in channels], axis=0)
    powers: NDArray[np.float64] = np.convolve(hops, np.full(_HOPS, 1 / _HOPS), "valid")
    powers = powers[powers > 10 ** ((_GATE + 0.691) / 10)]
    if not len(powers):
        return -math.inf
    powers = powers[powers > powers.mean() / 10]
    return -0.691 + 10 * math.log10(powers.mean())


def levelled(sound: Sound, rate: int, target: float) -> Sound:
    """Return the sound at a loudness in LUFS, with no peak above −2 dB; silence stays silent.

    Gain alone would clip high peaks, so a limiter turns down the milliseconds around them, which also lowers
    the loudness. Therefore the gain is found by iteration with the limiter; high peaks may keep the result
    below the target.
    """
    import numpy as np

    result, gain = sound, 1.0
    for _ in range(_MOST_ITERATIONS):
        missing = target - loudness(result, rate)
        if not math.isfinite(missing) or (abs(missing) < _TOLERANCE and result is not sound):
            break
        gain = min(gain * 10 ** (missing / 20), _MOST_GAIN)
        result = _limited(sound * np.float32(gain), rate)
    return result


def _limited(sound: Sound, rate: int) -> Sound:
    """Turn down around what exceeds the ceiling, smoothly and beforehand, all channels alike."""
    import numpy as np
    from numpy.lib.stride_tricks import sliding_window_view

    step, width = max(1, rate // 1000), 2 * _REACH + 1
    level: Sound = np.abs(np.atleast_2d(sound.T)).max(axis=0)
    peaks = np.pad(level, (0, -len(level) % step)).reshape(-1, step).max(axis=1)
    gains = np.minimum(1.0, _CEILING / np.maximum(peaks, 1e-9))
    # The lowest gain of the neighbours, then the mean of those: smooth, and never above what a peak allows.
    lowest = sliding_window_view(np.pad(gains, _REACH * 2, constant_values=1.0), width).min(axis=1)
    smooth = np.convolve(lowest, np.hanning(width) / np.hanning(width).sum(), "valid")
    edges = np.minimum(np.append(smooth, 1.0), np.insert(smooth, 0, 1.0))
    curve = np.interp(np.arange(len(level)), np.arange(len(edges)) * step, edges).astype(np.float32)
    return (sound.T * curve).T


def _hop_powers(channel: Sound, hop: int, rate: int) -> NDArray[np.float64]:
    """Return the mean square of each hop of (length,) after the filters, for at least one block."""
    import numpy as np

    size = _HOPS_AT_ONCE * hop
    response = _response(size, rate)
    powers: list[NDArray[np.float64]] = []
    for start in range(0, max(len(channel), 1), size):
        spectrum: Any = np.fft.rfft(channel[start : start + size], size)
        filtered: Any = np.fft.irfft(spectrum * response, size)
        powers.append((filtered.reshape(-1, hop) ** 2).mean(axis=1, dtype=np.float64))
    return np.concatenate(powers)[: max(_HOPS, len(channel) // hop)]


@functools.cache
def _response(size: int, rate: int) -> NDArray[np.complex64]:
    """Return the response of both filters at each frequency of a spectrum."""
    import numpy as np

    delay = np.exp(-2j * np.pi * np.fft.rfftfreq(size, 1 / rate) / 48_000)
    response = np.ones(len(delay), np.complex128)
    for numerator, denominator in (_SHELF, _HIGH_PASS):
        response *= np.polyval(numerator[::-1], delay) / np.polyval(denominator[::-1], delay)
    return response.astype(np.complex64)
