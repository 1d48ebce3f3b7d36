"""Mixes the parts: level, position and reverb of each, and the loudness of the whole."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from terrarium_server.media import levelled, loudness

from .styles import Style
from .synthesizer import RATE

Sound = NDArray[np.float32]
Spectrum = NDArray[np.complex64]

TARGET_LUFS = -16.0
_SIZE = 1 << 19
_HOP = _SIZE // 2
_SILENT_END = 0.08
_FADE = 0.9
_HIGHEST_PEAK = 0.36


@dataclass(frozen=True, slots=True)
class Strip:
    """A channel strip: level in LUFS, cuts in Hz (0 for none), share of the reverb, stereo width."""

    level: float
    bass_cut: float
    treble_cut: float
    reverb: float
    width: float


_STRIPS = {
    "lead": Strip(-20.0, 110, 0, 1.0, 0.18),
    "chords": Strip(-23.5, 110, 0, 0.75, 0.45),
    "pad": Strip(-27.0, 160, 9000, 1.3, 0.7),
    "bass": Strip(-23.0, 35, 6000, 0.12, 0.0),
    "drums": Strip(-23.5, 30, 0, 0.45, 0.25),
}
# The stereo positions of the parts of a role, from -1, left, to 1, right.
_POSITIONS = {
    "lead": (0.08, -0.3, 0.32, -0.15, 0.2),
    "chords": (-0.28, 0.34, -0.1),
    "pad": (0.18, -0.25, 0.0),
    "bass": (0.0,),
    "drums": (0.0,),
}


@dataclass(frozen=True, slots=True)
class Stem:
    """One part's sound, (length, 2), and its role."""

    role: str
    sound: Sound


def mix(stems: Sequence[Stem], style: Style, seconds: float, progress: Callable[[float], None]) -> Sound:
    """Return the mix, (length, 2), at `TARGET_LUFS`, ending in silence after exactly ``seconds``."""
    length = round(seconds * RATE)
    reverbs = _reverb(style.reverb[0], 0), _reverb(style.reverb[0], 1)
    spreads = _spread(0), _spread(1)
    monos: list[Sound] = []
    channels: list[tuple[Spectrum, Spectrum]] = []
    counts = dict.fromkeys(_POSITIONS, 0)
    for stem in stems:
        strip = _STRIPS[stem.role]
        number = counts[stem.role]
        counts[stem.role] += 1
        mono = 0.5 * (stem.sound[:, 0] + stem.sound[:, 1])
        level = loudness(mono, RATE)
        if not math.isfinite(level):
            continue
        # The instruments of a sound font have different levels, so each part is set to its own.
        gain = 10 ** ((strip.level - 1.5 * (number > 0) - level) / 20)
        # A part with few notes is quiet on average; its peaks must not be too loud.
        gain = min(gain, _HIGHEST_PEAK / float(np.abs(mono).max()))
        positions = _POSITIONS[stem.role]
        tone = _tone(strip, style.dark)
        angle = (positions[number % len(positions)] + 1) * math.pi / 4
        sides = [
            gain
            * tone
            * (math.sqrt(2) * part * (1 + strip.width * spread) + style.reverb[1] * strip.reverb * reverb)
            for part, spread, reverb in zip((math.cos(angle), math.sin(angle)), spreads, reverbs, strict=True)
        ]
        monos.append(mono)
        channels.append((sides[0].astype(np.complex64), sides[1].astype(np.complex64)))
    return _mastered(_summed(monos, channels, length, progress), style)


