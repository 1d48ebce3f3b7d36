"""The sweep deletes unreferenced media at once and their blobs after a day, and nothing else."""

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
class Storage:
    """A database whose clock the test sets, and the folder of its blobs."""

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
        described = {"type": "image", "content_type": "image/png", "data": data}
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
def storage(migrated_url: str, tmp_path: Path) -> Iterator[Storage]:
    holder: list[Storage] = []

    def clock() -> sa.ColumnElement[int]:
        return sa.literal(holder[0].now_ms, sa.BigInteger)

    database = Database(migrated_url, clock=clock)
    holder.append(Storage(database, tmp_path / "media"))
    yield holder[0]
    database.close()


def blob_of(kept: KeptOutput) -> str:
    assert kept.medium is not None
    return kept.medium.blob


def test_media_with_a_link_stay(storage: Storage) -> None:
    kept = [storage.keep(b"%d" % number) for number in range(3)]
    storage.record(*kept)
    for _ in range(4):
        storage.sweep(DAY)
    assert storage.files == {blob_of(output) for output in kept}
    assert (storage.count(media), storage.count(media_links), storage.count(orphaned_blobs)) == (3, 3, 0)


def test_a_medium_without_a_link_is_deleted_at_once_and_its_file_a_day_later(storage: Storage) -> None:
    gone, stays = storage.keep(b"gone"), storage.keep(b"stays")
    storage.record(gone, stays)
    storage.unlink(gone)
    storage.sweep()
    assert storage.count(media) == 1
    storage.sweep(DAY - 1)
    assert storage.files == {blob_of(gone), blob_of(stays)}
    storage.sweep(1)
    assert storage.files == {blob_of(stays)}
    assert storage.count(orphaned_blobs) == 0


def test_shared_content_stays_until_its_last_link_is_gone(storage: Storage) -> None:
    first, second = storage.keep(b"same"), storage.keep(b"same")
    storage.record(first)
    storage.record(second)
    storage.unlink(first)
    storage.sweep()
    storage.sweep(2 * DAY)
    with storage.database.transaction() as tx:
        assert assets.find_medium(tx, str(second.link)).blob == blob_of(second)
    # The first file is not needed any more.
    assert storage.files == {blob_of(second)}


def test_a_blob_that_is_recorded_within_a_day_stays(storage: Storage) -> None:
    """A file is written before its row, which may be delayed, for example by an unavailable database."""
    late = storage.keep(b"late")
    storage.sweep()
    storage.now_ms += DAY - 1
    storage.record(late)
    storage.sweep(DAY)
    assert storage.files == {blob_of(late)}
    assert storage.count(orphaned_blobs) == 0


def test_a_blob_that_had_a_row_meanwhile_gets_another_day(storage: Storage) -> None:
    kept = storage.keep(b"kept")
    storage.sweep()
    storage.record(kept)
    storage.sweep(DAY - HOUR)
    storage.unlink(kept)
    storage.sweep()
    storage.sweep(2 * HOUR)
    assert storage.files == {blob_of(kept)}
    storage.sweep(DAY)
    assert storage.files == set()


def test_files_of_others_are_left_alone(storage: Storage) -> None:
    """Another database may use the same folder, and owners may put files of their own into it."""
    foreign = storage.keep(b"foreign", workspace="ws_3")
    gone = blob_of(storage.keep(b"mine", workspace="ws_2"))
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
        (storage.folder / name).parent.mkdir(exist_ok=True)
        (storage.folder / name).write_text("somebody's")
    for _ in range(3):
        storage.sweep(DAY)
    assert storage.files == {blob_of(foreign), *left}


def test_thousands_are_swept_at_once(storage: Storage) -> None:
    columns = ("media_id", "workspace_id", "sha256", "content_type", "size_bytes", "blob", "created_at")
    names = [f"ws_1/blob_{number:026}.png" for number in range(1200)]
    (storage.folder / "ws_1").mkdir()
    for name in names:
        (storage.folder / name).touch()
    with storage.database.transaction() as tx:
        rows = [(name, "ws_1", name, "image/png", 0, name, 0) for name in names]
        tx.execute(sa.insert(media), [dict(zip(columns, row, strict=True)) for row in rows])
    storage.sweep()
    assert (storage.count(media), storage.count(orphaned_blobs)) == (0, 1200)
    storage.sweep(DAY)
    assert (storage.files, storage.count(orphaned_blobs)) == (set(), 0)


def test_two_concurrent_sweeps_do_what_one_does(storage: Storage) -> None:
    kept = [storage.keep(b"%d" % number) for number in range(60)]
    storage.record(*kept)
    with storage.database.transaction() as tx:
        tx.execute(sa.delete(media_links).where(media_links.c.token != kept[0].link))

    async def both() -> None:
        sweeps = [Sweep(storage.database, storage.blobs, lambda _: {"ws_1"}) for _ in range(2)]
        await asyncio.gather(*(sweep.run() for sweep in sweeps))

    for _ in range(2):
        asyncio.run(both())
        storage.now_ms += DAY
    assert storage.files == {blob_of(kept[0])}


def test_a_sweep_is_due_every_six_hours(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = 1000.0
    monkeypatch.setattr("terrarium_server.assets._sweep.time.monotonic", lambda: seconds)
    sweep = Sweep(storage.database, storage.blobs, lambda _: {"ws_1"})
    counts: list[int] = []
    for hours in (0, 1, 5.9, 6.1, 7, 12.2):
        storage.keep(b"%f" % hours)
        seconds = 1000.0 + hours * 3600
        asyncio.run(sweep.run_if_due())
        counts.append(storage.count(orphaned_blobs))
    assert counts == [1, 1, 1, 4, 4, 6]
