"""The moments at which the tests kill a process that carries a run."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

MODELS = {"paid": "t2i-paid", "free": "t2i-free"}

CARRYING = [
    "inside runs.claim 1",
    "after runs.claim 1",
    "before engine.submit 1",
    "after engine.submit 1",
    "before engine.look 1",
    "inside runs.advance 1",
    "after runs.advance 1",
    "before assets.keep 1",
    "after assets.keep 1",
    "inside runs.complete 1",
    "inside canvas.land 1",
    "after canvas.land 1",
]

# The provider has said yes and we have not written it down: only here may it hear of a job twice.
BETWEEN = "after engine.submit 1"

# The stories are mostly waiting, for a dead worker's heartbeat to grow old above all.
_AT_ONCE = 6


@contextmanager
def told_at_once(cases: Iterable[str], tell: Callable[[str], T]) -> Iterator[dict[str, Future[T]]]:
    """Tell one story for each case, several at a time; the future of a case has its end or its failure."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        yield {case: pool.submit(tell, case) for case in cases}
        pool.shutdown(cancel_futures=True)
