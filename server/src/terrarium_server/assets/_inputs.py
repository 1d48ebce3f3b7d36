"""The input media of runs: how callers name them, and how they become local files."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from terrarium_server.engines import Input
from terrarium_server.media import FetchError, FetchRules, MediaKind, fetch
from terrarium_server.problems import NotFound
from terrarium_server.store import Blobs, Transaction

from ._media import Medium, find_medium
from ._outputs import KeptOutput, outputs_of

# FLORA's clients write output_…, our ids begin with out_.
_REFERENCE = re.compile(r"(run_[^\s/]+)(?:/out(?:put)?_([^\s/]+))?")
# Links from before schema 0004 begin with out_. A proxy may serve this server below a prefix.
_OWN_LINK = re.compile(r"(?:/.*)?/media/((?:lnk|out)_[a-z0-9]+\.[a-z0-9]+)")


class UnknownMedium(Exception):
    """A link or reference names no medium that can be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Source:
    """An input as the caller named it; ``medium`` is None for a link to another host."""

    value: str
    medium: Medium | None


def find_source(tx: Transaction, value: str, kind: MediaKind, owns_run: Callable[[str], bool]) -> Source:
    """Find the medium that ``value`` names. ``owns_run`` tells whether the caller may use a run's outputs.

    A link of this server is resolved to its medium, which everybody who has the link may see. Raises
    UnknownMedium.
    """
    reference = _REFERENCE.fullmatch(value)
    if value.startswith("asset_"):
        raise UnknownMedium(f"There is no asset {value} in this workspace")
    if reference is None:
        own_link = _OWN_LINK.fullmatch(_path(value))
        medium = _by_link(tx, own_link[1]) if own_link else None
    else:
        output = _by_reference(tx, reference[1], reference[2], owns_run)
        if output is None:
            raise UnknownMedium(f"There is no output {value} in this workspace")
        medium = output.medium
        if medium is None:
            raise UnknownMedium(f"{value} is text, but {kind} is required")
    if medium is not None and not medium.content_type.startswith(f"{kind}/"):
        raise UnknownMedium(f"{value} is {medium.content_type}, but {kind} is required")
    return Source(value, medium)


def _path(link: str) -> str:
    try:
        return urlsplit(link).path
    except ValueError:
        # Not a link of this server; `check_link` reports what is wrong with it.
        return ""


async def open_source(
    source: Source, into: Path, kind: MediaKind, *, blobs: Blobs, rules: FetchRules
) -> Input:
    """Copy or fetch a medium into the file ``into``. Raises FetchError, and OSError while it is written."""
    if (medium := source.medium) is not None:
        await asyncio.to_thread(_copy, medium, into, blobs)
        return Input(into, medium.content_type)
    fetched = await fetch(source.value, into, kind=kind, rules=rules)
    return Input(fetched.path, fetched.content_type, source.value)


def _copy(medium: Medium, into: Path, blobs: Blobs) -> None:
    try:
        blobs.copy_to(medium.blob, into)
        is_whole = into.stat().st_size == medium.size_bytes
    except FileNotFoundError:
        is_whole = False
    if not is_whole:
        raise FetchError("the file of this output is lost; generate it again, or use another output")


def _by_link(tx: Transaction, link: str) -> Medium | None:
    try:
        return find_medium(tx, link)
    except NotFound:
        return None


def _by_reference(
    tx: Transaction, run_id: str, output: str | None, owns_run: Callable[[str], bool]
) -> KeptOutput | None:
    if not owns_run(run_id):
        return None
    outputs = outputs_of(tx, [run_id]).get(run_id, [])
    return next((item for item in outputs if output is None or item.output_id == f"out_{output}"), None)
