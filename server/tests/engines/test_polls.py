"""Asking how a job stands: when, for how long, and what comes of it."""

import asyncio
import time
from collections.abc import Iterable

import pytest

from terrarium_server.engines import Failed, Finished, Lost, News, Output, Progress
from terrarium_server.engines import _polls as polls
from terrarium_server.engines._failures import ProviderError
from terrarium_server.engines._polls import poll

BUSY = Failed("GENERATION_QUEUE_TOO_LARGE", "The provider is busy; try again later.", 0.3)
DONE = Finished((Output("text/plain", "a fern"),))


def trouble(status: int | None, failure: Failed | None = None) -> ProviderError:
    failure = failure or Failed("GENERATION_DOWNSTREAM_SERVICE_ERROR", "The provider has trouble.")
    return ProviderError(failure, status=status)


class Told:
    """Answers in turn, the last answer for ever; ``asked`` is when, in seconds since it was made."""

    def __init__(self, answers: Iterable[News | ProviderError]) -> None:
        self._answers = list(answers)
        self._began = time.monotonic()
        self.asked: list[float] = []

    async def ask(self) -> News:
        self.asked.append(time.monotonic() - self._began)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, ProviderError):
            raise answer
        return answer


def heard(told: Told, *, first: float = 0.01, slowest: float = 0.01, patience: float = 300.0) -> list[News]:
    async def listen() -> list[News]:
        return [news async for news in poll(told.ask, first=first, slowest=slowest, patience=patience)]

    return asyncio.run(listen())


def test_progress_never_goes_back_and_the_end_is_told_once() -> None:
    shown = Output("text/plain", "a")
    told = Told([Progress(0.2), Progress(0.1, shown), Progress(0.5), DONE])
    assert heard(told) == [Progress(0.2), Progress(0.2, shown), Progress(0.5), DONE]


def test_it_is_asked_at_once_and_then_ever_more_slowly() -> None:
    told = Told([*[Progress(0.0)] * 5, DONE])
    heard(told, first=0.1, slowest=0.2)
    pauses = [later - sooner for sooner, later in zip(told.asked, told.asked[1:], strict=False)]
    assert told.asked[0] < 0.1
    for pause, expected in zip(pauses, (0.1, 0.15, 0.2, 0.2, 0.2), strict=True):
        assert expected <= pause < expected + 0.1


def test_a_hiccup_while_asking_is_put_up_with_for_a_while() -> None:
    hiccup, final = trouble(502), trouble(401)
    assert heard(Told([Progress(0.5), hiccup, DONE])) == [Progress(0.5), Progress(0.5), DONE]
    assert heard(Told([hiccup, trouble(None), DONE])) == [Progress(0.0), Progress(0.0), DONE]
    assert heard(Told([Progress(0.5), final])) == [Progress(0.5), final.failure]
    seen = heard(Told([hiccup]), patience=0.1)
    assert seen[-1] == hiccup.failure and len(seen) > 2
    # Each trouble has its own time.
    told = Told([answer for _ in range(10) for answer in (hiccup, hiccup, Progress(0.5))] + [DONE])
    assert heard(told, patience=0.15)[-1] == DONE


@pytest.mark.parametrize("status", [404, 410])
def test_a_job_that_the_provider_does_not_know_is_lost(status: int) -> None:
    assert heard(Told([Progress(0.5), trouble(status)])) == [Progress(0.5), Lost()]


def test_a_delay_that_the_provider_names_is_waited_for_and_not_in_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(polls, "_LONGEST_SILENCE", 0.1)
    told = Told([Progress(0.5), trouble(429, BUSY), DONE])
    seen = heard(told)
    assert told.asked[2] - told.asked[1] >= 0.3
    assert seen[-1] == DONE and set(seen[:-1]) == {Progress(0.5)} and len(seen) >= 5


def test_leaving_ends_the_asking() -> None:
    told = Told([Progress(0.5)])

    async def listen() -> None:
        async for _ in (news := poll(told.ask, first=0.01, slowest=0.01)):
            break
        await news.aclose()
        await asyncio.sleep(0.05)

    asyncio.run(listen())
    assert len(told.asked) == 1
