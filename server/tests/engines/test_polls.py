"""Polling a job: when, for how long, and with which end."""

import asyncio
import time
from collections.abc import Iterable

import pytest

from terrarium_server.engines import Failed, Finished, Lost, News, Output, Progress
from terrarium_server.engines.provider import ProviderError
from terrarium_server.engines.provider import _polls as polls
from terrarium_server.engines.provider._polls import poll

BUSY = Failed("GENERATION_QUEUE_TOO_LARGE", "The provider is busy; try again later.", 0.3)
DONE = Finished((Output("text/plain", "a fern"),))


def error(status: int | None, failure: Failed | None = None) -> ProviderError:
    failure = failure or Failed("GENERATION_DOWNSTREAM_SERVICE_ERROR", "The provider failed.")
    return ProviderError(failure, status=status)


class Job:
    """Answers polls in turn, the last answer for ever; ``polled`` has their times in seconds."""

    def __init__(self, answers: Iterable[News | ProviderError]) -> None:
        self._answers = list(answers)
        self._began = time.monotonic()
        self.polled: list[float] = []

    async def poll_once(self) -> News:
        self.polled.append(time.monotonic() - self._began)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, ProviderError):
            raise answer
        return answer


def followed(job: Job, *, first: float = 0.01, slowest: float = 0.01, patience: float = 300.0) -> list[News]:
    async def follow() -> list[News]:
        return [news async for news in poll(job.poll_once, first=first, slowest=slowest, patience=patience)]

    return asyncio.run(follow())


def test_progress_never_goes_back_and_the_end_is_yielded_once() -> None:
    shown = Output("text/plain", "a")
    job = Job([Progress(0.2), Progress(0.1, shown), Progress(0.5), DONE])
    assert followed(job) == [Progress(0.2), Progress(0.2, shown), Progress(0.5), DONE]


def test_a_job_is_polled_at_once_and_then_ever_more_slowly() -> None:
    job = Job([*[Progress(0.0)] * 5, DONE])
    followed(job, first=0.1, slowest=0.2)
    pauses = [later - sooner for sooner, later in zip(job.polled, job.polled[1:], strict=False)]
    assert job.polled[0] < 0.1
    for pause, expected in zip(pauses, (0.1, 0.15, 0.2, 0.2, 0.2), strict=True):
        assert expected <= pause < expected + 0.1


def test_a_temporary_error_is_tolerated_for_a_while() -> None:
    temporary, final = error(502), error(401)
    assert followed(Job([Progress(0.5), temporary, DONE])) == [Progress(0.5), Progress(0.5), DONE]
    assert followed(Job([temporary, error(None), DONE])) == [Progress(0.0), Progress(0.0), DONE]
    assert followed(Job([Progress(0.5), final])) == [Progress(0.5), final.failure]
    news = followed(Job([temporary]), patience=0.1)
    assert news[-1] == temporary.failure and len(news) > 2
    # The time starts anew with each series of errors.
    job = Job([answer for _ in range(10) for answer in (temporary, temporary, Progress(0.5))] + [DONE])
    assert followed(job, patience=0.15)[-1] == DONE


@pytest.mark.parametrize("status", [404, 410])
def test_a_job_that_the_provider_does_not_know_is_lost(status: int) -> None:
    assert followed(Job([Progress(0.5), error(status)])) == [Progress(0.5), Lost()]


def test_a_delay_that_the_provider_names_is_waited_for_with_progress_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(polls, "_LONGEST_SILENCE", 0.1)
    job = Job([Progress(0.5), error(429, BUSY), DONE])
    news = followed(job)
    assert job.polled[2] - job.polled[1] >= 0.3
    assert news[-1] == DONE and set(news[:-1]) == {Progress(0.5)} and len(news) >= 5


def test_a_follower_that_stops_ends_the_polling() -> None:
    job = Job([Progress(0.5)])

    async def follow() -> None:
        async for _ in (news := poll(job.poll_once, first=0.01, slowest=0.01)):
            break
        await news.aclose()
        await asyncio.sleep(0.05)

    asyncio.run(follow())
    assert len(job.polled) == 1
