"""The sweep: what nobody refers to goes, a day after that was seen; nothing else does."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from terrarium_server import assets
from terrarium_server.assets import KeptOutput, Sweep, media, media_links, orphaned_blobs
from terrarium_server.store import Blobs, Database

HOUR = 60 * 60 * 1000
DAY = 24 * HOUR


@dataclass
class Swept:
    """A database whose clock is set by hand, and the folder of its blobs."""

    database: Database
    folder: Path
    now_ms: int = 0

    def __post_init__(self) -> None:
        self.blobs = Blobs(self.folder)
        self.number = 0

    def sweep(self, after_ms: int = 0) -> None:
        self.now_ms += after_ms
        asyncio.run(Sweep(self.database, self.blobs, lambda _: {"ws_1", "ws_2"}).run())

    def keep(self, data: bytes, workspace: str = "ws_1") -> KeptOutput:
        """Store a picture, and record nothing."""
        self.number += 1
        run = f"run_{self.number}"
        described = {"type": "imageUrl", "content_type": "image/png", "data": data}
        return assets.keep(self.blobs, run, workspace, 0, **described, now_ms=self.now_ms)

    def record(self, *kept: KeptOutput) -> None:
        with self.database.transaction() as tx:
            assets.record_outputs(tx, kept)

    def unlink(self, kept: KeptOutput) -> None:
        with self.database.transaction() as tx:
            tx.execute(sa.delete(media_links).where(media_links.c.token == kept.link))

    @property
    def files(self) -> set[str]:
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}

    def count(self, table: sa.Table) -> int:
        with self.database.transaction() as tx:
            return tx.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


@pytest.fixture
def swept(migrated_url: str, tmp_path: Path) -> Iterator[Swept]:
    holder: list[Swept] = []

    def clock() -> sa.ColumnElement[int]:
        return sa.literal(holder[0].now_ms, sa.BigInteger)

    database = Database(migrated_url, clock=clock)
    holder.append(Swept(database, tmp_path / "media"))
    yield holder[0]
    database.close()


def blob_of(kept: KeptOutput) -> str:
    assert kept.medium is not None
    return kept.medium.blob


def test_what_has_a_link_stays(swept: Swept) -> None:
    kept = [swept.keep(b"%d" % number) for number in range(3)]
    swept.record(*kept)
    for _ in range(4):
        swept.sweep(DAY)
    assert swept.files == {blob_of(output) for output in kept}
    assert (swept.count(media), swept.count(media_links), swept.count(orphaned_blobs)) == (3, 3, 0)


def test_what_no_link_leads_to_goes_at_once_and_its_file_a_day_later(swept: Swept) -> None:
    gone, stays = swept.keep(b"gone"), swept.keep(b"stays")
    swept.record(gone, stays)
    swept.unlink(gone)
    swept.sweep()
    assert swept.count(media) == 1
    swept.sweep(DAY - 1)
    assert swept.files == {blob_of(gone), blob_of(stays)}
    swept.sweep(1)
    assert swept.files == {blob_of(stays)}
    assert swept.count(orphaned_blobs) == 0


def test_shared_content_stays_until_its_last_link_is_gone(swept: Swept) -> None:
    first, second = swept.keep(b"same"), swept.keep(b"same")
    swept.record(first)
    swept.record(second)
    swept.unlink(first)
    swept.sweep()
    swept.sweep(2 * DAY)
    with swept.database.transaction() as tx:
        assert assets.find_medium(tx, str(second.link)).blob == blob_of(second)
    # The file that came first is not needed any more.
    assert swept.files == {blob_of(second)}


def test_what_is_recorded_within_the_day_stays(swept: Swept) -> None:
    """A file is written before its row; and a row may be long in coming, as while the database is away."""
    late = swept.keep(b"late")
    swept.sweep()
    swept.now_ms += DAY - 1
    swept.record(late)
    swept.sweep(DAY)
    assert swept.files == {blob_of(late)}
    assert swept.count(orphaned_blobs) == 0


def test_a_day_is_counted_anew_after_a_row_was_there(swept: Swept) -> None:
    kept = swept.keep(b"kept")
    swept.sweep()
    swept.record(kept)
    swept.sweep(DAY - HOUR)
    swept.unlink(kept)
    swept.sweep()
    swept.sweep(2 * HOUR)
    assert swept.files == {blob_of(kept)}
    swept.sweep(DAY)
    assert swept.files == set()


def test_files_of_nobody_here_are_left_alone(swept: Swept) -> None:
    """Another database may keep its files in the same folder, and what owners put there is theirs."""
    foreign = swept.keep(b"foreign", workspace="ws_3")
    gone = blob_of(swept.keep(b"mine", workspace="ws_2"))
    named = (
        ".hidden",
        "mine.png",
        "sub/a.png",
        "x.part",
        f"{gone}.bak",
        f"{gone}~",
        gone.upper(),
        "blob_1.png",
    )
    left = {"notes.txt", *(name if name.startswith("ws_2") else f"ws_2/{name}" for name in named)}
    for name in left:
        (swept.folder / name).parent.mkdir(exist_ok=True)
        (swept.folder / name).write_text("somebody's")
    for _ in range(3):
        swept.sweep(DAY)
    assert swept.files == {blob_of(foreign), *left}


def test_thousands_are_swept_at_once(swept: Swept) -> None:
    columns = ("media_id", "workspace_id", "sha256", "content_type", "size_bytes", "blob", "created_at")
    names = [f"ws_1/blob_{number:026}.png" for number in range(1200)]
    (swept.folder / "ws_1").mkdir()
    for name in names:
        (swept.folder / name).touch()
    with swept.database.transaction() as tx:
        rows = [(name, "ws_1", name, "image/png", 0, name, 0) for name in names]
        tx.execute(sa.insert(media), [dict(zip(columns, row, strict=True)) for row in rows])
    swept.sweep()
    assert (swept.count(media), swept.count(orphaned_blobs)) == (0, 1200)
    swept.sweep(DAY)
    assert (swept.files, swept.count(orphaned_blobs)) == (set(), 0)


def test_two_sweeps_at_once_do_what_one_does(swept: Swept) -> None:
    kept = [swept.keep(b"%d" % number) for number in range(60)]
    swept.record(*kept)
    with swept.database.transaction() as tx:
        tx.execute(sa.delete(media_links).where(media_links.c.token != kept[0].link))

    async def both() -> None:
        sweeps = [Sweep(swept.database, swept.blobs, lambda _: {"ws_1"}) for _ in range(2)]
        await asyncio.gather(*(sweep.run() for sweep in sweeps))

    for _ in range(2):
        asyncio.run(both())
        swept.now_ms += DAY
    assert swept.files == {blob_of(kept[0])}


def test_it_is_done_every_six_hours(swept: Swept, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = 1000.0
    monkeypatch.setattr("terrarium_server.assets._sweep.time.monotonic", lambda: seconds)
    sweep = Sweep(swept.database, swept.blobs, lambda _: {"ws_1"})
    seen: list[int] = []
    for hours in (0, 1, 5.9, 6.1, 7, 12.2):
        swept.keep(b"%f" % hours)
        seconds = 1000.0 + hours * 3600
        asyncio.run(sweep.run_if_due())
        seen.append(swept.count(orphaned_blobs))
    assert seen == [1, 1, 1, 4, 4, 6]
