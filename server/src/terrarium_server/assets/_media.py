"""Media: content that is stored once per workspace, and the links to it."""

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from terrarium_server import ids
from terrarium_server.problems import NotFound
from terrarium_server.store import Blobs, Transaction

from ._tables import media, media_links

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
# The workspace at the front tells the sweep whether a blob belongs to its database or to another in the same
# folder.
BLOB = re.compile(r"(ws_[0-9a-z]+)/blob_[0-9a-z]{26}\.[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Medium:
    """Content of a workspace; its bytes are a blob. Sizes in bytes and pixels, duration in milliseconds."""

    media_id: str
    workspace_id: str
    sha256: str
    content_type: str
    size_bytes: int
    width: int | None
    height: int | None
    duration_ms: int | None
    blob: str
    created_at: int


MEDIUM = [media.c[name] for name in Medium.__dataclass_fields__]
_FIND = (
    sa.select(*MEDIUM)
    .join(media_links, media_links.c.media_id == media.c.media_id)
    .where(media_links.c.token == sa.bindparam("link"))
)
_LINK = sa.insert(media_links)


def store_medium(
    blobs: Blobs,
    workspace_id: str,
    data: bytes | Path,
    *,
    content_type: str,
    width: int | None = None,
    height: int | None = None,
    duration_ms: int | None = None,
    now_ms: int,
) -> Medium:
    """Store bytes or a file under a new name and return the record for `record_media`. Raises OSError.

    A file is moved, and never read into memory as a whole. The sweep deletes a blob that is not recorded.
    """
    blob = f"{workspace_id}/{ids.mint('blob', now_ms=now_ms)}{suffix_of(content_type)}"
    size_bytes, sha256 = _take(blobs, blob, data)
    return Medium(
        media_id=ids.mint("med", now_ms=now_ms),
        workspace_id=workspace_id,
        sha256=sha256,
        content_type=content_type,
        size_bytes=size_bytes,
        width=width,
        height=height,
        duration_ms=duration_ms,
        blob=blob,
        created_at=now_ms,
    )


def suffix_of(content_type: str) -> str:
    """Return the suffix for the name of a file of this type."""
    return _SUFFIXES.get(content_type, ".bin")


def _take(blobs: Blobs, blob: str, data: bytes | Path) -> tuple[int, str]:
    """Store bytes or a file; return their size and SHA-256."""
    if isinstance(data, bytes):
        blobs.put(blob, data)
        return len(data), hashlib.sha256(data).hexdigest()
    with data.open("rb") as file:
        size, digest = os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()
    blobs.take(blob, data)
    return size, digest


def record_media(tx: Transaction, links: Sequence[tuple[str, Medium]]) -> None:
    """Insert pairs of a link's token and its medium.

    Content that the workspace has already shares the existing row, which is locked, so that the sweep cannot
    delete it. The row gets the new blob, because the older one, which the sweep deletes, may be damaged.
    """
    # Always in the same order, so that two transactions with the same contents cannot deadlock.
    for token, medium in sorted(links, key=lambda link: (link[1].sha256, link[1].content_type)):
        media_id = tx.execute(_record(tx.dialect), asdict(medium)).scalar_one()
        tx.execute(_LINK, {"token": token, "media_id": media_id, "created_at": medium.created_at})


@cache
def _record(dialect: str) -> sa.Executable:
    insert = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(media)
    new = insert.excluded
    merged = {name: sa.func.coalesce(new[name], media.c[name]) for name in ("width", "height", "duration_ms")}
    return insert.on_conflict_do_update(
        index_elements=["workspace_id", "sha256", "content_type"], set_={"blob": new.blob, **merged}
    ).returning(media.c.media_id)


def find_medium(tx: Transaction, link: str) -> Medium:
    """Return the medium of a link. Raises NotFound."""
    row = tx.execute(_FIND, {"link": link}).first()
    if row is None:
        raise NotFound
    return Medium(*row)
