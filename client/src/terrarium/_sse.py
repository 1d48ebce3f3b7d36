"""Server-sent events: from bytes to events, as the HTML standard describes the format."""

from __future__ import annotations

import codecs
import re
from collections.abc import Generator
from dataclasses import dataclass

_LINE_END = re.compile(r"\r\n|\r|\n")
_RETRY = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event; ``data`` is its lines, joined by newlines."""

    type: str
    data: str


class Decoder:
    """Decodes one response.

    ``last_id`` is the id of the last event that had one, ``retry`` how many milliseconds the server wants
    between connections.
    """

    def __init__(self, last_id: str | None = None) -> None:
        self.last_id = last_id
        self.retry: int | None = None
        self._to_text = codecs.getincrementaldecoder("utf-8")("replace")
        self._is_first = True
        self._ended_with_cr = False
        self._line = ""
        # Of the event that is being received. Its id counts only when it is complete, or it would be lost.
        self._id = last_id
        self._type = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> Generator[ServerSentEvent]:
        """Yield the events that are complete with these bytes, which may be cut anywhere."""
        text = self._to_text.decode(chunk)
        if not text:
            return
        if self._is_first:
            text = text.removeprefix("\ufeff")
        elif self._ended_with_cr:
            # The second half of a line end that was cut; its line has been read.
            text = text.removeprefix("\n")
        self._is_first = False
        self._ended_with_cr = text.endswith("\r")
        *lines, self._line = _LINE_END.split(self._line + text)
        for line in lines:
            if line:
                self._field(line)
            elif event := self._dispatch():
                yield event

    def _field(self, line: str) -> None:
        # A comment begins with a colon, so its name is empty.
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                self._type = value
            case "data":
                self._data.append(value)
            case "id" if "\0" not in value:
                self._id = value
            case "retry" if _RETRY.fullmatch(value):
                self.retry = int(value)
            case _:
                pass

    def _dispatch(self) -> ServerSentEvent | None:
        self.last_id = self._id
        type, lines = self._type or "message", self._data
        self._type, self._data = "", []
        return ServerSentEvent(type, "\n".join(lines)) if lines else None
