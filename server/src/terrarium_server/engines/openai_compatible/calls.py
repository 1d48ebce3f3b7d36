import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, field

from terrarium_server.engines._contract import Failed, Finished, Lost, News, Output, Progress, Ticket
from terrarium_server.engines._provider import ProviderError, discard

_log = logging.getLogger("terrarium_server.engines")

Report = Callable[[float, Output | None], None]
Work = Callable[[Report], Awaitable[tuple[Output, ...]]]


@dataclass(slots=True)
class _Call:
    task: asyncio.Task[None] = field(init=False)
    seen: News = field(default_factory=lambda: Progress(0.0))
    # Set, and replaced by another, whenever there is something new.
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, seen: News) -> None:
        self.seen = seen
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()


class Calls:
    """Calls that last until the provider is done, each a task; known to this process alone."""

    def __init__(self) -> None:
        self._calls: dict[Ticket, _Call] = {}

    def __contains__(self, ticket: Ticket) -> bool:
        return ticket in self._calls

    def start(self, ticket: Ticket, work: Work) -> None:
        """Start a call, unless it is under way: it may cost money.

        ``work`` is given whom to report its progress to, from 0 to 1, with what there is to show.
        """
        if ticket not in self._calls:
            call = self._calls[ticket] = _Call()
            call.task = asyncio.create_task(_carry_out(call, work), name=ticket)

    async def follow(self, ticket: Ticket) -> AsyncGenerator[News]:
        """Tell how a call goes; its end is told once."""
        call = self._calls.get(ticket)
        while call is not None and self._calls.get(ticket) is call:
            seen, changed = call.seen, call.changed
            if not isinstance(seen, Progress):
                del self._calls[ticket]
                yield seen
                return
            yield seen
            await changed.wait()
        yield Lost()

    async def cancel(self, ticket: Ticket) -> None:
        """Hang up, and drop what came of a call."""
        call = self._calls.pop(ticket, None)
        if call is None:
            return
        if isinstance(call.seen, Finished):
            discard(call.seen.outputs)
        call.changed.set()
        call.task.cancel()
        await asyncio.wait([call.task])

    async def close(self) -> None:
        """Hang up on all."""
        await asyncio.gather(*(self.cancel(ticket) for ticket in list(self._calls)))


async def _carry_out(call: _Call, work: Work) -> None:
    fraction = 0.0

    def report(progress: float, preview: Output | None) -> None:
        nonlocal fraction
        fraction = max(fraction, progress)
        call.tell(Progress(fraction, preview))

    try:
        call.tell(Finished(await work(report)))
    except ProviderError as error:
        call.tell(error.failure)
    except Exception:
        # The last line of this task: without a word from here, its run would wait for ever.
        _log.exception("a call to a provider broke off")
        call.tell(Failed("SERVER_ERROR", "The engine failed; try once more."))
