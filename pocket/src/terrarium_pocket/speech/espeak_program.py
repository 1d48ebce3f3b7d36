"""Speaks with the eSpeak NG library: a program of its own, which others talk to in lines of text.

The library is under the GPL. It is loaded here and nowhere else; nothing but text crosses the pipes. Each
line read is a JSON object, and each is answered with one:

``{"do": "voices"}`` → ``{"voices": [[name, handle, [[language, priority], …]], …]}``;
``{"do": "phonemes", "voice": …, "texts": […]}`` → ``{"phonemes": […]}``, in IPA;
``{"do": "speak", "voice": …, "text": …, "words_per_minute": …, "pitch": 0–99}`` →
``{"rate": Hz, "samples": …}``, 16-bit little-endian mono in base64; ``{"error": …}`` for what cannot be done.

The library remembers: how a text sounds depends on what it said before. So every request is carried out by a
fork of this process as it was at first, and is always answered the same; and if the library crashes over a
text, that request alone fails.
"""

import base64
import ctypes
import importlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

# The constants of speak_lib.h.
_SYNCHRONOUS = 2
_DO_NOT_EXIT = 0x8000
_UTF8 = 1
_IPA = 0x02
_PARAMETER_RATE, _PARAMETER_PITCH = 1, 3
_BUFFER_MS = 200


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("padding", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_HEARD = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


class _Library:
    def __init__(self) -> None:
        place: Any = importlib.import_module("espeakng_loader")
        self._c: Any = ctypes.CDLL(place.get_library_path())
        data = Path(place.get_data_path())
        # It keeps the folder's name in 160 bytes, so the name is made short.
        os.chdir(data.parent)
        self._rate = self._c.espeak_Initialize(_SYNCHRONOUS, _BUFFER_MS, b".", _DO_NOT_EXIT)
        if self._rate <= 0:
            raise OSError(f"eSpeak NG finds no data in {data}")
        self._c.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        self._c.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._samples = bytearray()
        # Kept, because the library does not hold a reference to it.
        self._heard = _HEARD(self._hear)
        self._c.espeak_SetSynthCallback(self._heard)

    def voices(self) -> list[list[Any]]:
        listed = self._c.espeak_ListVoices(None)
        found: list[list[Any]] = []
        index = 0
        while listed[index]:
            voice = listed[index].contents
            name, handle = voice.name.decode().strip(), voice.identifier.decode()
            found.append([name, handle, _languages(voice.languages)])
            index += 1
        return found

    def choose(self, voice: str) -> None:
        if self._c.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"eSpeak NG has no voice {voice!r}")

    def phonemes(self, text: str) -> str:
        kept = ctypes.create_string_buffer(text.encode())
        place = ctypes.c_void_p(ctypes.addressof(kept))
        parts: list[str] = []
        while place.value:
            # One clause a call; it moves the pointer on, and to null at the end.
            part = self._c.espeak_TextToPhonemes(ctypes.byref(place), _UTF8, _IPA)
            if part:
                parts.append(part.decode())
        return " ".join(parts)

    def speak(self, text: str, words_per_minute: int, pitch: int) -> bytes:
        self._c.espeak_SetParameter(_PARAMETER_RATE, words_per_minute, 0)
        self._c.espeak_SetParameter(_PARAMETER_PITCH, pitch, 0)
        self._samples.clear()
        raw = text.encode()
        if self._c.espeak_Synth(raw, ctypes.c_size_t(len(raw) + 1), 0, 1, 0, _UTF8, None, None) != 0:
            raise ValueError("eSpeak NG could not speak this text")
        return bytes(self._samples)

    @property
    def rate(self) -> int:
        return self._rate

    def _hear(self, samples: int | None, count: int, _events: int | None) -> int:
        if samples:
            self._samples += ctypes.string_at(samples, count * 2)
        return 0


def _languages(place: int) -> list[list[Any]]:
    """Read a list of: a byte of priority, a name, a zero; a zero ends it."""
    found: list[list[Any]] = []
    while (priority := ctypes.string_at(place, 1)[0]) != 0:
        name = ctypes.string_at(place + 1)
        found.append([name.decode(), priority])
        place += len(name) + 2
    return found


def _answer(library: _Library, request: dict[str, Any]) -> dict[str, Any]:
    if request["do"] == "voices":
        return {"voices": library.voices()}
    library.choose(request["voice"])
    if request["do"] == "phonemes":
        return {"phonemes": [library.phonemes(text) for text in request["texts"]]}
    spoken = library.speak(request["text"], request["words_per_minute"], request["pitch"])
    return {"rate": library.rate, "samples": base64.b64encode(spoken).decode()}


def _carry_out(library: _Library, line: str) -> None:
    """Answer one request, in the fork."""
    try:
        answer = _answer(library, json.loads(line))
    except ValueError as error:
        answer = {"error": str(error)}
    _write(answer)


def _write(answer: dict[str, Any]) -> None:
    try:
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever asked is gone, and with them the need for this program.
        os._exit(0)


def _main() -> None:
    library = _Library()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _carry_out(library, line)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            # Not over this text: who asked is to see that it was killed.
            os.kill(os.getpid(), signal.SIGKILL)
        if status != 0:
            _write({"error": "eSpeak NG crashed over this text"})


if __name__ == "__main__":
    _main()
