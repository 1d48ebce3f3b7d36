"""What installed distributions contribute through entry points: where it comes from, and how it fails."""

from importlib.metadata import EntryPoint

from pydantic import ValidationError

from terrarium_server.validation import all_causes

# Code of other authors may raise anything, and may even try to end the process.
FAILURES = (Exception, SystemExit)


def distribution_of(entry: EntryPoint) -> str:
    """Return the name of the distribution that an entry point comes from."""
    name = entry.dist.name if entry.dist else None
    return name or entry.value.partition(".")[0]


def cause_of(error: BaseException) -> str:
    """Return the type and the text of an error in one line."""
    text = " ".join((all_causes(error) if isinstance(error, ValidationError) else str(error)).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
