import asyncio
import concurrent.futures
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_own_thread(work: Callable[[], T]) -> T:
    """Wait for work that may take minutes and that nothing can stop, such as resolving a name.

    The threads that `asyncio.to_thread` shares are few, and a program waits for them before it ends. Whoever
    is cancelled waits no longer; the work itself goes on to its end.
    """
    future: concurrent.futures.Future[T] = concurrent.futures.Future()

    def run() -> None:
        if not future.set_running_or_notify_cancel():
            return
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="terrarium-resolver", daemon=True).start()
    return await asyncio.wrap_future(future)
