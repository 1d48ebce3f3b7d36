"""Checks what an engine returned, before the server stores it or charges for it."""

import math
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import cast

from ._contract import Failed, Output

# The failure of a run for which an engine returned what its contract does not allow. The log says what.
UNUSABLE = Failed(
    "GENERATION_INVALID_PROVIDER_RESPONSE",
    "The engine returned a result that cannot be used; try again later, or tell the owner of this server.",
)
NO_RESULT = Failed("GENERATION_NO_RESULT", "The engine made nothing; try again later.")

# For callers, where an engine says nothing that can be shown.
NO_MESSAGE = "The engine failed without saying why; try once more, or tell the owner of this server."

MOST_OUTPUTS = 64
_LONGEST_MESSAGE = 4000
# In characters; a message of a model process can be as many bytes long.
_LONGEST_TEXT = 16 << 20
_MOST_PIXELS = 100_000
_LONGEST_SECONDS = 24 * 3600.0
# Without parameters, so that it can be sent as a header as it is.
_CONTENT_TYPE = re.compile(r"([a-z]+)/[a-z0-9][a-z0-9.+-]{0,99}")


def fault_of(outputs: object, run_type: str) -> str | None:
    """Return what is wrong with the outputs of a run of this type, for the log; None if they are right.

    The rules are those of `Output` and `Finished`. If an output is a file, this reads the disk: call it in a
    thread then.
    """
    valid = outputs_in(outputs)
    if not isinstance(outputs, tuple | list) or len(valid) < len(cast(tuple[object, ...], outputs)):
        return "its outputs are not a tuple of Output"
    if not 1 <= len(valid) <= MOST_OUTPUTS:
        return f"it has {len(valid)} outputs; from 1 to {MOST_OUTPUTS} are possible"
    for position, output in enumerate(valid):
        fault = _fault_of_output(output, run_type)
        if fault is not None:
            return f"output {position}: {fault}"
    files = [output.data.resolve() for output in valid if isinstance(output.data, Path)]
    if len(set(files)) < len(files):
        return "two of its outputs are the same file"
    return None


def outputs_in(outputs: object) -> list[Output]:
    """Return those members of a tuple or list that are outputs."""
    if not isinstance(outputs, tuple | list):
        return []
    return [output for output in cast(Iterable[object], outputs) if isinstance(output, Output)]


def is_text(value: object) -> bool:
    """Whether this is a str, whatever an annotation says."""
    return isinstance(value, str)


def is_message(message: object) -> bool:
    """Whether this can be stored and shown as the message of a failure."""
    if not isinstance(message, str) or not message.strip():
        return False
    return len(message) <= _LONGEST_MESSAGE and _is_storable(message)


def is_delay(seconds: object) -> bool:
    """Whether this is a delay in seconds."""
    return _is_number(seconds, 0, _LONGEST_SECONDS, int, float)


def is_preview(preview: object) -> bool:
    """Whether this is an output that can be shown as a preview: text, or the bytes of a picture."""
    if not isinstance(preview, Output):
        return False
    if isinstance(preview.data, str):
        return _has_kind(preview.content_type, "text") and _is_storable(preview.data)
    return _has_kind(preview.content_type, "image") and isinstance(preview.data, bytes)


def _fault_of_output(output: Output, run_type: str) -> str | None:
    if not _has_kind(output.content_type, run_type):
        return f"its content type {_short(output.content_type)} is not a plain {run_type}/subtype"
    if not all(
        size is None or _is_number(size, 1, _MOST_PIXELS, int) for size in (output.width, output.height)
    ):
        return f"{_short(output.width)} by {_short(output.height)} is no size in pixels"
    seconds = output.duration_seconds
    if seconds is not None and not _is_number(seconds, 0, _LONGEST_SECONDS, int, float):
        return f"{_short(seconds)} is no duration in seconds"
    return _fault_of_text(output.data) if run_type == "text" else _fault_of_medium(output.data)


def _fault_of_text(data: object) -> str | None:
    if not isinstance(data, str):
        return f"text must be str, not {type(data).__name__}"
    if not 1 <= len(data) <= _LONGEST_TEXT:
        return f"its text has {len(data)} characters; from 1 to {_LONGEST_TEXT} are possible"
    return None if _is_storable(data) else "its text has NUL characters or lone surrogates"


def _fault_of_medium(data: object) -> str | None:
    if isinstance(data, bytes):
        return None if data else "it has no bytes"
    if not isinstance(data, Path):
        return f"a medium must be bytes or Path, not {type(data).__name__}"
    try:
        # Not of what a link points to: only the link was given away.
        status = data.lstat()
    except (OSError, ValueError) as error:
        return f"its file {_short(data)} cannot be read: {error}"
    if not stat.S_ISREG(status.st_mode):
        return f"{_short(data)} is not a regular file"
    if not os.access(data, os.R_OK):
        return f"its file {_short(data)} cannot be read"
    return None if status.st_size else f"its file {_short(data)} is empty"


def _has_kind(content_type: object, kind: str) -> bool:
    match = _CONTENT_TYPE.fullmatch(content_type) if isinstance(content_type, str) else None
    return match is not None and match[1] == kind


def _is_number(value: object, least: float, most: float, *types: type) -> bool:
    # bool is a subclass of int.
    is_number = isinstance(value, types) and not isinstance(value, bool)
    return is_number and math.isfinite(cast(float, value)) and least <= cast(float, value) <= most


def _is_storable(text: str) -> bool:
    """Whether both databases can store a text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text


def _short(value: object) -> str:
    return f"{value!r:.200}"
