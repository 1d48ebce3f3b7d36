"""How much faster than real time the band plays, compared with the bare synthesiser and the same notes."""

import statistics
import time
from pathlib import Path

import tinysoundfont  # pyright: ignore[reportMissingTypeStubs]

from support.cases.band import CASE
from support.driver import EngineDriver
from support.pocket import medium, pocket_job
from terrarium_pocket.band.brief import read_brief
from terrarium_pocket.band.compose import compose
from terrarium_pocket.band.perform import perform
from terrarium_server.engines import Job

_PROMPTS = (
    "a slow melancholic piano waltz in A minor with strings",
    "smoky jazz at 130 bpm",
    "an epic orchestral trailer",
)
_RATE = 44_100
_TURNS = 3
_FONT = "instruments.sf3"


def run(seconds: float = 30.0) -> None:
    """Print a table for pieces of so many seconds: the whole job, and only rendering its notes."""
    print(f"\n## band: pieces of {seconds:.0f} s\n")
    print("| prompt | notes | job s | × real time | bare s | × real time | job / bare |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    began = time.perf_counter()
    font = pocket_job("t2a-band", "").weights[_FONT]
    bare_synth = _Bare(font)
    loading = time.perf_counter() - began
    with CASE.driver() as band:
        began = time.perf_counter()
        _play(band, pocket_job("t2a-band", _PROMPTS[0], key="cold", duration=seconds))
        cold = time.perf_counter() - began
        for prompt in _PROMPTS:
            ours, bares, notes = list[float](), list[float](), 0
            # Alternately, because the speed of a shared machine varies.
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


def _play(band: EngineDriver, job: Job) -> None:
    medium(band.run(job))


class _Bare:
    """The unmodified synthesiser: each part on a channel, one pass, without composing, mixing or encoding."""

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
            for note in perform(score, part, brief):
                events.append((note.begins, 1, channel, note.pitch, note.velocity))
                events.append((note.ends, 0, channel, note.pitch, 0))
        now = 0
        for when, is_start, channel, pitch, velocity in sorted(events):
            if (ahead := round(when * _RATE) - now) > 0:
                self._synth.generate_simple(ahead)
                now += ahead
            if is_start:
                self._synth.noteon(channel, pitch, velocity)
            else:
                self._synth.noteoff(channel, pitch)
        self._synth.generate_simple(max(1, round(score.seconds * _RATE) - now))
        self._synth.sounds_off()
        return len(events) // 2
