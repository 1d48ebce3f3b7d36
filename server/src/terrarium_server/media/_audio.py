"""Encoding and decoding sound."""

from __future__ import annotations

import io
import tempfile
import wave
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ._ffmpeg import run_ffmpeg

# Slow to import and needed in model processes only, so they are imported where they are used.
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

AudioFormat = Literal["wav", "mp3", "m4a"]
AUDIO_TYPES: dict[AudioFormat, str] = {"wav": "audio/wav", "mp3": "audio/mpeg", "m4a": "audio/mp4"}

_CODECS: dict[AudioFormat, list[str]] = {
    "wav": ["-c:a", "pcm_s16le", "-f", "wav"],
    "mp3": ["-c:a", "libmp3lame", "-q:a", "2", "-f", "mp3"],
    "m4a": ["-c:a", "aac", "-b:a", "160k", "-movflags", "+faststart", "-f", "ipod"],
}


def encode_audio(samples: NDArray[np.float32], rate: int, format: AudioFormat) -> bytes:
    """Encode samples, (length,) mono or (length, channels) within ±1, at ``rate`` Hz.

    The loudness stays as it is: ffmpeg's one-pass filter would change it within the file. The bytes depend
    only on the arguments. Raises FfmpegError, Exhausted, Killed.
    """
    raw = wav_bytes(samples, rate)
    if format == "wav":
        return raw
    exact = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:a", "+bitexact", "-threads", "1"]
    with tempfile.TemporaryDirectory() as folder:
        # A file, because neither WAV's header nor MP4's index can be written to a pipe.
        made = Path(folder) / f"made.{format}"
        run_ffmpeg(["-i", "pipe:0", *exact, *_CODECS[format], str(made)], stdin=raw)
        return made.read_bytes()


def wav_bytes(samples: NDArray[np.float32], rate: int) -> bytes:
    """Return samples as a 16-bit WAV file."""
    import numpy as np

    whole = np.clip(np.round(samples * 32767.0), -32768, 32767).astype("<i2")
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1 if whole.ndim == 1 else whole.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(whole.tobytes())
    return buffer.getvalue()


def read_audio(path: Path, rate: int, *, max_seconds: float = 600) -> NDArray[np.float32]:
    """Decode a file's sound to (length, 2) at ``rate`` Hz. Raises ValueError if it has none.

    The file may be anybody's: call this in a child process only.
    """
    import av
    import numpy as np

    parts: list[NDArray[np.float32]] = []
    length = 0
    with av.open(str(path)) as container:
        if not container.streams.audio:
            raise ValueError("there is no sound in it")
        resampler = av.AudioResampler(format="fltp", layout="stereo", rate=rate)
        for frame in container.decode(container.streams.audio[0]):
            for resampled in resampler.resample(frame):
                part: Any = resampled.to_ndarray()
                parts.append(part.T)
                length += len(parts[-1])
            if length > max_seconds * rate:
                break
    return np.concatenate(parts)[: int(max_seconds * rate)] if parts else np.zeros((0, 2), np.float32)
