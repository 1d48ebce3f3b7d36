"""One model process, as the server sees it: what `_child` is from the inside."""

import asyncio
import math
import os
import signal
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

from ._contract import Failed, Finished, Output, Ticket
from ._environment import child_environment
from ._frames import Closed, Nonsense, pack_frame, receive_frame
from ._limits import Limits
from ._scratch import output_file
from ._shortage import OUT_OF_TIME

# The processes are the parallelism: the libraries in one must not take every core.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TERRARIUM_CHILD_THREADS")
# What stops a server is sent to all that it started, too: Ctrl-C goes to the terminal's group, and a service
# manager's SIGTERM to everything in the service. What ends then is the server's business.
STOP_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM})


@dataclass(frozen=True, slots=True)
class Gone:
    """A process is no more, and its job is not done; ``why`` continues "The model's process …".

    ``failed`` is how the job has ended, if another process would fare the same.
    """

    why: str
    failed: Failed | None = None


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
    async def start(cls, module: str, *, threads: int, limits: Limits) -> Self:
        """Start ``python -m module``, whose libraries use so many threads. Raises OSError, RuntimeError."""
        environment = child_environment(os.environ)
        environment |= dict.fromkeys(_THREADS, str(threads)) | limits.as_environment()
        with _stop_signals_blocked():
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                module,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=environment,
                start_new_session=True,
            )
        return cls(process)

    @property
    def is_gone(self) -> bool:
        """Whether it has ended."""
        return self._process.returncode is not None

    async def work(
        self,
        ticket: Ticket,
        request: dict[str, Any],
        folder: Path,
        advance: Callable[[float, Output | None], None],
        *,
        patience: float,
    ) -> Finished | Failed | Gone:
        """Have a job done and return how it ended; the files that were made lie in ``folder``.

        Gone if the process died, was silent for ``patience`` seconds or did not stop in time. ``advance`` is
        told each progress, with the preview if there is a new one.
        """
        result: Finished | Failed | None = None
        why = ""
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
                            raise Nonsense
        except Nonsense:
            why = "said what makes no sense"
        except Closed:
            why = ""
        except TimeoutError:
            why = f"said nothing for {patience:g} seconds"
        finally:
            self._limit = None
            if result is None:
                await self.end()
            self._ticket = None
        return result or (Gone(why) if why else self._ending())

    def stop(self, grace: float) -> None:
        """Let it end the job that it is at, or be ended itself if it has not ``grace`` seconds later."""
        if self._limit is None:
            return
        if grace > 0:
            self._send({"cancel": self._ticket})
        self._limit.reschedule(asyncio.get_running_loop().time() + grace)

    def kill(self) -> None:
        """Kill it and whatever it started."""
        # What one that died at work had started lives on. But the number of one that died long ago may be
        # another's by now; idle, it had started nothing that does not end by itself.
        if not self.is_gone or self._ticket is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def end(self) -> None:
        """Kill it and wait until it is gone."""
        self.kill()
        self._to.close()
        # What it still had to say is read, because a pipe that nobody reads is not seen to end.
        await self._process.communicate()

    def _ending(self) -> Gone:
        status = self._process.returncode or 0
        if status == -signal.SIGXCPU:
            return Gone("used up its processor time", OUT_OF_TIME)
        if status < 0:
            return Gone(f"was ended by {_name(-status)}")
        return Gone(f"ended with exit status {status}")

    def _send(self, header: dict[str, Any]) -> None:
        self._to.write(pack_frame(header))


@contextmanager
def _stop_signals_blocked() -> Generator[None]:
    """Let a process that is started at once, without waiting for anything before, begin with them blocked.

    It stays so until it ignores them, and so do the programs that it starts: ffmpeg would take an ignored
    SIGTERM up again. Of several that are within this at the same time, the first lets the signals come again
    when it leaves; the others have been started by then.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS - before)


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _outputs(described: Any, body: bytes, folder: Path) -> tuple[Output, ...]:
    """Read what a frame says of outputs. Raises Nonsense if it makes no sense."""
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
                    raise Nonsense
            start += size
            seconds = None if item.get("duration") is None else float(item["duration"])
            if seconds is not None and not (math.isfinite(seconds) and seconds >= 0):
                raise Nonsense
            output = Output(str(item["content_type"]), data, item["width"], item["height"], seconds)
            outputs.append(output)
    except (KeyError, TypeError, ValueError) as error:
        raise Nonsense from error
    return tuple(outputs)
