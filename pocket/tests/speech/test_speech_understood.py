"""A recogniser that knows nothing of us writes down what the default voice says."""

import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pocketsphinx import Decoder

from support.cases import piper as piper_case
from support.driving import Driven
from support.pocket import medium, pocket_job
from terrarium_server.media import read_audio

_RATE = 16_000
# Common words; the recogniser is small, and what it mishears is not always the voice's fault.
TEXT = (
    "Please call me tomorrow morning before ten o'clock. "
    "It was the best of times, it was the worst of times. The quick brown fox jumps over the lazy dog. "
    "We are building a small server that makes pictures, films, music and speech on your own machine."
)


@pytest.fixture(scope="module")
def piper() -> Iterator[Driven]:
    with piper_case.CASE.driven() as driven:
        yield driven


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def understood(spoken: Path) -> list[str]:
    """The words that a recogniser hears."""
    samples = read_audio(spoken, _RATE)[:, 0]
    decoder = Decoder(samprate=_RATE, loglevel="FATAL")
    decoder.start_utt()
    decoder.process_raw((samples * 32767).astype(np.int16).tobytes(), full_utt=True)
    decoder.end_utt()
    return words(decoder.hyp().hypstr)


def share(said: list[str], heard: list[str]) -> float:
    """How many of the words were heard, in their order."""
    blocks = difflib.SequenceMatcher(None, said, heard, autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks) / len(said)


@pytest.mark.parametrize("params", [{}, {"format": "mp3", "rate": 1.25}])
def test_nearly_every_word_is_understood_in_its_place(
    piper: Driven, tmp_path: Path, params: dict[str, Any]
) -> None:
    (tmp_path / "spoken").write_bytes(medium(piper.made(pocket_job("t2a-piper-joe", TEXT, **params))))
    heard = understood(tmp_path / "spoken")
    assert share(words(TEXT), heard) >= 0.85, " ".join(heard)
