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
    """An output: ``text`` for text, else ``link`` is the token of the link to its medium."""

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
    """Store one output of a run (text stays in the record) and describe it; `record_outputs` comes next.

    A file is moved, and never whole in memory. Raises OSError.
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
    """Write what `keep` described, with the media. Locks the rows of media that are there already."""
    record_media(
        tx, [(one.link, one.medium) for one in kept if one.link is not None and one.medium is not None]
    )
    for output in kept:
        tx.execute(_INSERT, {column.name: getattr(output, column.name) for column in _OWN})


def outputs_of(tx: Transaction, run_ids: Iterable[str]) -> dict[str, list[KeptOutput]]:
    """Return the outputs of several runs, each in order, by run id."""
    wanted = list(run_ids)
    found: dict[str, list[KeptOutput]] = {}
    if wanted:
        statement = _READ.where(outputs.c.run_id.in_(wanted))
        for row in tx.execute(statement.order_by(outputs.c.run_id, outputs.c.position)):
            output = _output(row)
            found.setdefault(output.run_id, []).append(output)
    return found


def outputs_by_id(tx: Transaction, output_ids: Iterable[str]) -> dict[str, KeptOutput]:
    """Return several outputs by their ids; unknown ones are left out."""
    wanted = list(output_ids)
    if not wanted:
        return {}
    found = map(_output, tx.execute(_READ.where(outputs.c.output_id.in_(wanted))))
    return {output.output_id: output for output in found}


def _output(row: sa.Row[Any]) -> KeptOutput:
    values: Sequence[Any] = row
    own, described = values[: len(_OWN)], values[len(_OWN) :]
    return KeptOutput(*own, medium=Medium(*described) if described[0] is not None else None)
