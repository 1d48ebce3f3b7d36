"""How much faster than real time the band plays, beside the bare synthesiser with the same notes."""

import statistics
import time
from pathlib import Path

import tinysoundfont  # pyright: ignore[reportMissingTypeStubs]

from support.cases.band import CASE
from support.driving import Driven
from support.pocket import medium, pocket_job
from terrarium_server.engines import Job
from terrarium_server.engines._band import compose, perform, read_brief

_PROMPTS = (
    "a slow melancholic piano waltz in A minor with strings",
    "smoky jazz at 130 bpm",
    "an epic orchestral trailer",
)
_RATE = 44_100
_TURNS = 3
_FONT = "instruments.sf3"


def run(seconds: float = 30.0) -> None:
    """Print a table for pieces of so many seconds: the whole job against nothing but rendering its notes."""
    print(f"\n## band: pieces of {seconds:.0f} s\n")
    print("| prompt | notes | job s | × real time | bare s | × real time | job / bare |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    began = time.perf_counter()
    font = pocket_job("t2a-band", "").weights[_FONT]
    bare_synth = _Bare(font)
    loading = time.perf_counter() - began
    with CASE.driven() as band:
        began = time.perf_counter()
        _play(band, pocket_job("t2a-band", _PROMPTS[0], key="cold", duration=seconds))
        cold = time.perf_counter() - began
        for prompt in _PROMPTS:
            ours, bares, notes = list[float](), list[float](), 0
            # In turns, because a shared machine is faster in one second than in another.
            for turn in range(_TURNS):
                job = pocket_job("t2a-band", prompt, key=f"run_{turn}", duration=seconds, format="wav")
                began = time.perf_counter()
                _play(band, job)
                ours.append(time.perf_counter() - began)
                began = time.perf_counter()
                notes = bare_synth.play(job)
                bares.append(time.perf_counter() - began)
            job_s, bare_s = statistics.median(ours), statistics.median(bares)
            print(
                f"| {prompt} | {notes} | {job_s:.2f} | {seconds / job_s:.0f} | {bare_s:.2f}"
                f" | {seconds / bare_s:.0f} | {job_s / bare_s:.1f} |",
                flush=True,
            )
    print(f"\nFirst job, its process started and instruments loaded: {cold:.1f} s; loading {loading:.1f} s.")


def _play(band: Driven, job: Job) -> None:
    medium(band.made(job))


class _Bare:
    """The synthesiser as it comes: every part on a channel, one pass, nothing composed, mixed or written."""

    def __init__(self, font: Path) -> None:
        self._synth = tinysoundfont.Synth(gain=-12, samplerate=_RATE)
        self._font = self._synth.sfload(str(font))

    def play(self, job: Job) -> int:
        brief = read_brief(job.prompt, job.params, job.seed)
        score = compose(brief)
        events: list[tuple[float, int, int, int, int]] = []
        for channel, part in enumerate(score.parts):
            bank = 128 if part.instrument.kit else 0
            self._synth.program_select(
                channel, self._font, bank, part.instrument.program, part.instrument.kit
            )
            for stroke in perform(score, part, brief):
                events.append((stroke.begins, 1, channel, stroke.pitch, stroke.velocity))
                events.append((stroke.ends, 0, channel, stroke.pitch, 0))
        now = 0
        for when, struck, channel, pitch, velocity in sorted(events):
            if (ahead := round(when * _RATE) - now) > 0:
                self._synth.generate_simple(ahead)
                now += ahead
            if struck:
                self._synth.noteon(channel, pitch, velocity)
            else:
                self._synth.noteoff(channel, pitch)
        self._synth.generate_simple(max(1, round(score.seconds * _RATE) - now))
        self._synth.sounds_off()
        return len(events) // 2
