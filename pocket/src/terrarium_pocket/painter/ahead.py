from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Iterator[T], count: int) -> Iterator[T]:
    """Yield items in their order, while a thread of its own makes up to ``count`` of the next ones.

    What making an item raises is raised here in its place.
    """
    with ThreadPoolExecutor(1) as pool:
        made = deque(pool.submit(next, items, None) for _ in range(count))
        try:
            while (item := made.popleft().result()) is not None:
                made.append(pool.submit(next, items, None))
                yield item
        finally:
            pool.shutdown(cancel_futures=True)
