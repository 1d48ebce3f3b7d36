"""Media: audio and video through the ffmpeg program, and fetching files from links.

Call whatever decodes in a process of its own only: the files that people send cannot be trusted.
"""

from ._audio import AUDIO_TYPES, AudioFormat, encode_audio, read_audio
from ._fetch import Fetched, fetch
from ._ffmpeg import Exhausted, FfmpegError, Killed, Resource, ffmpeg_path, run_ffmpeg
from ._frame import Frame, Planes
from ._inflate import inflated
from ._links import FetchError, FetchRules, check_link
from ._loudness import levelled, loudness
from ._sniff import MediaKind, sniff
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
    "MediaKind",
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
