"""The failures of a job whose process ran out of memory, of disk space, or of time."""

import errno

from terrarium_server.engines import Failed
from terrarium_server.media import Exhausted, Resource

_SMALLER = "ask for something smaller or shorter"

OUT_OF_TIME = Failed(
    "GENERATION_INPUT_VALIDATION",
    f"It used up the processor time of one job of this model; {_SMALLER}.",
)
_OUT_OF_MEMORY = Failed(
    "GENERATION_INPUT_VALIDATION",
    f"Not enough memory: it needs more than one job of this model may use, or than is free; {_SMALLER}.",
)
_DISK_FULL = Failed(
    "SERVER_ERROR",
    "The disk of this server is full; tell its owner, and try once more when there is space.",
)
_FILE_TOO_LARGE = Failed(
    "GENERATION_INPUT_VALIDATION", f"It would be a larger file than a model may write; {_SMALLER}."
)
_TOO_MANY_FILES = Failed(
    "SERVER_ERROR", "Too many files are open on this server; try once more, or tell its owner."
)

_RESOURCES: dict[Resource, Failed] = {
    "disk": _DISK_FULL,
    "file size": _FILE_TOO_LARGE,
    "memory": _OUT_OF_MEMORY,
    "processor time": OUT_OF_TIME,
}
_ERRORS = {
    errno.ENOSPC: _DISK_FULL,
    errno.EDQUOT: _DISK_FULL,
    errno.EFBIG: _FILE_TOO_LARGE,
    errno.ENOMEM: _OUT_OF_MEMORY,
    errno.EMFILE: _TOO_MANY_FILES,
    errno.ENFILE: _TOO_MANY_FILES,
}
# Messages of libraries that are not written in Python.
_MEMORY_MESSAGES = (
    "bad_alloc",
    "bad allocation",
    "failed to allocate memory",
    "out of memory",
    "not enough memory",
)


def shortage_of(error: BaseException) -> Failed | None:
    """Return the failure for an error that means a shortage of some resource, or None for another error."""
    match error:
        case Exhausted():
            return _RESOURCES[error.resource]
        case MemoryError():
            return _OUT_OF_MEMORY
        case OSError():
            return _ERRORS.get(error.errno or 0)
        case RuntimeError() if any(message in str(error).lower() for message in _MEMORY_MESSAGES):
            return _OUT_OF_MEMORY
        case _:
            return None
