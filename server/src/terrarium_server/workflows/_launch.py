import logging
from collections.abc import Callable, Sequence

from dbos import DBOS

from terrarium_server.store import Transaction

from ._bench import Bench
from ._dispatcher import Dispatcher
from ._generation import use_bench
from ._watch import Watch

# Runs under way survive an upgrade only if the version stays; raise it when a workflow's steps change.
_WORKFLOW_VERSION = "1"
_GRACE_SECONDS = 3.0


class Workers:
    """The worker of this process."""

    def __init__(self, dispatcher: Dispatcher, watch: Watch) -> None:
        self._dispatcher = dispatcher
        self._watch = watch

    def ring(self) -> None:
        """Say that a run was admitted."""
        self._dispatcher.ring()

    def stop(self) -> None:
        """Stop claiming and leave; unfinished runs go on at the next start or at another worker."""
        self._dispatcher.stop(grace_seconds=_GRACE_SECONDS)
        self._watch.stop()
        DBOS.destroy()
        use_bench(None)


def launch(
    bench: Bench,
    *,
    threads: int,
    worker_timeout: float,
    alone: bool,
    chores: Sequence[Callable[[Transaction], None]] = (),
) -> Workers:
    """Start this process's worker on the same database and engine that `bench` has.

    ``alone`` says that no other worker can be alive (SQLite with its lock), so that whatever is under
    way is an orphan and taken over at once.
    """
    logging.getLogger("dbos").setLevel(logging.WARNING)
    DBOS(
        config={
            "name": "terrarium",
            "system_database_url": bench.database.url,
            "system_database_engine": bench.database.engine,
            "executor_id": bench.worker_id,
            "application_version": _WORKFLOW_VERSION,
            "log_level": "WARNING",
            # Nothing here waits for DBOS's notifications, and its listener would only cost.
            "use_listen_notify": False,
        }
    )
    DBOS.listen_queues([])
    use_bench(bench)
    DBOS.launch()
    dispatcher = Dispatcher(bench, threads=threads)
    watch = Watch(bench, timeout=worker_timeout, ring=dispatcher.ring, chores=chores)
    watch.start(alone=alone)
    dispatcher.start()
    return Workers(dispatcher, watch)
