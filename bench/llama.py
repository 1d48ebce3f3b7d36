"""How fast the shipped language model writes through its engine, compared with llama.cpp alone."""

import importlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

from support.cases.llama import CASE, MODEL
from support.driver import EngineDriver
from support.pocket import pocket_job
from terrarium_server.engines import Finished, Job, Progress

_SECONDS = 40.0
_PROMPT = "Tell the whole story of a fern on a windowsill, chapter by chapter."
_LENGTHS = (8, 64, 256)


def run(seconds: float = _SECONDS) -> None:
    """Let both write the same answers alternately and print a table."""
    with CASE.driver() as llama:
        alone = _Alone(_job(1))
        _turn(lambda: _written(llama, _job(1)))
        print("\n## llama: answers of the shipped model on one core, medians\n")
        print(
            "| tokens | first text ms | whole ms | tokens/s | alone: first ms | whole ms | tokens/s | ratio |"
        )
        print("|--:|--:|--:|--:|--:|--:|--:|--:|")
        for length in _LENGTHS:
            _measure(llama, alone, _job(length), seconds / len(_LENGTHS))


def _job(tokens: int) -> Job:
    return pocket_job(MODEL, _PROMPT, system_prompt="", max_tokens=tokens)


def _measure(llama: EngineDriver, alone: "_Alone", job: Job, seconds: float) -> None:
    ours, bare = list[_Turn](), list[_Turn]()
    end = time.monotonic() + seconds
    # Alternately, because the speed of a shared machine varies.
    while not ours or time.monotonic() < end:
        fresh = replace(job, key=f"run_{job.params['max_tokens']}_{len(ours)}")
        ours.append(_turn(lambda fresh=fresh: _written(llama, fresh)))
        bare.append(_turn(lambda: alone.write(job)))
        assert ours[-1].text == bare[-1].text, "the texts differ"
    tokens = alone.tokens
    (first, whole), (bare_first, bare_whole) = _middle(ours), _middle(bare)
    print(
        f"| {tokens} | {first * 1000:.0f} | {whole * 1000:.0f} | {tokens / whole:.0f} |"
        f" {bare_first * 1000:.0f} | {bare_whole * 1000:.0f} | {tokens / bare_whole:.0f} |"
        f" {bare_whole / whole:.2f} |",
        flush=True,
    )


class _Turn:
    def __init__(self, started: float, first: float, text: str) -> None:
        self.first = first - started
        self.whole = time.perf_counter() - started
        self.text = text


def _turn(write: Callable[[], tuple[float, str]]) -> _Turn:
    started = time.perf_counter()
    return _Turn(started, *write())


def _middle(turns: Sequence[_Turn]) -> tuple[float, float]:
    return median(turn.first for turn in turns), median(turn.whole for turn in turns)


def _written(llama: EngineDriver, job: Job) -> tuple[float, str]:
    """Return the time of the first text, and the whole text."""
    first = 0.0
    for event in llama.follow(llama.submit(job)):
        if isinstance(event, Finished):
            return first or time.perf_counter(), str(event.outputs[0].data)
        assert isinstance(event, Progress), event
        if event.preview is not None and not first:
            first = time.perf_counter()
    raise AssertionError("the job did not finish")


class _Alone:
    """The bare library with the same settings, in this process."""

    def __init__(self, job: Job) -> None:
        library: Any = importlib.import_module("xllamacpp")
        params = library.CommonParams()
        params.model.path = str(job.weights["model.gguf"])
        params.n_ctx = job.options["context"]
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
        params.cache_prompt = False
        params.verbosity = 1
        self._server = library.Server(params)
        self.tokens = 0

    def write(self, job: Job) -> tuple[float, str]:
        parts: list[str] = []
        first = 0.0

        def receive(chunk: dict[str, Any]) -> None:
            nonlocal first
            content = chunk["choices"][0]["delta"].get("content")
            if content:
                first = first or time.perf_counter()
                parts.append(content)
            if "timings" in chunk:
                self.tokens = chunk["timings"]["predicted_n"]

        request = {
            "messages": [{"role": "user", "content": job.prompt}],
            "stream": True,
            "cache_prompt": False,
            "seed": job.seed,
            "max_tokens": job.params["max_tokens"],
            "temperature": job.params["temperature"],
            "top_p": job.params["top_p"],
            "repeat_penalty": job.params["repetition_penalty"],
            "dry_multiplier": job.options["dry_multiplier"],
            "dry_penalty_last_n": job.options["context"],
        }
        self._server.handle_chat_completions(request, receive)
        return first, "".join(parts).strip()
