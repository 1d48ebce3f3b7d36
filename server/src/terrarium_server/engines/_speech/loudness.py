"""How loud speech is, and bringing it to the loudness that speech is published with.

Speech has peaks some 20 dB above its loudness, so gain alone cannot bring it there without clipping: a
limiter turns those few milliseconds down. The gain is found by measuring, limiter included.
"""

import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

TARGET = -16.0
_CEILING = 10 ** (-2.0 / 20)
_MOST_GAIN = 10 ** (36 / 20)
_TURNS = 5
_CLOSE = 0.05
_BLOCK_SECONDS, _HOP_SECONDS = 0.4, 0.1
_BATCH = 128
# ITU-R BS.1770-4, tables 1 and 2: the two filters at 48 kHz, numerator and denominator.
_SHELF = ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585))
_HIGH_PASS = ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621))


def loudness(samples: NDArray[np.float32], rate: int) -> float:
    """Return the integrated loudness of mono samples in LUFS (BS.1770-4, gated); −inf for silence."""
    length = min(round(_BLOCK_SECONDS * rate), len(samples))
    if length == 0:
        return -math.inf
    blocks = sliding_window_view(samples, length)[:: max(1, round(_HOP_SECONDS * rate))]
    weights = _weights(length, rate)
    batches = [_powers(blocks[start : start + _BATCH], weights) for start in range(0, len(blocks), _BATCH)]
    powers = np.concatenate(batches)
    powers = powers[powers > _power(-70.0)]
    if not len(powers):
        return -math.inf
    powers = powers[powers > powers.mean() / 10]
    return float(-0.691 + 10 * np.log10(powers.mean()))


def levelled(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Return mono samples at the target's loudness, with no peak above −2 dB; silence stays silent."""
    made, gain = samples, 1.0
    for _ in range(_TURNS):
        missing = TARGET - loudness(made, rate)
        if not math.isfinite(missing) or abs(missing) < _CLOSE:
            break
        gain = min(gain * 10 ** (missing / 20), _MOST_GAIN)
        made = _limited(samples * np.float32(gain), rate)
    return made


def _limited(samples: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Turn down around what exceeds the ceiling, smoothly and beforehand."""
    step, reach = max(1, rate // 1000), 5
    padded = np.pad(np.abs(samples), (0, -len(samples) % step))
    gains = np.minimum(1.0, _CEILING / np.maximum(padded.reshape(-1, step).max(axis=1), 1e-9))
    # The lowest of the neighbours, then their mean: smooth, and nowhere above what its own peak allows.
    lowest = sliding_window_view(np.pad(gains, reach * 2, constant_values=1.0), 2 * reach + 1).min(axis=1)
    smooth = np.convolve(lowest, np.hanning(2 * reach + 1) / np.hanning(2 * reach + 1).sum(), "valid")
    edges = np.minimum(np.append(smooth, 1.0), np.insert(smooth, 0, 1.0))
    at_edges = np.arange(len(edges)) * step
    curve = np.interp(np.arange(len(samples)), at_edges, edges)
    return (samples * curve).astype(np.float32)


def _powers(blocks: NDArray[np.float32], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean square of each block after the filters, by Parseval's theorem."""
    spectrum: Any = np.fft.rfft(blocks, axis=1)
    return (np.abs(spectrum) ** 2 @ weights) / blocks.shape[1] ** 2


def _weights(length: int, rate: int) -> NDArray[np.float64]:
    """What the filters do to the power at each frequency of a block; all but the first stand for two."""
    turn = np.exp(-2j * np.pi * np.fft.rfftfreq(length, 1 / rate) / 48_000)
    response = np.ones(len(turn), np.complex128)
    for above, below in (_SHELF, _HIGH_PASS):
        response *= np.polyval(above[::-1], turn) / np.polyval(below[::-1], turn)
    weights: NDArray[np.float64] = 2 * np.abs(response) ** 2
    weights[0] /= 2
    return weights


def _power(lufs: float) -> float:
    return 10 ** ((lufs + 0.691) / 10)
