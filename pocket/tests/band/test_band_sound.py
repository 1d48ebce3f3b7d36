"""Key and tempo are measured in the sound, without the score."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from support.cases import band as band_case
from support.driver import EngineDriver
from support.pocket import medium, pocket_job
from terrarium_server.media import read_audio

_RATE = 22_050
_NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
# How well listeners found that each note fits a key: Krumhansl and Kessler, 1982.
_PROFILES = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}


@pytest.fixture(scope="module")
def band() -> Iterator[EngineDriver]:
    with band_case.CASE.driver() as driver:
        yield driver


def spectra(sound: np.ndarray, length: int, step: int) -> np.ndarray:
    """Return magnitudes, (windows, frequencies)."""
    starts = range(0, len(sound) - length, step)
    return np.array(
        [np.abs(np.fft.rfft(sound[start : start + length] * np.hanning(length))) for start in starts]
    )


def likely_keys(sound: np.ndarray) -> list[str]:
    """Return the two keys that fit the sound's notes best."""
    frequencies = np.fft.rfftfreq(8192, 1 / _RATE)
    tonal = (frequencies > 80) & (frequencies < 2000)
    notes = np.round(12 * np.log2(frequencies[tonal] / 440) + 69).astype(int) % 12
    share = np.bincount(notes, spectra(sound, 8192, 4096).sum(axis=0)[tonal], 12)
    fit = {
        f"{name} {mode}": float(np.corrcoef(np.roll(profile, number), share)[0, 1])
        for mode, profile in _PROFILES.items()
        for number, name in enumerate(_NOTES)
    }
    return sorted(fit, key=lambda key: fit[key], reverse=True)[:2]


def likely_tempo(sound: np.ndarray) -> float:
    """Return the tempo at which new notes recur, from 50 to 200 beats per minute."""
    step = 512
    rises = np.maximum(np.diff(np.log1p(spectra(sound, 1024, step)), axis=0), 0).sum(axis=1)
    rises -= np.convolve(rises, np.ones(40) / 40, "same")
    correlation = np.correlate(rises, rises, "full")[len(rises) - 1 :]
    lags = np.arange(len(correlation))
    tempi = np.arange(50.0, 200.0)
    strength = [
        sum(np.interp(60 / bpm * _RATE / step * beats, lags, correlation) for beats in (1, 2, 4))
        for bpm in tempi
    ]
    return float(tempi[int(np.argmax(strength))])


@pytest.mark.parametrize(
    ("prompt", "key", "relative", "tempo"),
    [
        ("a slow melancholic piano waltz with strings", "A minor", "C major", 90),
        ("smoky jazz", "F major", "D minor", 130),
        ("an epic orchestral trailer", "E minor", "G major", 110),
    ],
)
def test_the_sound_has_the_requested_key_and_tempo(
    band: EngineDriver, tmp_path: Path, prompt: str, key: str, relative: str, tempo: int
) -> None:
    job = pocket_job("t2a-band", prompt, duration=30, tempo=tempo)
    made = medium(band.run(replace(job, params={**job.params, "key": key})))
    (tmp_path / "piece").write_bytes(made)
    sound = read_audio(tmp_path / "piece", _RATE).mean(axis=1)
    assert {key, relative} & set(likely_keys(sound)), likely_keys(sound)
    # Half or twice the tempo is the same music in other note values.
    measured = likely_tempo(sound)
    assert min(abs(measured * times / tempo - 1) for times in (0.5, 1, 2)) < 0.03, measured
