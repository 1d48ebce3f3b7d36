"""The worker of a process: one thread for its event loop, and one that renews its lease."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Sequence

from terrarium_server import runs
from terrarium_server.store import UNAVAILABLE

from ._context import Context
from ._lease import Lease, Renewal, clock_seconds
from ._process import this_machine
from ._worker import Chore, Worker

_log = logging.getLogger(__name__)

_RENEWALS_IN_A_LEASE = 5
# A loop that hangs for so long executes nothing, so other workers shall take over its runs.
_LONGEST_HANG = 60.0
_CLOSE_SECONDS = 5.0


class Workers:
    """The worker of this process. Its event loop is not the API's, so that neither blocks the other."""

    def __init__(
        self,
        context: Context,
        *,
        capacity: int,
        lease_seconds: float,
        drain_seconds: float,
        chores: Sequence[Chore],
    ) -> None:
        """Create the worker; `start` starts it. ``chores`` run periodically, see `Worker`."""
        self._context = context
        self._engines = frozenset(engine.name for engine in context.engines)
        self._capacity = capacity
        self._drain_seconds = drain_seconds
        self._chores = chores
        self._lease = Lease(
            context.database,
            context.worker_id,
            machine=this_machine(),
            engines=" ".join(sorted(self._engines)),
            seconds=lease_seconds,
            single_process=context.single_process,
            is_current=context.is_current,
        )
        self._ready = threading.Event()
        self._ending = threading.Event()
        self._wake_is_pending = False
        self._loop_thread = threading.Thread(target=self._run, name="terrarium-worker", daemon=True)
        self._renewal_thread = threading.Thread(
            target=self._renew_forever, name="terrarium-lease", daemon=True
        )

    def start(self) -> None:
        """Take the lease and start. Raises what the database raises."""
        first = self._lease.renew()
        self._warn_of_missing_engines()
        self._loop_thread.start()
        self._ready.wait()
        self._context.database.notifications.subscribe("ready", self._hear)
        self._context.database.notifications.subscribe("stopped", self._stop_runs)
        self._apply(first, {})
        self._renewal_thread.start()

    def _hear(self, engines: frozenset[str] | None) -> None:
        """Make the worker look for runs of these engines; called on any thread."""
        if engines is not None and self._engines.isdisjoint(engines):
            return
        if self._ready.is_set() and not self._wake_is_pending:
            # One wake-up is enough for many runs that become ready at the same time.
            self._wake_is_pending = True
            self._loop.call_soon_threadsafe(self._wake)

    def _stop_runs(self, run_ids: frozenset[str] | None) -> None:
        """Stop the execution of runs that others have ended; called on any thread.

        Without news of them, the next renewal of the lease finds them.
        """
        if run_ids is not None and self._ready.is_set():
            self._loop.call_soon_threadsafe(self._worker.stop_runs, run_ids)

    def skip_waiting(self) -> None:
        """Make `stop` wait for nothing; may be called from any thread."""
        if self._ready.is_set():
            self._loop.call_soon_threadsafe(self._skip_waiting.set)

    def stop(self) -> None:
        """Claim nothing more, drain the worker (see `Worker.drain`), and release the lease."""
        if not self._loop_thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._stop.set)
        self._loop_thread.join()
        self._ending.set()
        self._renewal_thread.join(_CLOSE_SECONDS)
        try:
            self._lease.release()
        except Exception as error:
            _log.warning("the lease could not be released (%s); it will expire", error)

    def _warn_of_missing_engines(self) -> None:
        with self._context.database.transaction() as tx:
            waiting, available = runs.waiting_by_engine(tx), self._lease.served_engines(tx)
        missing = [f"{name} ({count})" for name, count in sorted(waiting.items()) if name not in available]
        if missing:
            message = (
                "runs wait for engines that no worker has: %s; "
                "install or set them up, or these runs fail in ten minutes"
            )
            _log.warning(message, ", ".join(missing))

    def _wake(self) -> None:
        self._wake_is_pending = False
        self._worker.wake()

    def _run(self) -> None:
        try:
            asyncio.run(self._work())
        except Exception:
            _log.exception("the worker ended unexpectedly; stopping the server")
            os.kill(os.getpid(), signal.SIGTERM)

    async def _work(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop, self._skip_waiting = asyncio.Event(), asyncio.Event()
        self._worker = Worker(self._context, self._lease, capacity=self._capacity, chores=self._chores)
        self._ready.set()
        work = asyncio.create_task(self._worker.work())
        stop = asyncio.create_task(self._stop.wait())
        await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            await self._worker.drain(self._drain_seconds, self._skip_waiting)
            work.cancel()
        await asyncio.wait({work})
        self._ready.clear()
        await self._context.engines.close()
        if not work.cancelled():
            work.result()

    def _renew_forever(self) -> None:
        every = self._lease.seconds / _RENEWALS_IN_A_LEASE
        while not self._ending.wait(every):
            if clock_seconds() - self._worker.ticked_at > _LONGEST_HANG:
                _log.error("the worker's loop hangs; its lease is not renewed")
                continue
            # Read before the renewal, whose answer lacks the runs that are claimed after it.
            before = self._worker.claims()
            try:
                renewal = self._lease.renew()
            except UNAVAILABLE as error:
                self._worker.writes.log_unavailable(error)
                continue
            except Exception:
                _log.exception("the lease was not renewed; trying again")
                continue
            self._apply(renewal, before)

    def _apply(self, renewal: Renewal, before: dict[str, int]) -> None:
        """Let the worker, on its own loop, act on what a renewal returned."""

        async def apply() -> None:
            try:
                await self._worker.renewed(renewal, before)
            except UNAVAILABLE as error:
                self._worker.writes.log_unavailable(error)
            except Exception:
                _log.exception("taking over runs failed; the next renewal tries again")

        if self._ready.is_set():
            asyncio.run_coroutine_threadsafe(apply(), self._loop)
