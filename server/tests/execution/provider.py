"""A simulated provider that counts its jobs, and the engines that call it."""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from terrarium_server.catalog import ModelCard
from terrarium_server.engines import (
    Engine,
    Failed,
    Finished,
    Followers,
    Job,
    Lost,
    Mark,
    News,
    Output,
    Progress,
    Refused,
    Ticket,
    Unknown,
)

if TYPE_CHECKING:
    from .observer import Observer
    from .simulation import Process

# Who can follow the jobs of an engine.
FOLLOWERS: dict[str, Followers] = {
    "exact": "anyone",
    "blind": "anyone",
    "machine": "machine",
    "call": "worker",
    "free": "worker",
}
ENGINES = list(FOLLOWERS)
MODELS = {
    "exact-model": "exact",
    "blind-model": "blind",
    "machine-model": "machine",
    "call-model": "call",
    "free-model": "free",
    "exact-or-blind": "exact",
    "call-or-exact": "call",
    "machine-or-blind": "machine",
}
FALLBACK = {
    "exact-or-blind": "blind-model",
    "call-or-exact": "exact-model",
    "machine-or-blind": "blind-model",
}
SILENCE = 90.0
_HEARTBEAT = 30.0

Refusal = Literal["busy", "final"]
End = Literal["finished", "failed", "failed for now", "busy", "lost", "hangs"]
_BUSY = Failed("GENERATION_QUEUE_TOO_LARGE", "busy", retry_after=5.0)
FAILURES = {
    "failed": Failed("GENERATION_PROMPT_MODERATED", "no"),
    "failed for now": Failed("GENERATION_DOWNSTREAM_SERVICE_ERROR", "down"),
    "busy": _BUSY,
}
REFUSALS = {
    "busy": _BUSY,
    "final": Failed("GENERATION_INVALID_PARAMS", "no"),
}


def card(model: str) -> ModelCard:
    """Return the card of one of the models."""
    return ModelCard(
        id=model,
        name=model,
        type="text",
        provider="tests",
        description="Makes what the test says.",
        engine=MODELS[model],
        default_rank=0,
        estimated_seconds=1,
    )


class BrokenCall(Exception):
    """A call failed in a way that the engine does not handle."""


def run_of(key: str) -> str:
    """Return the run that a job's key is for."""
    return key.partition(".")[0]


@dataclass(eq=False)
class ProviderJob:
    """A job that the provider accepted."""

    key: str
    engine: str
    process: "Process" = field(repr=False)
    state: Literal["running", "finished", "failed", "lost", "cancelled", "gone"] = "running"
    failure: Failed | None = None
    hangs: bool = False
    # Whether its run had not ended when it was finished.
    is_wanted: bool = False
    followers: list[asyncio.Event] = field(default_factory=list[asyncio.Event])

    @property
    def run_id(self) -> str:
        return run_of(self.key)

    @property
    def is_paid(self) -> bool:
        return self.engine != "free"

    @property
    def is_live(self) -> bool:
        return self.state == "running"

    def end(self, state: Literal["finished", "failed", "lost", "cancelled", "gone"]) -> None:
        self.state = state
        for event in self.followers:
            event.set()


@dataclass(eq=False)
class Call:
    """A submission whose answer has not reached its process."""

    key: str
    engine: str
    process: "Process"
    answer: asyncio.Future[Ticket]
    # The provider's answer, once it has handled the call.
    result: Ticket | Exception | None = None

    def deliver(self) -> None:
        assert self.result is not None
        if self.answer.cancelled():
            return
        if isinstance(self.result, Exception):
            self.answer.set_exception(self.result)
        else:
            self.answer.set_result(self.result)


class Provider:
    """All providers in one. While it ``is_slow``, the test decides when a call arrives and is answered."""

    def __init__(self, observer: "Observer") -> None:
        self._observer = observer
        observer.provider = self
        self.made: list[ProviderJob] = []
        self.calls: list[Call] = []
        self.is_slow = False
        # The refusals of the next jobs, at `submit` and at `prepare`.
        self.refusals: list[Refusal] = []
        self.early_refusals: list[Refusal] = []
        self.cancels_failing = 0
        self.finds_failing = 0
        # The error codes that each run got, the runs with a broken call, the keys whose search failed once.
        self.reported_codes: dict[str, set[str]] = {}
        self.broken: set[str] = set()
        self.unsure: set[str] = set()
        self.tried: set[tuple[str, str]] = set()
        self.active_calls: Counter[tuple[str, str]] = Counter()

    @property
    def live(self) -> list[ProviderJob]:
        return [job for job in self.made if job.is_live]

    def of_run(self, run_id: str) -> list[ProviderJob]:
        """Return the paid jobs of a run, in order."""
        return [job for job in self.made if job.run_id == run_id and job.is_paid]

    def job(self, key: str) -> ProviderJob | None:
        """Return the last job of a key."""
        return next((job for job in reversed(self.made) if job.key == key), None)

    def call(self, call: Call) -> None:
        """Begin a call of a process."""
        self._observer.calls(call)
        self.calls.append(call)
        if not self.is_slow:
            self.accept(call)
            self.answer(call)

    def accept(self, call: Call) -> None:
        """Let a call arrive, and accept or refuse it."""
        if self.refusals:
            self.refuse(call, self.refusals.pop(0))
            return
        self._observer.accepts(call)
        self.made.append(ProviderJob(call.key, call.engine, call.process))
        call.result = Ticket(call.key)

    def refuse(self, call: Call, how: Refusal) -> None:
        """Let a call arrive, and refuse it."""
        self._observer.note(f"{call.key}: refused ({how})")
        call.result = self.refused(run_of(call.key), how)

    def refused(self, run_id: str, how: Refusal) -> Refused:
        failure = REFUSALS[how]
        self.reported_codes.setdefault(run_id, set()).add(failure.code)
        return Refused(failure.code, failure.message, retry_after=failure.retry_after)

    def break_off(self, call: Call) -> None:
        """Let a call fail in its process, whether or not it has arrived."""
        self._observer.note(f"{call.key}: the connection breaks")
        self.broken.add(run_of(call.key))
        call.result = BrokenCall()
        self.answer(call)

    def answer(self, call: Call) -> None:
        """Deliver the result of a call to its process."""
        self.calls.remove(call)
        call.deliver()

    def end(self, job: ProviderJob, how: End) -> None:
        """End a job, or let it hang for ever."""
        self._observer.note(f"{job.key}: {how} at the provider")
        if how == "hangs":
            job.hangs = True
            return
        if how == "finished" or how == "lost":
            job.is_wanted = not self._observer.rows.runs[job.run_id].is_over
            job.end(how)
            if how == "lost":
                self.reported_codes.setdefault(job.run_id, set()).add("GENERATION_NO_RESULT")
            return
        job.failure = FAILURES[how]
        self.reported_codes.setdefault(job.run_id, set()).add(job.failure.code)
        job.end("failed")

    def process_ended(self, process: "Process") -> None:
        """Drop the calls of a process that has ended, and the jobs that only it could follow."""
        self.calls = [call for call in self.calls if call.process is not process]
        for job in self.live:
            if job.process is process and FOLLOWERS[job.engine] == "worker":
                job.end("gone")

    def heal(self) -> None:
        """Let every call arrive and be answered from now on."""
        self.is_slow = False
        self.refusals, self.early_refusals = [], []
        self.cancels_failing = self.finds_failing = 0
        for call in list(self.calls):
            if call.result is None:
                self.accept(call)
            self.answer(call)


