"""The processing time of one second of speech, through the engine and with the network alone."""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any

import numpy as np
import onnxruntime

from support.cases.espeak import CASE as ESPEAK
from support.cases.piper import CASE as PIPER
from support.driver import EngineDriver
from support.pocket import medium, pocket_job
from terrarium_pocket.piper import engine as piper
from terrarium_server.engines import Job

_SECONDS = 20.0
_TEXT = (
    "The old lighthouse keeper climbed the stairs; at the top, he lit the lamp. Its beam swept over the dark "
    "water, and one after the other, the ships found home. Nobody on board knew his name. He did not mind!"
)

# The phonemes of that text by eSpeak NG, so that the bare session needs nothing else.
_PHONEMES = (
    "ðɪ ˈoʊld lˈaɪthaʊs kˈiːpɚ klˈaɪmd ðə stˈɛɹz; æt ðə tˈɑːp, hiː lˈɪt ðə lˈæmp.",
    "ɪts bˈiːm swˈɛpt ˌoʊvɚ ðə dˈɑːɹk wˈɔːɾɚ, ænd wˈʌn ˈæftɚ ðɪ ˈʌðɚ, ðə ʃˈɪps fˈaʊnd hˈoʊm.",
    "nˈoʊbɑːdi ˌɔn bˈɔːɹd nˈuː hɪz nˈeɪm.",
    "hiː dɪdnˌɑːt mˈaɪnd!",
)


def run(seconds: float = _SECONDS) -> None:
    """Measure alternately for ``seconds`` and print seconds of processing per second of speech."""
    job = pocket_job("t2a-piper-joe", _TEXT, format="wav")
    robots_job = pocket_job("t2a-espeak", _TEXT, format="wav")
    bare, load_seconds = _bare(job)
    with PIPER.driver() as joe, ESPEAK.driver() as robot:
        turns: dict[str, Callable[[int], float]] = {
            "Piper voice, engine": lambda turn: _through(joe, job, turn),
            "Piper voice, bare onnxruntime session": lambda _: bare(),
            "eSpeak NG, engine": lambda turn: _through(robot, robots_job, turn),
        }
        firsts = {name: _timed(measure, 0)[0] for name, measure in turns.items()}
        factors: dict[str, list[float]] = {name: [] for name in turns}
        end, turn = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            turn += 1
            # Alternately, because the speed of a shared machine varies.
            for name, measure in turns.items():
                took, spoken = _timed(measure, turn)
                factors[name].append(took / spoken)
    print("\n## speech\n| | seconds for one of speech | times real time | first run, s |\n|---|--:|--:|--:|")
    firsts["Piper voice, bare onnxruntime session"] += load_seconds
    for name, values in factors.items():
        middle = median(values)
        print(f"| {name} | {middle:.3f} | {1 / middle:.1f} | {firsts[name]:.2f} |")
    ratios = zip(*list(factors.values())[:2], strict=True)
    print(f"\nengine / bare, median of {turn} turns: {median(ours / alone for ours, alone in ratios):.2f}")


def _timed(measure: Callable[[int], float], turn: int) -> tuple[float, float]:
    start = time.perf_counter()
    spoken = measure(turn)
    return time.perf_counter() - start, spoken


def _through(driver: EngineDriver, job: Job, turn: int) -> float:
    """Speak through an engine: eSpeak NG, network, joining, loudness, file. Return the seconds of speech."""
    spoken = medium(driver.run(replace(job, key=f"run_{turn}", seed=turn)))
    return (len(spoken) - 44) / 2 / 22_050


def _bare(job: Job) -> tuple[Callable[[], float], float]:
    """Return a function that speaks the same sentences with a bare session, and the session's load time."""
    described = json.loads(job.weights["voice.onnx.json"].read_text("utf-8"))
    ids, tuning = described["phoneme_id_map"], described["inference"]
    read = [
        np.array(
            [[*ids["^"], *ids["_"], *(one for sign in ipa for one in (*ids[sign], *ids["_"])), *ids["$"]]]
        )
        for ipa in _PHONEMES
    ]
    options: Any = onnxruntime.SessionOptions()
    options.intra_op_num_threads = piper.threads_for(1)
    start = time.perf_counter()
    session: Any = onnxruntime.InferenceSession(
        str(job.weights["voice.onnx"]), options, providers=["CPUExecutionProvider"]
    )
    took = time.perf_counter() - start
    scales = np.array([tuning["noise_scale"], tuning["length_scale"], tuning["noise_w"]], np.float32)

    def speak() -> float:
        spoken = 0
        for row in read:
            feeds = {"input": row, "input_lengths": np.array([row.shape[1]]), "scales": scales}
            spoken += session.run(None, feeds)[0].size
        return spoken / described["audio"]["sample_rate"]

    return speak, took


if __name__ == "__main__":
    run(*(float(word) for word in sys.argv[1:]))
