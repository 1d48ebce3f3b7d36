"""One model process, from the server's side; `terrarium_server.engines.child` is the process's side."""

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

from terrarium_server.engines import Failed, Finished, Output, Ticket
from terrarium_server.engines.child.frames import ConnectionClosed, output_file, pack_frame
from terrarium_server.engines.child.limits import Limits
from terrarium_server.engines.child.shortage import OUT_OF_TIME

from ._environment import child_environment
from ._frames import MalformedFrame, receive_frame

# Jobs are parallel through processes: the libraries of one process must not use every core.
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TERRARIUM_CHILD_THREADS")
# Signals that stop a server also reach its children: a terminal sends Ctrl-C to its whole process group, and
# a service manager sends SIGTERM to every process of a service. Only the server reacts to them.
STOP_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM})
# How long it takes at most until the pipes of a killed process are closed.
_END_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class ChildLost:
    """A process ended before its job was done; ``why`` continues the sentence "The model's process …".

    ``failed`` is the job's result if another process would fail in the same way.
    """

    why: str
    failed: Failed | None = None


class Subprocess:
    """A process that runs jobs, one at a time. The programs that it starts end with it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Take a process that was started with pipes; see `start`."""
        self._process = process
        self._stdin = cast(asyncio.StreamWriter, process.stdin)
        self._stdout = cast(asyncio.StreamReader, process.stdout)
        self._ticket: Ticket | None = None
        self._timeout: asyncio.Timeout | None = None

    @classmethod
    async def start(cls, module: str, *, threads: int, limits: Limits) -> Self:
        """Start a process that runs ``module``, with so many threads for its libraries.

        Raises OSError and RuntimeError.
        """
        environment = child_environment(os.environ)
        environment |= dict.fromkeys(_THREADS, str(threads)) | limits.as_environment()
        with _stop_signals_blocked():
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "terrarium_server.engines.child",
                module,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=environment,
                start_new_session=True,
            )
        return cls(process)

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended."""
        return self._process.returncode is not None

    async def run(
        self,
        ticket: Ticket,
        request: dict[str, Any],
        folder: Path,
        advance: Callable[[float, Output | None], None],
        *,
        patience: float,
    ) -> Finished | Failed | ChildLost:
        """Run a job and return its result; its files are in ``folder``.

        ``advance`` is called for each progress, with the preview if there is a new one. Returns ChildLost if
        the process died, reported nothing for ``patience`` seconds or did not stop in time.
        """
        result: Finished | Failed | None = None
        why = ""
        self._ticket = ticket
        try:
            async with asyncio.timeout(None) as self._timeout:
                self._send({"ticket": ticket, "request": {**request, "folder": str(folder)}})
                while result is None:
                    async with asyncio.timeout(patience):
                        header, body = await receive_frame(self._stdout)
                    match header:
                        case {"progress": float() | int() as fraction}:
                            previews = _outputs(header.get("preview", []), body, folder)
                            advance(float(fraction), previews[0] if previews else None)
                        case {"outputs": described}:
                            result = Finished(_outputs(described, body, folder))
                        case {"error": str(message)}:
                            result = Failed(str(header.get("code", "GENERATION_GENERIC_ERROR")), message)
                        case _:
                            raise MalformedFrame
        except MalformedFrame:
            why = "sent an invalid message"
        except ConnectionClosed:
            why = ""
        except TimeoutError:
            why = f"reported nothing for {patience:g} seconds"
        finally:
            self._timeout = None
            if result is None:
                await self.end()
            self._ticket = None
        return result or (ChildLost(why) if why else self._exit())

    def stop(self, grace: float) -> None:
        """Cancel the current job. The process is killed unless it ends the job within ``grace`` seconds."""
        if self._timeout is None:
            return
        if grace > 0:
            self._send({"cancel": self._ticket})
        self._timeout.reschedule(asyncio.get_running_loop().time() + grace)

    def kill(self) -> None:
        """Kill the process and the programs that it started."""
        # During a job its programs outlive a process that died. An idle process has no programs, and once it
        # has ended its number may belong to another process.
        if not self.has_ended or self._ticket is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def end(self) -> None:
        """Kill the process and wait until it has ended."""
        self.kill()
        self._stdin.close()
        # Its output must be read, because asyncio notices the end of a pipe only by reading it. A program
        # that has left the process's session may hold the pipe open; that cannot be prevented.
        try:
            async with asyncio.timeout(_END_SECONDS):
                await self._process.communicate()
        except TimeoutError:
            # asyncio has no public way to close the pipes of a process.
            self._process._transport.close()  # pyright: ignore

    def _exit(self) -> ChildLost:
        status = self._process.returncode or 0
        if status == -signal.SIGXCPU:
            return ChildLost("used up its processor time", OUT_OF_TIME)
        if status < 0:
            return ChildLost(f"was ended by {_signal_name(-status)}")
        return ChildLost(f"ended with exit status {status}")

    def _send(self, header: dict[str, Any]) -> None:
        self._stdin.write(pack_frame(header))


@contextmanager
def _stop_signals_blocked() -> Generator[None]:
    """Start a process with the stop signals blocked.

    They stay blocked in the process, and in the programs that it starts: ffmpeg would handle a SIGTERM that
    is only ignored. The process must be started before anything else is awaited. If several are started at
    the same time, the first that leaves unblocks the signals, and the others have been started by then.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS - before)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _outputs(described: Any, body: bytes, folder: Path) -> tuple[Output, ...]:
    """Read the outputs of a frame. Raises MalformedFrame."""
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
                    raise MalformedFrame
            start += size
            seconds = None if item.get("duration") is None else float(item["duration"])
            if seconds is not None and not (math.isfinite(seconds) and seconds >= 0):
                raise MalformedFrame
            output = Output(str(item["content_type"]), data, item["width"], item["height"], seconds)
            outputs.append(output)
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedFrame from error
    return tuple(outputs)
