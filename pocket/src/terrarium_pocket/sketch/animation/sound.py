"""The soundtrack of a clip: as long as the picture, faded out at its end."""

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from terrarium_server.engines.child import JobError, shortage_of
from terrarium_server.media import encode_audio, read_audio

_RATE = 48_000
_FADE = 0.6


@contextmanager
def soundtrack(path: Path, seconds: float) -> Generator[Path]:
    """A WAV file of ``seconds``: the sound, then silence; a longer sound is faded out. Raises JobError."""
    try:
        samples = read_audio(path, _RATE, max_seconds=seconds)
    except Exception as error:
        if shortage_of(error) is not None:
            raise
        # Decoders raise many kinds of exceptions for broken files.
        message = f"The audio could not be read ({str(error)[:120]}); send a whole WAV, MP3, M4A or OGG file."
        raise JobError("GENERATION_INPUT_VALIDATION", message) from error
    length = round(seconds * _RATE)
    whole = np.zeros((length, 2), dtype=np.float32)
    whole[: len(samples)] = samples[:length]
    end = min(len(samples), length)
    fade = min(end, round(min(_FADE, seconds / 4) * _RATE))
    whole[end - fade : end] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)[:, None]
    with tempfile.TemporaryDirectory(prefix="terrarium-sound-") as folder:
        file = Path(folder) / "soundtrack.wav"
        file.write_bytes(encode_audio(whole, _RATE, "wav"))
        yield file
