import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from terrarium_server import ids
from terrarium_server.problems import NotFound
from terrarium_server.store import Blobs, Transaction

from ._tables import outputs

_SUFFIXES = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "video/mp4": ".mp4",
    "audio/wav": ".wav",
    "audio/mpeg": ".mp3",
    "audio/mp4": ".m4a",
    "text/plain": ".txt",
}


@dataclass(frozen=True, slots=True)
class KeptOutput:
    """An output; ``text`` for text, else ``blob`` names the bytes. Sizes in bytes and pixels."""

    output_id: str
    run_id: str
    position: int
    type: str
    text: str | None
    blob: str | None
    content_type: str
    size_bytes: int
    sha256: str
    width: int | None
    height: int | None
    created_at: int


_RECORD = [outputs.c[name] for name in KeptOutput.__dataclass_fields__]
_INSERT = sa.insert(outputs)


def keep(
    blobs: Blobs,
    run_id: str,
    position: int,
    *,
    type: str,
    content_type: str,
    data: bytes | str | Path,
    width: int | None = None,
    height: int | None = None,
    now_ms: int,
) -> KeptOutput:
    """Store one output (text stays in the record) and describe it; `record_outputs` comes next.

    A file is moved, and never whole in memory.
    """
    blob = None
    if isinstance(data, str):
        raw = data.encode()
        size, digest = len(raw), hashlib.sha256(raw).hexdigest()
    else:
        blob = ids.mint("out", now_ms=now_ms) + _SUFFIXES.get(content_type, ".bin")
        size, digest = _take(blobs, blob, data)
    return KeptOutput(
        output_id=ids.mint("out", now_ms=now_ms),
        run_id=run_id,
        position=position,
        type=type,
        text=data if isinstance(data, str) else None,
        blob=blob,
        content_type=content_type,
        size_bytes=size,
        sha256=digest,
        width=width,
        height=height,
        created_at=now_ms,
    )


def _take(blobs: Blobs, blob: str, data: bytes | Path) -> tuple[int, str]:
    """Keep bytes or a file; return their number and their SHA-256."""
    if isinstance(data, bytes):
        blobs.put(blob, data)
        return len(data), hashlib.sha256(data).hexdigest()
    with data.open("rb") as file:
        size, digest = os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()
    blobs.take(blob, data)
    return size, digest


def record_outputs(tx: Transaction, kept: Sequence[KeptOutput]) -> None:
    """Write what `keep` described."""
    for output in kept:
        tx.execute(_INSERT, {name: getattr(output, name) for name in KeptOutput.__dataclass_fields__})


def outputs_of(tx: Transaction, run_ids: Iterable[str]) -> dict[str, list[KeptOutput]]:
    """Return the outputs of several runs, each in order, by run id."""
    wanted = list(run_ids)
    found: dict[str, list[KeptOutput]] = {}
    if wanted:
        statement = sa.select(*_RECORD).where(outputs.c.run_id.in_(wanted))
        for row in tx.execute(statement.order_by(outputs.c.run_id, outputs.c.position)):
            output = KeptOutput(*row)
            found.setdefault(output.run_id, []).append(output)
    return found


def outputs_by_id(tx: Transaction, output_ids: Iterable[str]) -> dict[str, KeptOutput]:
    """Return several outputs by their ids; unknown ones are left out."""
    wanted = list(output_ids)
    if not wanted:
        return {}
    rows = tx.execute(sa.select(*_RECORD).where(outputs.c.output_id.in_(wanted)))
    return {row[0]: KeptOutput(*row) for row in rows}


def find_output(tx: Transaction, blob: str) -> KeptOutput:
    """Return the output whose link names this blob. Raises NotFound."""
    row = tx.execute(sa.select(*_RECORD).where(outputs.c.blob == blob)).first()
    if row is None:
        raise NotFound
    return KeptOutput(*row)
