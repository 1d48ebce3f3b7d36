"""Media that runs start from: what a caller may name, and how it becomes a file of this machine."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import sqlalchemy as sa

from terrarium_server.engines import Input
from terrarium_server.media import FetchRules, Kind, fetch
from terrarium_server.store import Blobs, Transaction

from ._outputs import KeptOutput, outputs_by_id, outputs_of
from ._tables import outputs

# FLORA's clients write output_…, our ids begin with out_.
_REFERENCE = re.compile(r"(run_[^\s/]+)(?:/out(?:put)?_([^\s/]+))?")
_OURS = re.compile(r"/media/(out_[a-z0-9]+\.[a-z0-9]+)")
_TYPES: Mapping[str, Kind] = {"imageUrl": "image", "videoUrl": "video", "audioUrl": "audio"}


class UnknownMedium(Exception):
    """A link or reference leads to nothing that can be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a medium lies: an output of ours, or somebody's link."""

    value: str
    kept: KeptOutput | None


def find_source(tx: Transaction, value: str, kind: Kind, owns_run: Callable[[str], bool]) -> Source:
    """Find what ``value`` names. ``owns_run`` says of a run id whether the caller may name its outputs.

    A link to one of our outputs is taken for that output, as whoever has such a link may see it. Raises
    UnknownMedium.
    """
    reference = _REFERENCE.fullmatch(value)
    if value.startswith("asset_"):
        raise UnknownMedium(f"There is no asset {value} in this workspace")
    if reference is None:
        ours = _OURS.fullmatch(urlsplit(value).path)
        kept = _by_blob(tx, ours[1]) if ours else None
    else:
        kept = _by_reference(tx, reference[1], reference[2], owns_run)
        if kept is None:
            raise UnknownMedium(f"There is no output {value} in this workspace")
    if kept is not None and _TYPES.get(kept.type) != kind:
        raise UnknownMedium(f"{value} is {kept.content_type}, and {kind} is asked for")
    return Source(value, kept)


def open_source(source: Source, into: Path, kind: Kind, *, blobs: Blobs, rules: FetchRules) -> Input:
    """Copy or fetch a medium into the file ``into``. Raises FetchError."""
    if source.kept is not None and source.kept.blob is not None:
        blobs.copy_to(source.kept.blob, into)
        return Input(into, source.kept.content_type)
    fetched = fetch(source.value, into, kind=kind, rules=rules)
    return Input(fetched.path, fetched.content_type, source.value)


def _by_blob(tx: Transaction, blob: str) -> KeptOutput | None:
    output_id = tx.execute(sa.select(outputs.c.output_id).where(outputs.c.blob == blob)).scalar()
    return outputs_by_id(tx, [output_id]).get(output_id) if output_id is not None else None


def _by_reference(
    tx: Transaction, run_id: str, output: str | None, owns_run: Callable[[str], bool]
) -> KeptOutput | None:
    if not owns_run(run_id):
        return None
    kept = outputs_of(tx, [run_id]).get(run_id, [])
    return next((item for item in kept if output is None or item.output_id == f"out_{output}"), None)
