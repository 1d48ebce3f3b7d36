"""One model process, as the server sees it: what `_child` is from the inside."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, cast

from ._contract import Failed, Finished, Output, Ticket
from ._frames import Closed, pack_frame, receive_frame
from ._scratch import output_file

# The processes are the parallelism: the libraries in one must not take every core.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TERRARIUM_CHILD_THREADS")


class Subprocess:
    """A process that does one job after the other; what it starts itself ends with it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Take a process that was started with pipes; see `start`."""
        self._process = process
        self._to = cast(asyncio.StreamWriter, process.stdin)
        self._from = cast(asyncio.StreamReader, process.stdout)
        self._ticket: Ticket | None = None
        self._limit: asyncio.Timeout | None = None

    @classmethod
    async def start(cls, module: str, *, threads: int) -> Self:
        """Start ``python -m module``, whose libraries use so many threads. Raises OSError."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            module,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, **dict.fromkeys(_THREADS, str(threads))},
            # What a terminal sends to the server, as Ctrl-C does, is the server's business. A group and not a
            # session: Linux weighs sessions against each other, and niceness would count for nothing.
            process_group=0,
        )
        return cls(process)

    async def work(
        self,
        ticket: Ticket,
        request: dict[str, Any],
        folder: Path,
        advance: Callable[[float, Output | None], None],
        *,
        patience: float,
    ) -> Finished | Failed | None:
        """Have a job done and return how it ended; the files that were made lie in ``folder``.

        None if the process died, was silent for ``patience`` seconds or did not stop in time; it is gone
        then. ``advance`` is told each progress, with the preview if there is a new one.
        """
        result: Finished | Failed | None = None
        self._ticket = ticket
        try:
            async with asyncio.timeout(None) as self._limit:
                self._send({**request, "ticket": ticket, "folder": str(folder)})
                while result is None:
                    async with asyncio.timeout(patience):
                        header, body = await receive_frame(self._from)
                    match header:
                        case {"progress": float() | int() as fraction}:
                            previews = _outputs(header.get("preview", []), body, folder)
                            advance(float(fraction), previews[0] if previews else None)
                        case {"outputs": described}:
                            result = Finished(_outputs(described, body, folder))
                        case {"error": str(message)}:
                            result = Failed(str(header.get("code", "GENERATION_GENERIC_ERROR")), message)
                        case _:
                            raise Closed
        except (Closed, TimeoutError):
            result = None
        finally:
            self._limit = None
            if result is None:
                await self.end()
        return result

    def stop(self, grace: float) -> None:
        """Let it end the job that it is at, or be ended itself if it has not ``grace`` seconds later."""
        if self._limit is None:
            return
        if grace > 0:
            self._send({"cancel": self._ticket})
        self._limit.reschedule(asyncio.get_running_loop().time() + grace)

    def kill(self) -> None:
        """Kill it and whatever it started."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def end(self) -> None:
        """Kill it and wait until it is gone."""
        self.kill()
        self._to.close()
        # What it still had to say is read, because a pipe that nobody reads is not seen to end.
        await self._process.communicate()

    def _send(self, header: dict[str, Any]) -> None:
        self._to.write(pack_frame(header))


def _outputs(described: Any, body: bytes, folder: Path) -> tuple[Output, ...]:
    """Read what a frame says of outputs. Raises Closed if it makes no sense."""
    outputs: list[Output] = []
    start = 0
    try:
        for item in described:
            match item:
                case {"text": int(size)}:
                    data = body[start : start + size].decode()
                case {"bytes": int(size)}:
                    data = body[start : start + size]
                case {"file": int(number)}:
                    data, size = output_file(folder, number), 0
                case _:
                    raise Closed
            start += size
            outputs.append(Output(str(item["content_type"]), data, item["width"], item["height"]))
    except (KeyError, TypeError, ValueError) as error:
        raise Closed from error
    return tuple(outputs)
