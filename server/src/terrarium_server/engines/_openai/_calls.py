import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from terrarium_server.engines._contract import Failed, Finished, Look, Lost, Output, Ticket, Waiting
from terrarium_server.engines._provider import Line, ProviderError

_log = logging.getLogger("terrarium_server.engines")

Report = Callable[[float, Output | None], None]
Work = Callable[[Line, Report], tuple[Output, ...]]


@dataclass(slots=True)
class _Call:
    line: Line = field(default_factory=Line)
    seen: Look = field(default_factory=lambda: Waiting(0.0))
    changed: bool = False


class Calls:
    """Calls that last until the provider is done, each on its own thread; known to this process alone."""

    def __init__(self) -> None:
        self._calls: dict[Ticket, _Call] = {}
        self._news = threading.Condition()

    def __contains__(self, ticket: Ticket) -> bool:
        return ticket in self._calls

    def start(self, ticket: Ticket, work: Work) -> None:
        """Start a call, unless it is under way: it may cost money.

        ``work`` is given the line to call on, and whom to report its progress to.
        """
        with self._news:
            if ticket in self._calls:
                return
            call = self._calls[ticket] = _Call()
        threading.Thread(target=self._run, args=(call, work), name=f"call {ticket}", daemon=True).start()

    def fail(self, ticket: Ticket, failure: Failed) -> None:
        """Keep a failure for whoever looks."""
        with self._news:
            self._calls[ticket] = _Call(seen=failure)

    def look(self, ticket: Ticket, *, wait_seconds: float) -> Look:
        """Say how a call stands, waiting at most so long for news; its end is told once."""
        with self._news:
            call = self._calls.get(ticket)
            if call is None:
                return Lost()
            self._news.wait_for(
                lambda: call.changed or not isinstance(call.seen, Waiting) or ticket not in self._calls,
                wait_seconds,
            )
            call.changed = False
            if ticket not in self._calls:
                return Lost()
            if not isinstance(call.seen, Waiting):
                del self._calls[ticket]
            return call.seen

    def cancel(self, ticket: Ticket) -> None:
        """Hang up."""
        with self._news:
            call = self._calls.pop(ticket, None)
            self._news.notify_all()
        if call is not None:
            call.line.hang_up()

    def close(self) -> None:
        """Hang up on all."""
        for ticket in list(self._calls):
            self.cancel(ticket)

    def _run(self, call: _Call, work: Work) -> None:
        def report(progress: float, preview: Output | None) -> None:
            self._tell(call, Waiting(progress, preview))

        try:
            self._tell(call, Finished(work(call.line, report)))
        except ProviderError as error:
            self._tell(call, error.failure)
        except Exception:
            # The last line of this thread: without a word from here, its run would wait for ever.
            _log.exception("a call to a provider broke off")
            self._tell(call, Failed("SERVER_ERROR", "The engine failed; try once more."))

    def _tell(self, call: _Call, seen: Look) -> None:
        with self._news:
            call.seen = seen
            call.changed = True
            self._news.notify_all()
