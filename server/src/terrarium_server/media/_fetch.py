"""Fetches files from links, without giving access to this machine or its network.

Only https to public addresses: every name is resolved here, every address is checked, and the connection goes
to an address that was checked, so that a second resolution cannot lead elsewhere. Redirects are checked the
same way. Size, type and total time are limited.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from ._links import FetchError, FetchRules
from ._sniff import MediaKind


@dataclass(frozen=True, slots=True)
class Fetched:
    """A fetched file; its type comes from its first bytes."""

    path: Path
    content_type: str
    size_bytes: int


async def fetch(url: str, into: Path, *, kind: MediaKind, rules: FetchRules) -> Fetched:
    """Fetch ``url``, which must be a medium of this kind, into the file ``into``.

    Ends within ``rules.seconds`` whatever the host does, and at once when cancelled. A failure leaves no
    file. Raises FetchError, and OSError if the file cannot be written.
    """
    # Model processes import this package and fetch nothing, so they do without asyncio.
    import asyncio

    try:
        async with asyncio.timeout(rules.seconds):
            # In a thread, because the first import is slow.
            download = await asyncio.to_thread(_imported)
            content_type, size = await download(url, into, kind, rules)
    except TimeoutError as error:
        raise FetchError(f"the file did not arrive within {rules.seconds:.0f} s") from error
    return Fetched(into, content_type, size)


def _imported() -> Callable[[str, Path, MediaKind, FetchRules], Awaitable[tuple[str, int]]]:
    from ._download import download

    return download
