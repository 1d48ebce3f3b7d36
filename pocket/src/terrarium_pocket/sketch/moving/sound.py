"""A sound laid under a clip: as long as the picture, with an end that is not cut off."""

import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from terrarium_server.engines._child import Unfit
from terrarium_server.engines._shortage import shortage_of
from terrarium_server.media import encode_audio, read_audio

_RATE = 48_000
_FADE = 0.6


@contextmanager
def bed(path: Path, seconds: float) -> Generator[Path]:
    """A file with the sound, silent after its end and faded out at the picture's. Raises Unfit."""
    try:
        samples = read_audio(path, _RATE, max_seconds=seconds)
    except Exception as error:
        if shortage_of(error) is not None:
            raise
        # Decoders raise all kinds of things at broken files.
        message = f"The audio could not be read ({str(error)[:120]}); send a whole WAV, MP3, M4A or OGG file."
        raise Unfit("GENERATION_INPUT_VALIDATION", message) from error
    length = round(seconds * _RATE)
    whole = np.zeros((length, 2), dtype=np.float32)
    whole[: len(samples)] = samples[:length]
    end = min(len(samples), length)
    fade = min(end, round(min(_FADE, seconds / 4) * _RATE))
    whole[end - fade : end] *= np.linspace(1.0, 0.0, fade, dtype=np.float32)[:, None]
    with tempfile.TemporaryDirectory(prefix="terrarium-sound-") as folder:
        file = Path(folder) / "bed.wav"
        file.write_bytes(encode_audio(whole, _RATE, "wav"))
        yield file
