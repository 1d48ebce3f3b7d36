"""The outputs of runs: storing their media, recording them and reading them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from terrarium_server import ids
from terrarium_server.store import Blobs, Transaction

from ._media import MEDIUM, Medium, record_media, store_medium, suffix_of
from ._tables import media, media_links, outputs


@dataclass(frozen=True, slots=True)
class KeptOutput:
    """An output of a run: either its ``text``, or its medium with ``link``, the token of the link to it."""

    output_id: str
    run_id: str
    position: int
    type: str
    text: str | None
    link: str | None
    created_at: int
    medium: Medium | None


_OWN = [outputs.c[name] for name in KeptOutput.__dataclass_fields__ if name != "medium"]
_READ = sa.select(*_OWN, *MEDIUM).select_from(
    outputs.outerjoin(media_links, media_links.c.token == outputs.c.link).outerjoin(
        media, media.c.media_id == media_links.c.media_id
    )
)
_INSERT = sa.insert(outputs)


def keep(
    blobs: Blobs,
    run_id: str,
    workspace_id: str,
    position: int,
    *,
    type: str,
    content_type: str,
    data: bytes | str | Path,
    width: int | None = None,
    height: int | None = None,
    duration_seconds: float | None = None,
    now_ms: int,
) -> KeptOutput:
    """Store one output of a run and return the record for `record_outputs`. Text needs no blob.

    A file is moved, and never read into memory as a whole. Raises OSError.
    """
    medium = link = None
    if not isinstance(data, str):
        medium = store_medium(
            blobs,
            workspace_id,
            data,
            content_type=content_type,
            width=width,
            height=height,
            duration_ms=round(duration_seconds * 1000) if duration_seconds is not None else None,
            now_ms=now_ms,
        )
        link = ids.mint("lnk", now_ms=now_ms) + suffix_of(content_type)
    return KeptOutput(
        output_id=ids.mint("out", now_ms=now_ms),
        run_id=run_id,
        position=position,
        type=type,
        text=data if isinstance(data, str) else None,
        link=link,
        created_at=now_ms,
        medium=medium,
    )


def record_outputs(tx: Transaction, kept: Sequence[KeptOutput]) -> None:
    """Insert outputs from `keep`, with their media. Locks the rows of media that exist already."""
    record_media(
        tx,
        [
            (output.link, output.medium)
            for output in kept
            if output.link is not None and output.medium is not None
        ],
    )
    for output in kept:
        tx.execute(_INSERT, {column.name: getattr(output, column.name) for column in _OWN})


def outputs_of(tx: Transaction, run_ids: Iterable[str]) -> dict[str, list[KeptOutput]]:
    """Return the outputs of several runs, each in order, by run id."""
    ids = list(run_ids)
    by_run: dict[str, list[KeptOutput]] = {}
    if ids:
        statement = _READ.where(outputs.c.run_id.in_(ids))
        for row in tx.execute(statement.order_by(outputs.c.run_id, outputs.c.position)):
            output = _output(row)
            by_run.setdefault(output.run_id, []).append(output)
    return by_run


def outputs_by_id(tx: Transaction, output_ids: Iterable[str]) -> dict[str, KeptOutput]:
    """Return several outputs by their ids; unknown ones are left out."""
    ids = list(output_ids)
    if not ids:
        return {}
    rows = tx.execute(_READ.where(outputs.c.output_id.in_(ids)))
    return {output.output_id: output for output in map(_output, rows)}


def _output(row: sa.Row[Any]) -> KeptOutput:
    values: Sequence[Any] = row
    own, medium = values[: len(_OWN)], values[len(_OWN) :]
    return KeptOutput(*own, medium=Medium(*medium) if medium[0] is not None else None)
