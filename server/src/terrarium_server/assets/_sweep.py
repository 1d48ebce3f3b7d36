"""The sweep: deletes media without a link, and blobs without a medium.

It deletes only blobs that are named as by `store_medium`, in folders of this database's workspaces. All other
files belong to the owner or to another database.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Collection, Iterable

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from terrarium_server.store import Blobs, Database, Transaction

from ._media import BLOB
from ._tables import media, media_links, orphaned_blobs

_log = logging.getLogger(__name__)

_EVERY_SECONDS = 6 * 60 * 60.0
_DAY_MS = 24 * 60 * 60 * 1000
_PAGE = 500

_LINKED = sa.exists().where(media_links.c.media_id == media.c.media_id)


class Sweep:
    """Deletes unreferenced media and blobs periodically. Several may run at the same time."""

    def __init__(
        self, database: Database, blobs: Blobs, workspaces: Callable[[Transaction], Collection[str]]
    ) -> None:
        """``workspaces`` returns the ids of all workspaces."""
        self._database = database
        self._blobs = blobs
        self._workspaces = workspaces
        self._due = -math.inf

    async def run_if_due(self) -> None:
        """Sweep, unless the last time was less than six hours ago."""
        if time.monotonic() >= self._due:
            await self.run()
            self._due = time.monotonic() + _EVERY_SECONDS

    async def run(self) -> None:
        """Sweep once; after a failure, the next sweep does the rest."""
        await self._drop_media()
        await self._note_orphans()
        await self._delete_orphans()

    async def _drop_media(self) -> None:
        unlinked = sa.select(media.c.media_id).where(~_LINKED).limit(_PAGE)
        while media_ids := await self._database.read(lambda tx: list(tx.execute(unlinked).scalars())):
            if not await self._database.write_for_worker(lambda tx, ids=media_ids: drop_unlinked(tx, ids)):
                # Other transactions hold locks on them.
                return

    async def _note_orphans(self) -> None:
        await self._database.write_for_worker(_forget_named)
        workspaces = await self._database.read(self._workspaces)
        pages = self._blobs.pages()
        while (page := await asyncio.to_thread(next, pages, None)) is not None:
            blobs = [blob for blob in page if (match := BLOB.fullmatch(blob)) and match[1] in workspaces]
            orphans = await self._database.read(lambda tx, blobs=blobs: _without_row(tx, blobs))
            if orphans:
                await self._database.write_for_worker(lambda tx, orphans=orphans: _note(tx, orphans))

    async def _delete_orphans(self) -> None:
        """Delete blobs that have had no row for a day."""
        deleted = 0
        while due := await self._database.read(_due):
            orphans = await self._database.read(lambda tx, due=due: _without_medium(tx, due))
            for blob in orphans:
                await asyncio.to_thread(self._blobs.delete, blob)
            await self._database.write_for_worker(lambda tx, due=due: _forget(tx, due))
            deleted += len(orphans)
        if deleted:
            _log.info("deleted %d files that nothing has referred to for a day", deleted)


def drop_unlinked(tx: Transaction, media_ids: Iterable[str]) -> int:
    """Delete those of these media that have no link and are not being linked now; return how many."""
    candidates = sa.select(media.c.media_id).where(media.c.media_id.in_(media_ids))
    locked = list(tx.execute(candidates.with_for_update(skip_locked=True)).scalars())
    # A second statement, because it sees the links that were committed before the rows were locked.
    return tx.execute(sa.delete(media).where(media.c.media_id.in_(locked), ~_LINKED)).rowcount


def _without_row(tx: Transaction, blobs: list[str]) -> list[str]:
    noted = sa.select(orphaned_blobs.c.blob).where(orphaned_blobs.c.blob.in_(blobs))
    orphans = set(tx.execute(noted).scalars())
    return _without_medium(tx, [blob for blob in blobs if blob not in orphans])


def _without_medium(tx: Transaction, blobs: list[str]) -> list[str]:
    named = set(tx.execute(sa.select(media.c.blob).where(media.c.blob.in_(blobs))).scalars())
    return [blob for blob in blobs if blob not in named]


def _note(tx: Transaction, blobs: list[str]) -> None:
    insert = postgresql.insert if tx.dialect == "postgresql" else sqlite.insert
    # Sorted, so that two concurrent sweeps cannot deadlock.
    since = sa.select(sa.bindparam("blob", type_=sa.Text), tx.clock)
    note = insert(orphaned_blobs).from_select(["blob", "since"], since).on_conflict_do_nothing()
    tx.execute(note, [{"blob": blob} for blob in sorted(blobs)])


def _forget_named(tx: Transaction) -> None:
    """Forget the blobs that have a row by now: they were being stored when they were noted."""
    named = sa.select(media.c.blob).where(media.c.blob == orphaned_blobs.c.blob)
    tx.execute(sa.delete(orphaned_blobs).where(named.exists()))


def _due(tx: Transaction) -> list[str]:
    due = sa.select(orphaned_blobs.c.blob).where(orphaned_blobs.c.since <= tx.clock - _DAY_MS)
    return list(tx.execute(due.limit(_PAGE)).scalars())


def _forget(tx: Transaction, blobs: list[str]) -> None:
    tx.execute(sa.delete(orphaned_blobs).where(orphaned_blobs.c.blob.in_(blobs)))
