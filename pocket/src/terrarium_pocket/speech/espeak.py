"""eSpeak NG, which is under the GPL and therefore always runs in a process of its own.

It is the system's program ``espeak-ng`` if that is installed, otherwise our program around the library of the
package ``espeakng-loader``. Both have the same interface.
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
_OURS = "terrarium_pocket.speech.espeak_program"
_SECONDS = 60


class EspeakError(Exception):
    """eSpeak NG failed; the message is its own."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice: its name, its handle in eSpeak NG, and the codes of its languages with their priority.

    A lower number is a better match.
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
    """What eSpeak NG can do, with a voice's handle. All methods raise EspeakError."""

    def voices(self) -> list[Voice]:
        """List all voices."""
        ...

    def phonemes(self, voice: str, texts: Sequence[str]) -> list[str]:
        """Return each text in the International Phonetic Alphabet; empty if it has nothing to speak."""
        ...

    def speak(self, voice: str, text: str, *, words_per_minute: int, pitch: int) -> Spoken:
        """Speak a text; ``pitch`` is from 0 to 99, and 50 is the voice's own."""
        ...


def espeak_problem() -> str | None:
    """Return what to install if eSpeak NG is missing. Loads nothing."""
    if shutil.which(_NAME) or importlib.util.find_spec(_PACKAGE):
        return None
    return "eSpeak NG is missing: install the system's package espeak-ng, or pip install espeakng-loader"


def open_espeak() -> Espeak:
    """Return the system's eSpeak NG, or our program. Raises EspeakError if both are missing."""
    if problem := espeak_problem():
        raise EspeakError(problem)
    program = shutil.which(_NAME)
    return ProgramEspeak(program) if program else LibraryEspeak()


class ProgramEspeak:
    """The program ``espeak-ng``, which is started for each call."""

    def __init__(self, program: str) -> None:
        """Take the path of the program."""
        self._program = program

    def voices(self) -> list[Voice]:
        """List the voices, from the program's table."""
        table = self._run(["--voices"], "").decode(errors="replace").splitlines()[1:]
        return [_voice(line) for line in table if len(line.split()) >= 5]

    def phonemes(self, voice: str, texts: Sequence[str]) -> list[str]:
        """Run the program for each text, because its output does not separate them."""
        return [self._phonemes(voice, text) for text in texts]

    def _phonemes(self, voice: str, text: str) -> str:
        output = self._run(["-q", "--ipa", "-b", "1", "-v", voice, "--stdin"], text)
        return " ".join(output.decode(errors="replace").split())

    def speak(self, voice: str, text: str, *, words_per_minute: int, pitch: int) -> Spoken:
        """Speak a text without the pause at its end."""
        options = ["-v", voice, "-s", str(words_per_minute), "-p", str(pitch)]
        wave = self._run([*options, "-b", "1", "-z", "--stdin", "--stdout"], text)
        start = wave.find(b"data") + 8
        if not wave.startswith(b"RIFF") or start < 44:
            raise EspeakError("espeak-ng made no sound")
        # The lengths in the header are invalid, because it was written to a pipe.
        return Spoken(
            wave[start : start + (len(wave) - start) // 2 * 2], int.from_bytes(wave[24:28], "little")
        )

    def _run(self, arguments: list[str], text: str) -> bytes:
        # The program reads double brackets as phonemes; our program does not.
        escaped = text.replace("[[", "[ [")
        try:
            done = subprocess.run(
                [self._program, *arguments],
                input=escaped.encode(),
                capture_output=True,
                timeout=_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EspeakError(f"espeak-ng failed: {error}") from error
        _check_not_killed(done.returncode)
        message = done.stderr.decode(errors="replace").strip()
        if done.returncode != 0 or message.startswith("Error"):
            raise EspeakError(f"espeak-ng failed: {message[-300:] or f'status {done.returncode}'}")
        return done.stdout


class LibraryEspeak:
    """Our program around the library. It runs until this process closes its pipe or ends."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._program: subprocess.Popen[str] | None = None

    def voices(self) -> list[Voice]:
        """List the voices of the library."""
        voices = self._request({"do": "voices"})["voices"]
        return [
            Voice(name, handle, tuple((code, rank) for code, rank in languages))
            for name, handle, languages in voices
        ]

    def phonemes(self, voice: str, texts: Sequence[str]) -> list[str]:
        """Convert all texts in one request."""
        phonemes = self._request({"do": "phonemes", "voice": voice, "texts": list(texts)})["phonemes"]
        return [" ".join(text.split()) for text in phonemes]

    def speak(self, voice: str, text: str, *, words_per_minute: int, pitch: int) -> Spoken:
        """Speak a text."""
        options = {"voice": voice, "words_per_minute": words_per_minute, "pitch": pitch}
        answer = self._request({"do": "speak", "text": text, **options})
        return Spoken(base64.b64decode(answer["samples"]), answer["rate"])

    def close(self) -> None:
        """End the program."""
        if self._program is not None:
            self._program.kill()
            self._program.communicate()
            self._program = None

    def _request(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._program is None:
            self._program = subprocess.Popen(
                [sys.executable, "-m", _OURS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        try:
            stdin, stdout = cast(IO[str], self._program.stdin), cast(IO[str], self._program.stdout)
            stdin.write(json.dumps(request) + "\n")
            stdin.flush()
            line = stdout.readline()
        except BrokenPipeError:
            line = ""
        # Without its end, the answer is one of a program that was killed while it wrote.
        if not line.endswith("\n"):
            status = self._program.wait()
            self.close()
            _check_not_killed(status)
            raise EspeakError("the eSpeak NG program ended; is the package espeakng-loader complete?")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise EspeakError(answer["error"])
        return answer


def _check_not_killed(status: int) -> None:
    """Raise Killed if a program was killed."""
    # Not at the top, because the server imports this module too.
    from terrarium_server.media import Killed

    if status == -signal.SIGKILL:
        raise Killed("eSpeak NG was killed")


def _voice(line: str) -> Voice:
    """Read one line of ``espeak-ng --voices``: priority, language, age, name, file, (language priority)…"""
    words = line.split()
    others = re.findall(r"\((\S+) (\d+)\)", line[line.index(words[4]) :])
    languages = [(words[1], int(words[0])), *((code, int(rank)) for code, rank in others)]
    return Voice(words[3].replace("_", " "), words[4], tuple(languages))
