"""eSpeak NG, always as a program of its own: it is under the GPL, and text is all that goes to it and back.

The system's ``espeak-ng`` if there is one, otherwise our program around the library that the package
``espeakng-loader`` carries. Both answer through the same interface.
"""

import base64
import importlib.util
import json
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any, Protocol, cast

_NAME = "espeak-ng"
_PACKAGE = "espeakng_loader"
_OURS = "terrarium_server.engines._espeak_program"
_SECONDS = 60


class EspeakError(Exception):
    """eSpeak NG cannot do it; the message says what it said."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice: its name, what eSpeak NG knows it by, and the languages it speaks with their priority.

    A low priority is a better fit.
    """

    name: str
    handle: str
    languages: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Spoken:
    """Sound: 16-bit little-endian mono samples at ``rate`` Hz."""

    samples: bytes
    rate: int


class Espeak(Protocol):
    """What can be asked of eSpeak NG, with a voice's handle. All of it raises EspeakError."""

    def voices(self) -> list[Voice]:
        """List the voices there are."""
        ...

    def phonemes(self, voice: str, texts: Sequence[str]) -> list[str]:
        """Return each text in the International Phonetic Alphabet; empty if nothing in it can be said."""
        ...

    def speak(self, voice: str, text: str, *, words_per_minute: int, pitch: int) -> Spoken:
        """Say a text; ``pitch`` from 0 to 99, 50 is the voice's own."""
        ...


def espeak_problem() -> str | None:
    """Say what to install if there is no eSpeak NG here. Loads nothing."""
    if shutil.which(_NAME) or importlib.util.find_spec(_PACKAGE):
        return None
    return "eSpeak NG is missing: install the system's package espeak-ng, or pip install espeakng-loader"


def open_espeak() -> Espeak:
    """Return the system's eSpeak NG, or ours. Raises EspeakError if there is none."""
    if problem := espeak_problem():
        raise EspeakError(problem)
    program = shutil.which(_NAME)
    return ProgramEspeak(program) if program else LibraryEspeak()


class ProgramEspeak:
    """The program ``espeak-ng``, started for each thing asked."""

    def __init__(self, program: str) -> None:
        """Take the path of the program."""
        self._program = program

    def voices(self) -> list[Voice]:
        """List the voices, from the program's table."""
        table = self._run(["--voices"], "").decode(errors="replace").splitlines()[1:]
        return [_voice(line) for line in table if len(line.split()) >= 5]

    def phonemes(self, voice: str, texts: Sequence[str]) -> list[str]:
        """Ask for each text on its own: a line of the answer says not what it belongs to."""
        return [self._phonemes(voice, text) for text in texts]

    def _phonemes(self, voice: str, text: str) -> str:
        said = self._run(["-q", "--ipa", "-b", "1", "-v", voice, "--stdin"], text)
        return " ".join(said.decode(errors="replace").split())

    def speak(self, voice: str, text: str, *, words_per_minute: int, pitch: int) -> Spoken:
        """Say a text without the pause at its end."""
        how = ["-v", voice, "-s", str(words_per_minute), "-p", str(pitch)]
        made = self._run([*how, "-b", "1", "-z", "--stdin", "--stdout"], text)
        start = made.find(b"data") + 8
        if not made.startswith(b"RIFF") or start < 44:
            raise EspeakError("espeak-ng made no sound")
        # The lengths in this header are made up, as it was written to a pipe.
        return Spoken(
            made[start : start + (len(made) - start) // 2 * 2], int.from_bytes(made[24:28], "little")
        )

    def _run(self, arguments: list[str], text: str) -> bytes:
        # It reads phonemes out of double brackets; our other program does not.
        safe = text.replace("[[", "[ [")
        try:
            done = subprocess.run(
                [self._program, *arguments],
                input=safe.encode(),
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EspeakError(f"espeak-ng failed: {error}") from error
        _check_not_killed(done.returncode)
        said = done.stderr.decode(errors="replace").strip()
        if done.returncode != 0 or said.startswith("Error"):
            raise EspeakError(f"espeak-ng failed: {said[-300:] or f'status {done.returncode}'}")
        return done.stdout


class LibraryEspeak:
    """Our program around the library; it runs until this process closes its pipe, at the latest by ending."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._running: subprocess.Popen[str] | None = None

    def voices(self) -> list[Voice]:
        """List the voices of the library."""
        listed = self._ask({"do": "voices"})["voices"]
        return [
            Voice(name, handle, tuple((code, rank) for code, rank in languages))
            for name, handle, languages in listed
        ]

    def phonemes(self, voice: str, texts: Sequence[str]) -> list[str]:
        """Ask for all texts at once."""
        said = self._ask({"do": "phonemes", "voice": voice, "texts": list(texts)})["phonemes"]
        return [" ".join(text.split()) for text in said]

    def speak(self, voice: str, text: str, *, words_per_minute: int, pitch: int) -> Spoken:
        """Say a text."""
        how = {"voice": voice, "words_per_minute": words_per_minute, "pitch": pitch}
        answer = self._ask({"do": "speak", "text": text, **how})
        return Spoken(base64.b64decode(answer["samples"]), answer["rate"])

    def close(self) -> None:
        """End the program."""
        if self._running is not None:
            self._running.kill()
            self._running.communicate()
            self._running = None

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._running is None:
            self._running = subprocess.Popen(
                [sys.executable, "-m", _OURS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        try:
            to, back = cast(IO[str], self._running.stdin), cast(IO[str], self._running.stdout)
            to.write(json.dumps(request) + "\n")
            to.flush()
            line = back.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            status = self._running.wait()
            self.close()
            _check_not_killed(status)
            raise EspeakError("the eSpeak NG program ended; is the package espeakng-loader complete?")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise EspeakError(answer["error"])
        return answer


def _check_not_killed(status: int) -> None:
    """Raises Killed if that is how a program ended."""
    from terrarium_server.media import Killed

    if status == -signal.SIGKILL:
        raise Killed("eSpeak NG was killed")


def _voice(line: str) -> Voice:
    """Read one line of ``espeak-ng --voices``: priority, language, age, name, file, (language priority)…"""
    words = line.split()
    others = re.findall(r"\((\S+) (\d+)\)", line[line.index(words[4]) :])
    languages = [(words[1], int(words[0])), *((code, int(rank)) for code, rank in others)]
    return Voice(words[3].replace("_", " "), words[4], tuple(languages))
