"""How fast the sketch engine makes pictures and clips, compared with encoding the same frames alone."""

import io
import multiprocessing
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from PIL import Image

from terrarium_pocket.sketch.animation import Clip, ClipSettings, animate_picture, animate_scene
from terrarium_pocket.sketch.animation.clip import CRF, PRESET
from terrarium_pocket.sketch.painter import paint
from terrarium_server.media import VideoWriter

_PICTURES = (
    "a ceramic mug on a sunlit table",
    "a mountain lake at dawn",
    "neon city at night",
    "a bouquet of roses",
)
_PROMPTS = (
    "a ceramic mug on a sunlit table",
    "ocean waves at sunset",
    "neon city in the rain",
    "snow in a forest",
    "portrait of a woman with red hair",
)
_MOVES = (("push-in", ""), ("pan-right", ""), ("orbit", "snow"))
_SECONDS, _FPS = 4.0, 24

Made = TypeVar("Made")


def run(seconds: float = 60.0) -> None:
    """Make pictures and clips for about ``seconds`` and print the times."""
    end = time.perf_counter() + seconds
    print("\n## sketch: pictures\n")
    print("| pixels | seconds each | worst |")
    print("|--|--:|--:|", flush=True)
    for side in (512, 1024, 2048):
        taken = [
            _timed(lambda p=prompt, s=side: paint(p, width=s, height=s, seed=1))[0].wall
            for prompt in _PICTURES[: 2 if side > 1024 else None]
        ]
        print(f"| {side} x {side} | {sum(taken) / len(taken):.2f} | {max(taken):.2f} |", flush=True)
    # A separate process, so that it and its child processes can be bound to one core.
    child = multiprocessing.get_context("fork").Process(target=_animate_all, args=(end,))
    child.start()
    child.join()
    if child.exitcode:
        sys.exit("the clips failed")


class _Seconds(NamedTuple):
    """Wall-clock seconds, and processor seconds including ffmpeg's."""

    wall: float
    processor: float


def _animate_all(end: float) -> None:
    if sys.platform == "linux":
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(f"\n## sketch: clips of {_SECONDS:.0f} s, 1280 x 720, {_FPS} fps, on one core\n")
    print("| clip | opening s | frames/s | bare ffmpeg | x real time | by processor time | MB |")
    print("|--|--:|--:|--:|--:|--:|--:|", flush=True)
    for prompt in _PROMPTS:
        settings = ClipSettings(1280, 720, _FPS, _SECONDS, "auto", 1)
        _measure(
            f"t2v {prompt}", lambda p=prompt, s=settings: animate_scene(p, s, style="auto", report=_quiet)
        )
        if time.perf_counter() > end:
            return
    painted = paint("a red vase on a table", width=1536, height=1024, seed=2)
    picture = Image.open(io.BytesIO(painted.png)).convert("RGB")
    for move, prompt in _MOVES:
        settings = ClipSettings(1280, 720, _FPS, _SECONDS, move, 1)
        _measure(
            f"i2v {move} {prompt}".strip(),
            lambda p=prompt, s=settings: animate_picture(picture, p, s, report=_quiet),
        )
        if time.perf_counter() > end:
            return


def _measure(name: str, open_clip: Callable[[], Clip]) -> None:
    opening, clip = _timed(open_clip)
    writing, made = _timed(lambda: clip.write(sound=None, report=_quiet))
    bare = _encoding(clip)
    whole = _Seconds(opening.wall + writing.wall, opening.processor + writing.processor)
    print(
        f"| {name} | {opening.wall:.2f} | {clip.count / writing.wall:.1f} | {clip.count / bare.wall:.1f} "
        f"| {clip.seconds / whole.wall:.2f} | {clip.seconds / whole.processor:.2f} | {len(made) / 1e6:.1f} |",
        flush=True,
    )


def _encoding(clip: Clip) -> _Seconds:
    """The time to encode frames that are already made."""
    made = [clip.frame(index) for index in range(clip.count)]

    def encode() -> None:
        size = clip.width, clip.height
        with VideoWriter(*size, clip.fps, crf=CRF, preset=PRESET, planar=True) as writer:
            for frame in made:
                writer.write(frame)
            writer.finish()

    return _timed(encode)[0]


def _timed(task: Callable[[], Made]) -> tuple[_Seconds, Made]:
    clock, before = time.perf_counter(), _processor_seconds()
    made = task()
    return _Seconds(time.perf_counter() - clock, _processor_seconds() - before), made


def _processor_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def _quiet(_: float) -> None:
    """A progress callback that does nothing."""
