from ._contract import Look, Ticket
from ._process import ProcessPool


class Pooled:
    """What engines are alike in whose jobs one `ProcessPool` carries out; a kind adds `problem` and `submit`.

    Repeatable: the same job gives the same bytes, and costs nothing but time.
    """

    repeatable = True

    def __init__(self, name: str, pool: ProcessPool) -> None:
        """Use a pool that is this engine's own."""
        self.name = name
        self._pool = pool

    def look(self, ticket: Ticket, *, wait_seconds: float) -> Look:
        """Say how a job stands."""
        return self._pool.look(ticket, wait_seconds=wait_seconds)

    def cancel(self, ticket: Ticket) -> None:
        """Forget a job; a process that is at it stops."""
        self._pool.cancel(ticket)

    def close(self) -> None:
        """End the processes."""
        self._pool.close()
