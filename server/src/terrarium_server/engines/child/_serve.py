"""The inside of a model process: takes requests, reports progress, hands back what was made.

A module run by a `ProcessPool` ends with ``serve(handle)``. Nothing but frames leaves the process on its
standard output; what a library prints goes to standard error. Media that were made are written into the
folder that the server names.
"""

import os
import queue
import shutil
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from terrarium_server.media import Killed

from ._child_setup import end_session, files_in, give_way, ignore_stop_signals
from ._contract import Output
from ._frames import Closed, read_frame, write_frame
from ._limits import Limits
from ._scratch import output_file
from ._shortage import shortage_of


class Unfit(Exception):
    """Raised by a handler for a request it cannot carry out: a run error code, and what a person can do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Cancelled(Exception):
    """Raised by `Talk.report` once nobody wants the result any more; let it pass."""


class Talk:
    """How a handler speaks while it works."""

    def __init__(self, out: BinaryIO, ticket: str) -> None:
        self._out = out
        self._ticket = ticket
        self._cancelled = threading.Event()

    def report(self, fraction: float, preview: Output | None = None) -> None:
        """Say how far it is, from 0 to 1, and what can be shown so far. Raises Cancelled.

        Call it at least every few seconds: a process that is silent for too long is taken for hung.
        """
        if self._cancelled.is_set():
            raise Cancelled
        header: dict[str, Any] = {"progress": fraction}
        body = b""
        if preview is not None:
            header["preview"], body = _described([preview])
        write_frame(self._out, header, body)

    def cancel(self, ticket: str) -> None:
        """Let the next report raise Cancelled, if it is this job that is meant."""
        if ticket == self._ticket:
            self._cancelled.set()


# Outputs are bytes, a file (it is moved), or str for text.
Handler = Callable[[dict[str, Any], Talk], Sequence[Output]]


def serve(handle: Handler) -> None:
    """Handle one request after the other until the server closes the pipe."""
    ignore_stop_signals()
    limits = Limits.read(os.environ)
    limits.apply()
    give_way()
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests: queue.SimpleQueue[tuple[dict[str, Any], Talk]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(out, requests), daemon=True).start()
    while True:
        request, talk = requests.get()
        limits.begin_job(request.get("more_memory", 0))
        with files_in(Path(request["folder"])):
            try:
                write_frame(out, *_carry_out(handle, request, talk))
            except Killed:
                # At once: ending in order would wait for the thread that listens.
                traceback.print_exc()
                os._exit(1)
            except Closed:
                end_session()


def _carry_out(handle: Handler, request: dict[str, Any], talk: Talk) -> tuple[dict[str, Any], bytes]:
    """Have a request handled and return the frame that says how it ended. Raises Closed."""
    try:
        described, body = _described(_stored(handle(request, talk), Path(request["folder"])))
        return {"outputs": described}, body
    except (Closed, Killed):
        # Another process tries the job that a program of this one was killed at.
        raise
    except Cancelled:
        return {"error": "Cancelled.", "code": "GENERATION_CANCELLED"}, b""
    except Unfit as unfit:
        return {"error": unfit.message, "code": unfit.code}, b""
    except Exception as error:
        if (shortage := shortage_of(error)) is not None:
            return {"error": shortage.message, "code": shortage.code}, b""
        # The trace is for the server's log; the caller gets something to act on.
        traceback.print_exc()
        message = "The model failed on this input; change it, or try once more."
        return {"error": message, "code": "GENERATION_GENERIC_ERROR"}, b""


def _listen(out: BinaryIO, requests: "queue.SimpleQueue[tuple[dict[str, Any], Talk]]") -> None:
    talk = Talk(out, "")
    try:
        while True:
            request, _ = read_frame(sys.stdin.buffer)
            if "cancel" in request:
                talk.cancel(request["cancel"])
            else:
                talk = Talk(out, request["ticket"])
                requests.put((request, talk))
    except Closed:
        end_session()


def _stored(outputs: Sequence[Output], folder: Path) -> list[Output]:
    """Put what is no text into files. Raises OSError if there is no room for them, and Unfit."""
    try:
        return [_in_file(output, output_file(folder, number)) for number, output in enumerate(outputs)]
    except OSError as error:
        if shortage_of(error) is not None:
            raise
        message = (
            f"The result could not be stored ({error.strerror}); try once more, or tell the server's owner."
        )
        raise Unfit("SERVER_ERROR", message) from error


def _in_file(output: Output, place: Path) -> Output:
    match output.data:
        case str():
            return output
        case Path() as made:
            shutil.move(made, place)
        case data:
            place.write_bytes(data)
    return replace(output, data=place)


def _described(outputs: Sequence[Output]) -> tuple[list[dict[str, Any]], bytes]:
    """Return what a frame says of outputs, and its body."""
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
