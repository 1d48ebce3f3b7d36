"""The loop of a model process: reads requests, reports progress, returns outputs.

Frames are all that goes to standard output; what a library prints goes to standard error. Media are
written into the folder that the request names.
"""

import logging
import os
import queue
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from terrarium_server.engines import Output
from terrarium_server.media import Killed

from ._pipes import server_pipes
from ._setup import ignore_stop_signals, kill_session, lower_priority, temporary_files_in
from .frames import ConnectionClosed, FrameTooLarge, output_file, pack_frame, read_frame, write
from .limits import Limits
from .shortage import shortage_of

_log = logging.getLogger("terrarium_server.engines")


class JobError(Exception):
    """Raised by a handler for a request that cannot be run.

    ``code`` is a run error code, and ``message`` says what a person can do.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Cancelled(Exception):
    """Raised by `JobContext.report` after the job was cancelled; do not catch it."""


class JobContext:
    """Reports the progress of one job to the server."""

    def __init__(self, out: BinaryIO, ticket: str) -> None:
        self._out = out
        self._ticket = ticket
        self._cancelled = threading.Event()

    def report(self, fraction: float, preview: Output | None = None) -> None:
        """Report how much is done, from 0 to 1, and optionally a preview. Raises Cancelled.

        Call it at least every few seconds: a process that is silent for too long is killed.
        """
        if self._cancelled.is_set():
            raise Cancelled
        header: dict[str, Any] = {"progress": fraction}
        body = b""
        if preview is not None:
            header["preview"], body = _describe([preview])
        write(self._out, pack_frame(header, body))

    def cancel(self, ticket: str) -> None:
        """Let the next report raise Cancelled, if the ticket is this job's."""
        if ticket == self._ticket:
            self._cancelled.set()


# Handles one request. Outputs are bytes, a file, which is moved, or str for text.
Handler = Callable[[dict[str, Any], JobContext], Sequence[Output]]


def serve(handle: Handler) -> None:
    """Handle requests, one at a time, until the server closes the pipe."""
    ignore_stop_signals()
    limits = Limits.read(os.environ)
    limits.apply()
    lower_priority()
    incoming, out = server_pipes()
    requests: queue.SimpleQueue[tuple[dict[str, Any], JobContext]] = queue.SimpleQueue()
    threading.Thread(target=_read_requests, args=(incoming, out, requests), daemon=True).start()
    while True:
        request, context = requests.get()
        limits.begin_job(request.get("more_memory", 0))
        with temporary_files_in(Path(request["folder"])):
            try:
                write(out, _run_job(handle, request, context))
            except Killed:
                # Without cleaning up, which would wait for the thread that reads requests.
                traceback.print_exc()
                os._exit(1)
            except ConnectionClosed:
                kill_session()


def _run_job(handle: Handler, request: dict[str, Any], context: JobContext) -> bytes:
    """Handle a request and return the frame with its outcome. Raises ConnectionClosed and Killed."""
    try:
        outputs, body = _describe(_store(handle(request, context), Path(request["folder"])))
        return pack_frame({"outputs": outputs}, body)
    except (ConnectionClosed, Killed):
        # A program of this process was killed: another process tries the job again.
        raise
    except Cancelled:
        return _failure("GENERATION_CANCELLED", "Cancelled.")
    except JobError as error:
        return _failure(error.code, error.message)
    except FrameTooLarge as error:
        return _failure("GENERATION_INVALID_PROVIDER_RESPONSE", f"The model returned too much: {error}.")
    except (Exception, SystemExit) as error:
        if (shortage := shortage_of(error)) is not None:
            return _failure(shortage.code, shortage.message)
        # The trace goes to the server's log; the caller gets a message to act on.
        traceback.print_exc()
        message = "The model failed on this input; change it, or try once more."
        return _failure("GENERATION_GENERIC_ERROR", message)


def _failure(code: str, message: str) -> bytes:
    return pack_frame({"error": message, "code": code})


def _read_requests(
    incoming: BinaryIO, out: BinaryIO, requests: "queue.SimpleQueue[tuple[dict[str, Any], JobContext]]"
) -> None:
    context = JobContext(out, "")
    try:
        while True:
            header, _ = read_frame(incoming)
            if "cancel" in header:
                context.cancel(header["cancel"])
            else:
                context = JobContext(out, header["ticket"])
                requests.put((header["request"], context))
    except ConnectionClosed:
        kill_session()


def _store(outputs: Sequence[Output], folder: Path) -> list[Output]:
    """Put all outputs but texts into files. Raises OSError for a full disk, else JobError."""
    try:
        return [_to_file(output, output_file(folder, number)) for number, output in enumerate(outputs)]
    except OSError as error:
        if shortage_of(error) is not None:
            raise
        message = (
            f"The result could not be stored ({error.strerror}); try once more, or tell the server's owner."
        )
        raise JobError("SERVER_ERROR", message) from error


def _to_file(output: Output, file: Path) -> Output:
    match output.data:
        case str():
            return output
        case Path() as source:
            _check_own_file(source, file.parent)
            source.replace(file)
        case data:
            # Not through a link that the handler may have made there.
            with file.open("xb") as stream:
                stream.write(data)
    return replace(output, data=file)


def _check_own_file(path: Path, folder: Path) -> None:
    """Check that a path is a regular file in the job's folder. Raises JobError.

    The server moves the file away, so it must belong to nobody else.
    """
    is_inside = path.parent.resolve().is_relative_to(folder.resolve()) and not folder.is_symlink()
    if is_inside and path.is_file() and not path.is_symlink():
        return
    _log.error("the handler returned %s, which is not a regular file in the job's folder %s", path, folder)
    message = "The model returned something that is not a file of its own; tell the owner of this server."
    raise JobError("GENERATION_INVALID_PROVIDER_RESPONSE", message)


def _describe(outputs: Sequence[Output]) -> tuple[list[dict[str, Any]], bytes]:
    """Return the headers of outputs for a frame, and its body."""
    headers: list[dict[str, Any]] = []
    parts: list[bytes] = []
    for number, output in enumerate(outputs):
        header: dict[str, Any] = {"content_type": output.content_type}
        header |= {"width": output.width, "height": output.height, "duration": output.duration_seconds}
        match output.data:
            case Path():
                header["file"] = number
            case str(text):
                parts.append(text.encode())
                header["text"] = len(parts[-1])
            case data:
                parts.append(data)
                header["bytes"] = len(data)
        headers.append(header)
    return headers, b"".join(parts)
