"""Computes the next items of an iterator in a thread."""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def prefetch(items: Iterator[T], count: int) -> Iterator[T]:
    """Yield items in their order, while a thread computes up to ``count`` of the next ones.

    An exception of the iterator is raised here in its place.
    """
    with ThreadPoolExecutor(1) as pool:
        futures = deque(pool.submit(next, items, None) for _ in range(count))
        try:
            while (item := futures.popleft().result()) is not None:
                futures.append(pool.submit(next, items, None))
                yield item
        finally:
            pool.shutdown(cancel_futures=True)
