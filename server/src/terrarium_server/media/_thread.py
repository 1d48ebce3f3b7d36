"""Blocking work in a thread of its own."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def in_own_thread(work: Callable[[], T]) -> T:
    """Run work that may take minutes and cannot be cancelled, such as resolving a name, in a new thread.

    The few threads of `asyncio.to_thread` are shared, and the program waits for them before it ends. If the
    caller is cancelled it stops waiting; the work itself continues to its end.
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
