"""Hands: sound and moving pictures through the ffmpeg program, and fetching what a link names.

Everything here that decodes belongs into a process of its own: what people send is not to be trusted.
"""

from ._audio import AUDIO_TYPES, AudioFormat, encode_audio, read_audio
from ._fetch import Fetched, fetch
from ._ffmpeg import Exhausted, FfmpegError, Killed, Resource, ffmpeg_path, run_ffmpeg
from ._frame import Frame, Planes
from ._inflate import inflated
from ._links import FetchError, FetchRules, check_link
from ._loudness import levelled, loudness
from ._sniff import Kind, sniff
from ._video import Clip, VideoWriter, decoded, frames, probe

__all__ = [
    "AUDIO_TYPES",
    "AudioFormat",
    "Clip",
    "Exhausted",
    "FetchError",
    "FetchRules",
    "Fetched",
    "FfmpegError",
    "Frame",
    "Killed",
    "Kind",
    "Planes",
    "Resource",
    "VideoWriter",
    "check_link",
    "decoded",
    "encode_audio",
    "fetch",
    "ffmpeg_path",
    "frames",
    "inflated",
    "levelled",
    "loudness",
    "probe",
    "read_audio",
    "run_ffmpeg",
    "sniff",
]
