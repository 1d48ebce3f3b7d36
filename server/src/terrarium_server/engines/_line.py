import contextlib
import socket
import threading
from collections.abc import Mapping
from typing import Any


class Line:
    """The connection of one call, for hanging up on it from another thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._hung_up = False

    @property
    def hung_up(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self._hung_up

    def hang_up(self) -> None:
        """Close the connection now, or as soon as there is one."""
        with self._lock:
            self._hung_up = True
            self._cut()

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Take what httpx tells of a request's connection."""
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            with self._lock:
                self._socket = info["return_value"].get_extra_info("socket")
                if self._hung_up:
                    self._cut()

    def _cut(self) -> None:
        if self._socket is None:
            return
        # Closing would not wake the thread that reads. Past SSLSocket, whose own way spoils its state.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._socket, socket.SHUT_RDWR)
