"""Hands: sound and moving pictures through the ffmpeg program, and fetching what a link names.

Everything here that decodes belongs into a process of its own: what people send is not to be trusted.
"""

from ._audio import AUDIO_TYPES, AudioFormat, encode_audio, read_audio
from ._fetch import Fetched, FetchError, FetchRules, Kind, fetch, sniff
from ._ffmpeg import FfmpegError, ffmpeg_path, run_ffmpeg
from ._frame import Frame, Planes
from ._loudness import levelled, loudness
from ._thread import in_own_thread
from ._video import Clip, VideoWriter, decoded, frames, probe

__all__ = [
    "AUDIO_TYPES",
    "AudioFormat",
    "Clip",
    "FetchError",
    "FetchRules",
    "Fetched",
    "FfmpegError",
    "Frame",
    "Kind",
    "Planes",
    "VideoWriter",
    "decoded",
    "encode_audio",
    "fetch",
    "ffmpeg_path",
    "frames",
    "in_own_thread",
    "levelled",
    "loudness",
    "probe",
    "read_audio",
    "run_ffmpeg",
    "sniff",
]
