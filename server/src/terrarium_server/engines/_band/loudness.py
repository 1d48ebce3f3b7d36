"""Loudness after ITU-R BS.1770-4, and a limiter that looks ahead."""

import functools
import math

import numpy as np
from numpy.typing import NDArray

FLOOR = -70.0
_FRAME_SECONDS = 0.1
_FRAMES = 4  # of 100 ms are a gating block, and each begins one
_CEILING = 10 ** (-1.6 / 20)
_LIMITER_BLOCK = 64
_LIMITER_REACH = 12


def loudness(sound: NDArray[np.float32], rate: int) -> float:
    """Return the integrated loudness of (length, channels) in LUFS; `FLOOR` for silence.

    The K-weighting is applied to spectra of 100 ms, which is a tenth of a decibel or two beside the filters.
    """
    frame = round(_FRAME_SECONDS * rate)
    count = max(_FRAMES, len(sound) // frame)
    weights = _k_weighting(frame, rate)
    powers = np.zeros(count)
    for channel in range(sound.shape[1]):
        whole = np.zeros(count * frame, np.float32)
        kept = sound[: count * frame, channel]
        whole[: len(kept)] = kept
        spectra = np.fft.rfft(whole.reshape(count, frame), axis=1)
        powers += 2 * ((spectra.real**2 + spectra.imag**2) @ weights) / frame**2
    power = np.convolve(powers, np.full(_FRAMES, 1 / _FRAMES), mode="valid")
    gated = power[power > 10 ** ((FLOOR + 0.691) / 10)]
    if not len(gated):
        return FLOOR
    gated = gated[gated > 0.1 * gated.mean()]
    return -0.691 + 10 * math.log10(gated.mean())


@functools.cache
def _k_weighting(frame: int, rate: int) -> NDArray[np.float32]:
    """The squared response of the two filters of the recommendation, at this rate."""
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(frame, 1 / rate) / rate)
    k = math.tan(math.pi * 1681.974450955533 / rate)
    q, high = 0.7071752369554196, 10 ** (3.999843853973347 / 20)
    middle = high**0.4996667741545416
    shelf = (
        (high + middle * k / q + k * k) + 2 * (k * k - high) * z + (high - middle * k / q + k * k) * z**2
    ) / ((1 + k / q + k * k) + 2 * (k * k - 1) * z + (1 - k / q + k * k) * z**2)
    k = math.tan(math.pi * 38.13547087602444 / rate)
    q = 0.5003270373238773
    cut = (1 - 2 * z + z**2) / (
        1 + 2 * (k * k - 1) / (1 + k / q + k * k) * z + (1 - k / q + k * k) / (1 + k / q + k * k) * z**2
    )
    return (np.abs(shelf * cut) ** 2).astype(np.float32)


def limited(sound: NDArray[np.float32], rate: int) -> NDArray[np.float32]:
    """Keep the peaks of (length, 2) below −1.6 dB, turning down smoothly some 20 ms around each."""
    blocks = -(-len(sound) // _LIMITER_BLOCK)
    padded = np.zeros(blocks * _LIMITER_BLOCK, np.float32)
    padded[: len(sound)] = np.maximum(np.abs(sound[:, 0]), np.abs(sound[:, 1]))
    peaks = padded.reshape(blocks, _LIMITER_BLOCK).max(axis=1)
    needed = np.minimum(1.0, _CEILING / np.maximum(peaks, 1e-9))
    # The lowest gain within reach, then a mean that reaches less far: nowhere is it too high.
    wide = np.pad(needed, _LIMITER_REACH + 1, constant_values=1.0)
    lowest = np.lib.stride_tricks.sliding_window_view(wide, 2 * _LIMITER_REACH + 3).min(axis=1)
    window = np.hanning(2 * _LIMITER_REACH + 1)
    smooth = np.convolve(np.pad(lowest, _LIMITER_REACH, mode="edge"), window / window.sum(), mode="valid")
    places = (np.arange(blocks) + 0.5) * _LIMITER_BLOCK
    gain = np.interp(np.arange(len(sound)), places, smooth).astype(np.float32)
    return sound * gain[:, None]
