"""A program that is killed at work is told apart from one that cannot speak a text."""

from pathlib import Path

import pytest

from terrarium_pocket.speech import espeak
from terrarium_server.media import Killed

# Reads a request, writes this much of an answer, and is killed.
_PROGRAM = """
import os, signal, sys
sys.stdin.readline()
sys.stdout.write({answer!r})
sys.stdout.flush()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("answer", ["", '{"samples": "UklGR', '{"samples": "", "rate": 22050}'])
def test_a_program_that_is_killed_in_its_answer_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    (tmp_path / "killed_in_its_answer.py").write_text(_PROGRAM.format(answer=answer))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(espeak, "_OURS", "killed_in_its_answer")
    with pytest.raises(Killed):
        espeak.LibraryEspeak().speak("gmw/en", "A fern.", words_per_minute=175, pitch=50)
