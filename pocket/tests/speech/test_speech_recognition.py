"""An independent speech recogniser understands the default voice."""

import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pocketsphinx import Decoder

from support.cases import piper as piper_case
from support.driver import EngineDriver
from support.pocket import medium, pocket_job
from terrarium_server.media import read_audio

_RATE = 16_000
# Common words, because the recogniser is small and makes errors of its own.
TEXT = (
    "Please call me tomorrow morning before ten o'clock. "
    "It was the best of times, it was the worst of times. The quick brown fox jumps over the lazy dog. "
    "We are building a small server that makes pictures, films, music and speech on your own machine."
)


@pytest.fixture(scope="module")
def piper() -> Iterator[EngineDriver]:
    with piper_case.CASE.driver() as driver:
        yield driver


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def understood(spoken: Path) -> list[str]:
    """Return the words that the recogniser finds."""
    samples = read_audio(spoken, _RATE)[:, 0]
    decoder = Decoder(samprate=_RATE, loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw((samples * 32767).astype(np.int16).tobytes(), full_utt=True)
    decoder.end_utt()
    return words(decoder.hyp().hypstr)


def share(spoken: list[str], recognised: list[str]) -> float:
    """Return the share of the spoken words that were recognised in their order."""
    blocks = difflib.SequenceMatcher(None, spoken, recognised, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / len(spoken)


@pytest.mark.parametrize("params", [{}, {"format": "mp3", "rate": 1.25}])
def test_nearly_every_word_is_understood_in_its_place(
    piper: EngineDriver, tmp_path: Path, params: dict[str, Any]
) -> None:
    (tmp_path / "spoken").write_bytes(medium(piper.run(pocket_job("t2a-piper-joe", TEXT, **params))))
    recognised = understood(tmp_path / "spoken")
    assert share(words(TEXT), recognised) >= 0.85, " ".join(recognised)
