import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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
    data: bytes | str,
    width: int | None = None,
    height: int | None = None,
    now_ms: int,
) -> KeptOutput:
    """Store one output's bytes (text stays in the record) and describe it; `record_outputs` comes next."""
    raw = data.encode() if isinstance(data, str) else data
    blob = None
    if not isinstance(data, str):
        blob = ids.mint("out", now_ms=now_ms) + _SUFFIXES.get(content_type, ".bin")
        blobs.put(blob, data)
    return KeptOutput(
        output_id=ids.mint("out", now_ms=now_ms),
        run_id=run_id,
        position=position,
        type=type,
        text=data if isinstance(data, str) else None,
        blob=blob,
        content_type=content_type,
        size_bytes=len(raw),
        sha256=hashlib.sha256(raw).hexdigest(),
        width=width,
        height=height,
        created_at=now_ms,
    )


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
