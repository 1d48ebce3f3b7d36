"""Measuring loudness and levelling to a target, compared with ffmpeg's meter."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from terrarium_server.media import encode_audio, levelled, loudness, run_ffmpeg

Sound = NDArray[np.float32]


def tone(seconds: float, *, level: float, rate: int = 22_050) -> Sound:
    return (level * np.cos(2 * np.pi * 997 * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def rising_noise(seconds: float, rate: int) -> Sound:
    """Stereo noise that swells from silence, brown on the left and white on the right."""
    dice = np.random.default_rng(5)
    white = dice.normal(0, 1, (round(seconds * rate), 2))
    white[:, 0] = np.cumsum(white[:, 0]) * 0.002
    white[:, 0] -= white[:, 0].mean()
    white[:, 1] *= 0.03
    return (white * np.linspace(0, 1, len(white))[:, None] ** 2 * 0.5).astype(np.float32)


def judged(sound: Sound, rate: int, folder: Path) -> float:
    (folder / "sound.wav").write_bytes(encode_audio(sound, rate, "wav"))
    arguments = ["-i", str(folder / "sound.wav"), "-af", "ebur128=metadata=1,ametadata=print:file=-"]
    printed = run_ffmpeg([*arguments, "-f", "null", "-"]).decode()
    return float(printed.rpartition("lavfi.r128.I=")[2].split()[0])


def test_a_sine_is_as_loud_as_the_standard_says() -> None:
    # A 997 Hz sine at full scale in one channel is −3.01 LUFS.
    assert loudness(tone(3, level=1.0, rate=48_000), 48_000) == pytest.approx(-3.01, abs=0.05)
    both = np.repeat(tone(3, level=1.0, rate=48_000)[:, None], 2, axis=1)
    assert loudness(both, 48_000) == pytest.approx(0.0, abs=0.05)
    quiet = np.concatenate([tone(3, level=0.1), np.zeros(220_500, np.float32)])
    assert loudness(quiet, 22_050) == pytest.approx(-23.01, abs=0.3)


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000])
def test_the_meter_agrees_with_ffmpegs(rate: int, tmp_path: Path) -> None:
    sound = rising_noise(8, rate)
    assert loudness(sound, rate) == pytest.approx(judged(sound, rate, tmp_path), abs=0.1)


def test_silence_and_the_shortest_sounds_have_a_loudness() -> None:
    for length in (0, 1, 100, 30_000):
        silent = np.zeros(length, np.float32)
        assert loudness(silent, 22_050) == -np.inf
        assert not levelled(silent, 22_050, -16.0).any()
    assert loudness(tone(0.1, level=1.0), 22_050) == pytest.approx(-3.01, abs=0.5)


def test_levelling_reaches_the_target_without_clipping(tmp_path: Path) -> None:
    spiky = tone(2, level=0.02)
    spiky[::2205] += 0.5
    wide = rising_noise(8, 44_100)
    for sound, rate in ((spiky, 22_050), (wide, 44_100), (wide * 40, 44_100)):
        made = levelled(sound, rate, -16.0)
        assert made.dtype == np.float32 and made.shape == sound.shape
        assert judged(made, rate, tmp_path) == pytest.approx(-16.0, abs=0.15)
        assert np.abs(made).max() <= 10 ** (-2 / 20) + 1e-6
