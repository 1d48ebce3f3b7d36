"""Media that runs start from: what a caller may name, and how it becomes a file of this machine."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from terrarium_server.engines import Input
from terrarium_server.media import FetchError, FetchRules, Kind, fetch
from terrarium_server.problems import NotFound
from terrarium_server.store import Blobs, Transaction

from ._media import Medium, find_medium
from ._outputs import KeptOutput, outputs_of

# FLORA's clients write output_…, our ids begin with out_.
_REFERENCE = re.compile(r"(run_[^\s/]+)(?:/out(?:put)?_([^\s/]+))?")
# Links of before media had rows of their own begin with out_.
_OURS = re.compile(r"/media/((?:lnk|out)_[a-z0-9]+\.[a-z0-9]+)")


class UnknownMedium(Exception):
    """A link or reference leads to nothing that can be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a medium lies: with us, or behind somebody's link."""

    value: str
    medium: Medium | None


def find_source(tx: Transaction, value: str, kind: Kind, owns_run: Callable[[str], bool]) -> Source:
    """Find what ``value`` names. ``owns_run`` says of a run id whether the caller may name its outputs.

    A link of ours is taken for the medium behind it, as whoever has such a link may see it. Raises
    UnknownMedium.
    """
    reference = _REFERENCE.fullmatch(value)
    if value.startswith("asset_"):
        raise UnknownMedium(f"There is no asset {value} in this workspace")
    if reference is None:
        ours = _OURS.fullmatch(_path(value))
        medium = _by_link(tx, ours[1]) if ours else None
    else:
        kept = _by_reference(tx, reference[1], reference[2], owns_run)
        if kept is None:
            raise UnknownMedium(f"There is no output {value} in this workspace")
        medium = kept.medium
        if medium is None:
            raise UnknownMedium(f"{value} is text, and {kind} is asked for")
    if medium is not None and not medium.content_type.startswith(f"{kind}/"):
        raise UnknownMedium(f"{value} is {medium.content_type}, and {kind} is asked for")
    return Source(value, medium)


def _path(link: str) -> str:
    try:
        return urlsplit(link).path
    except ValueError:
        # None of ours, then; what is wrong with it is told by `check_link`.
        return ""


async def open_source(source: Source, into: Path, kind: Kind, *, blobs: Blobs, rules: FetchRules) -> Input:
    """Copy or fetch a medium into the file ``into``. Raises FetchError."""
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
        raise FetchError("the file of this output is not there any more; make it again, or give another")


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
    kept = outputs_of(tx, [run_id]).get(run_id, [])
    return next((item for item in kept if output is None or item.output_id == f"out_{output}"), None)
