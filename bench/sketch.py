"""How fast the sketch engine paints and films, beside ffmpeg alone encoding the very same frames."""

import sys
import time

from terrarium_server.engines._sketch import paint
from terrarium_server.engines._sketch.moving import Clip, Shot, film
from terrarium_server.engines._sketch.moving.clip import CRF
from terrarium_server.media import VideoWriter

_PICTURES = (
    "a ceramic mug on a sunlit table",
    "a mountain lake at dawn",
    "neon city at night",
    "a bouquet of roses",
)
_CLIPS = (
    "a ceramic mug on a sunlit table",
    "ocean waves at sunset",
    "neon city in the rain",
    "snow in a forest",
)


def run(seconds: float = 60.0) -> None:
    """Paint and film for about this long, and print what it took."""
    end = time.perf_counter() + seconds
    for side in (512, 1024, 2048):
        taken = [_timed(lambda p=prompt, s=side: paint(p, width=s, height=s, seed=1)) for prompt in _PICTURES]
        _say(f"image {side:4}x{side:<4} {sum(taken) / len(taken):6.2f} s each (worst {max(taken):.2f})")
    frames = 48
    for prompt in _CLIPS:
        clip = film(prompt, Shot(1280, 720, 24, frames / 24, "auto", 1), style="auto", tell=_quiet)
        whole = _timed(lambda c=clip: c.write(sound=None, tell=_quiet))
        bare = _encoding(clip)
        _say(
            f"720p {prompt[:32]:32} {frames / whole:6.1f} frames/s, bare ffmpeg {frames / bare:6.1f}, "
            f"{frames / 24 / whole:.2f} times real time"
        )
        if time.perf_counter() > end:
            return


def _encoding(clip: Clip) -> float:
    """Seconds for encoding a clip's frames that are there already."""
    made = [clip.frame(index) for index in range(clip.count)]

    def encode() -> None:
        with VideoWriter(clip.width, clip.height, clip.fps, crf=CRF, planar=True) as writer:
            for frame in made:
                writer.write(frame)
            writer.finish()

    return _timed(encode)


def _timed(work: object) -> float:
    assert callable(work)
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _quiet(_: float) -> None:
    """Progress nobody watches."""


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
