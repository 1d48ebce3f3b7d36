"""A program that speaks with the eSpeak NG library; it reads requests and writes answers as lines of JSON.

The library is under the GPL and is loaded only here. The requests and their answers:

``{"do": "voices"}`` → ``{"voices": [[name, handle, [[language, priority], …]], …]}``;
``{"do": "phonemes", "voice": …, "texts": […]}`` → ``{"phonemes": […]}``, in IPA;
``{"do": "speak", "voice": …, "text": …, "words_per_minute": …, "pitch": 0–99}`` →
``{"rate": Hz, "samples": …}``, 16-bit little-endian mono in base64. A failure is ``{"error": …}``.

The library keeps state: how a text sounds depends on the texts before. So each request runs in a fork of the
initial process, which makes its answer repeatable. If the library crashes, only that request fails.
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


_SYNTH_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


class _Library:
    def __init__(self) -> None:
        loader: Any = importlib.import_module("espeakng_loader")
        self._c: Any = ctypes.CDLL(loader.get_library_path())
        data = Path(loader.get_data_path())
        # The library stores the path of its data in 160 bytes, so the path is relative.
        os.chdir(data.parent)
        self._rate = self._c.espeak_Initialize(_SYNCHRONOUS, _BUFFER_MS, b".", _DO_NOT_EXIT)
        if self._rate <= 0:
            raise OSError(f"eSpeak NG finds no data in {data}")
        # Breathy voices contain noise, and its seed would be the time.
        self._c.espeak_ng_SetRandSeed(ctypes.c_long(1))
        self._c.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        self._c.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._samples = bytearray()
        # An attribute, because the library holds no reference to it.
        self._callback = _SYNTH_CALLBACK(self._receive)
        self._c.espeak_SetSynthCallback(self._callback)

    def voices(self) -> list[list[Any]]:
        pointers = self._c.espeak_ListVoices(None)
        voices: list[list[Any]] = []
        index = 0
        while pointers[index]:
            voice = pointers[index].contents
            name, handle = voice.name.decode().strip(), voice.identifier.decode()
            voices.append([name, handle, _languages(voice.languages)])
            index += 1
        return voices

    def choose(self, voice: str) -> None:
        if self._c.espeak_SetVoiceByName(voice.encode()) != 0:
            raise ValueError(f"eSpeak NG has no voice {voice!r}")

    def phonemes(self, text: str) -> str:
        buffer = ctypes.create_string_buffer(text.encode())
        position = ctypes.c_void_p(ctypes.addressof(buffer))
        parts: list[str] = []
        while position.value:
            # Each call converts one clause and moves the pointer, to null at the end.
            part = self._c.espeak_TextToPhonemes(ctypes.byref(position), _UTF8, _IPA)
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

    def _receive(self, samples: int | None, count: int, _events: int | None) -> int:
        if samples:
            self._samples += ctypes.string_at(samples, count * 2)
        return 0


def _languages(address: int) -> list[list[Any]]:
    """Read a list whose items are a byte of priority, a name and a zero; another zero ends the list."""
    languages: list[list[Any]] = []
    while (priority := ctypes.string_at(address, 1)[0]) != 0:
        name = ctypes.string_at(address + 1)
        languages.append([name.decode(), priority])
        address += len(name) + 2
    return languages


def _answer(library: _Library, request: dict[str, Any]) -> dict[str, Any]:
    if request["do"] == "voices":
        return {"voices": library.voices()}
    library.choose(request["voice"])
    if request["do"] == "phonemes":
        return {"phonemes": [library.phonemes(text) for text in request["texts"]]}
    spoken = library.speak(request["text"], request["words_per_minute"], request["pitch"])
    return {"rate": library.rate, "samples": base64.b64encode(spoken).decode()}


def _run(library: _Library, line: str) -> None:
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
        # The process that reads the answers has ended.
        os._exit(0)


def _main() -> None:
    library = _Library()
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _run(library, line)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            # The text is not the cause: end in the same way, so that the caller knows.
            os.kill(os.getpid(), signal.SIGKILL)
        if status != 0:
            _write({"error": "eSpeak NG crashed over this text"})


if __name__ == "__main__":
    _main()