class SimulatedEngine(Engine):
    """An engine in one process."""

    def __init__(self, name: str, process: "Process", provider: Provider) -> None:
        self.name = name
        self.repeatable = name == "free"
        self.longest_silence = math.inf if name == "free" else SILENCE
        self._process = process
        self._provider = provider

    def problem(self, job_options: Mapping[str, Any]) -> str | None:
        return None

    def followers(self, mark: Mark) -> Followers:
        return FOLLOWERS[self.name]

    async def prepare(self, job: Job) -> Mark:
        await self._pause()
        run_id = run_of(job.key)
        self._provider.tried.add((run_id, job.model_id))
        if self._provider.early_refusals:
            how = self._provider.early_refusals.pop(0)
            self._provider._observer.note(f"{job.key}: refused ({how}) before it is marked")
            raise self._provider.refused(run_id, how)
        return Mark(job.key)

    async def submit(self, job: Job, mark: Mark) -> Ticket:
        if self._process.is_discarded:
            raise asyncio.CancelledError
        pair = (self._process.name, run_of(job.key))
        self._provider.active_calls[pair] += 1
        try:
            call = Call(job.key, self.name, self._process, self._process.loop.create_future())
            self._provider.call(call)
            return await call.answer
        finally:
            self._provider.active_calls[pair] -= 1

    async def find(self, mark: Mark) -> Ticket | Unknown | None:
        await self._pause()
        job = self._provider.job(mark)
        if job is not None and job.state in ("lost", "gone"):
            job = None
        if self.name == "blind":
            return Unknown()
        if self.name == "call":
            return Ticket(mark) if job is not None and job.process is self._process else Unknown()
        if self._provider.finds_failing:
            self._provider.finds_failing -= 1
            self._provider.unsure.add(mark)
            return Unknown()
        return Ticket(mark) if job is not None and self._is_here(job) else None

    async def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        await self._pause()
        job = self._provider.job(ticket)
        if job is None or not self._is_here(job):
            yield Lost()
            return
        has_ended = asyncio.Event()
        job.followers.append(has_ended)
        pair = (self._process.name, job.run_id)
        self._provider.active_calls[pair] += 1
        if self._provider.active_calls[pair] > 1 and not self._process.is_discarded:
            self._provider._observer.report(f"two executions of {job.run_id} call an engine at the same time")
        try:
            while job.is_live:
                if not job.hangs:
                    yield Progress(0.5)
                try:
                    async with asyncio.timeout(None if job.hangs else _HEARTBEAT):
                        await has_ended.wait()
                except TimeoutError:
                    continue
        finally:
            self._provider.active_calls[pair] -= 1
            job.followers.remove(has_ended)
        yield self._end_of(job)

    async def cancel(self, ticket: Ticket) -> None:
        await self._pause()
        if self._provider.cancels_failing:
            self._provider.cancels_failing -= 1
            raise BrokenCall
        job = self._provider.job(ticket)
        if job is not None and self._is_here(job) and job.is_live:
            self._provider._observer.cancels(job)
            job.end("cancelled")

    async def close(self) -> None:
        for job in self._provider.live:
            if job.process is self._process and FOLLOWERS[self.name] == "worker" and job.engine == self.name:
                job.end("gone")

    def _end_of(self, job: ProviderJob) -> News:
        match job.state:
            case "finished":
                return Finished((Output("text/plain", job.key),))
            case "failed":
                assert job.failure is not None
                return job.failure
            case _:
                return Lost()

    def _is_here(self, job: ProviderJob) -> bool:
        match FOLLOWERS[self.name]:
            case "anyone":
                return True
            case "machine":
                return job.process.machine == self._process.machine
            case "worker":
                return job.process is self._process

    async def _pause(self) -> None:
        """Yield to the loop once, as every call to a provider does."""
        if self._process.is_discarded:
            raise asyncio.CancelledError
        await asyncio.sleep(0)