def _summed(
    monos: list[Sound],
    channels: list[tuple[Spectrum, Spectrum]],
    length: int,
    progress: Callable[[float], None],
) -> Sound:
    """Filter each part for both sides and add them up, block by block."""
    out = np.zeros((length + _SIZE, 2), np.float32)
    for start in range(0, length, _HOP):
        sides = np.zeros((2, _SIZE // 2 + 1), np.complex64)
        for mono, channel in zip(monos, channels, strict=True):
            spectrum = np.fft.rfft(mono[start : min(start + _HOP, length)], _SIZE)
            sides[0] += spectrum * channel[0]
            sides[1] += spectrum * channel[1]
        out[start : start + _SIZE] += np.fft.irfft(sides, _SIZE, axis=1).T.astype(np.float32)
        progress(min(1.0, (start + _HOP) / length))
    return out[:length]


def _mastered(sound: Sound, style: Style) -> Sound:
    """Fade the end into silence, and bring the sound to the target loudness with limited peaks."""
    length = len(sound)
    silent = round(_SILENT_END * RATE)
    fade = round(min(_FADE, 0.2 * length / RATE) * RATE)
    curve = np.ones(length, np.float32)
    curve[length - silent :] = 0.0
    curve[length - silent - fade : length - silent] = 0.5 + 0.5 * np.cos(np.linspace(0, np.pi, fade))
    sound = sound * curve[:, None]
    if style.dark:
        # Saturation, as of tape.
        level = loudness(sound, RATE)
        sound = sound * np.float32(10 ** ((TARGET_LUFS - level) / 20) if math.isfinite(level) else 1)
        sound = np.tanh(1.6 * sound).astype(np.float32) / 1.6
    return levelled(sound, RATE, TARGET_LUFS)


def _frequencies() -> NDArray[np.floating]:
    return np.arange(_SIZE // 2 + 1, dtype=np.float64) * (RATE / _SIZE)


def _tone(strip: Strip, dark: float) -> NDArray[np.complex128]:
    """Return the response of the channel's filters, which are of second order."""
    s = 1j * _frequencies()
    tone = np.ones(len(s), np.complex128)
    if strip.bass_cut:
        ratio = s / strip.bass_cut
        tone *= ratio**2 / (ratio**2 + math.sqrt(2) * ratio + 1)
    for cut in (strip.treble_cut, dark):
        if cut:
            ratio = s / cut
            tone /= ratio**2 + math.sqrt(2) * ratio + 1
    return tone


def _reverb(seconds: float, side: int) -> NDArray[np.complex128]:
    """Return the response of a hall: delayed noise that decays, the treble twice as fast."""
    rng = np.random.default_rng(1000 + side)
    length = min(_HOP, round(1.4 * seconds * RATE))
    time = np.arange(length) / RATE
    noise = rng.standard_normal((2, length))
    attack = 1 - np.exp(-time / 0.012)
    low = noise[0] * np.exp(-6.9 * time / seconds) * attack
    high = noise[1] * np.exp(-6.9 * time / (0.5 * seconds)) * attack
    frequencies = _frequencies()
    below = 1 / (1 + (frequencies / 2200) ** 2)
    spectrum = np.fft.rfft(low, _SIZE) * below + np.fft.rfft(high, _SIZE) * (1 - below) * 0.7
    spectrum *= frequencies**2 / (frequencies**2 + 180.0**2) / (1 + (frequencies / 7500) ** 2)
    spectrum *= np.exp(-2j * np.pi * frequencies * 0.018)
    power = np.mean(np.abs(spectrum) ** 2)
    # Normalised to the loudness of the sound itself in the range of music, so that levels are comparable.
    return spectrum / math.sqrt(power) * 2.2


def _spread(side: int) -> NDArray[np.complex128]:
    """Return a few early reflections, which differ between the sides and give mono samples a width."""
    rng = np.random.default_rng(2000 + side)
    taps = np.zeros(_SIZE // 64)
    positions = (rng.uniform(0.006, 0.045, 9) * RATE).astype(int)
    taps[positions] = rng.choice([-1.0, 1.0], 9) * np.linspace(1.0, 0.4, 9)
    spectrum = np.fft.rfft(taps, _SIZE)
    return spectrum / math.sqrt(float(np.sum(taps**2)))
