"""Events are numbered in the order of their commits, without gaps, and expire."""

import asyncio
import random
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
import sqlalchemy as sa

from terrarium_server import events
from terrarium_server.events import Change, Event, Expiry, Kept, Selection
from terrarium_server.store import Database

WRITERS = 16
COMMITS = 20
STREAMS = ("prj_1", "prj_2", "run_root")
DAY_MS = 24 * 60 * 60 * 1000


class Undone(Exception):
    """Rolls a transaction back."""


def change(stream: str = "prj_1", run: str = "run_1", root: str | None = None, **data: object) -> Change:
    return Change(stream, "run.created", run, root or run, "key:key_1", data)


def record(database: Database, *changes: Change) -> None:
    with database.transaction() as tx:
        events.record(tx, changes)


def read(database: Database, selection: Selection, after: int = 0, limit: int = 1000) -> list[Event]:
    with database.transaction() as tx:
        return events.read(tx, selection, after, limit)


def numbers(of: Sequence[Event]) -> list[int]:
    return [event.number for event in of]


def test_an_event_is_read_as_it_was_recorded(database: Database) -> None:
    data = {"status": "failed", "error_message": 'ein "Öltank" \\ 漢字', "more": [1, None, {"a": True}]}
    with database.transaction() as tx:
        now = tx.now_ms
        events.record(tx, [Change("prj_1", "run.failed", "run_2", "run_1", "system", data)])
    assert read(database, Selection("prj_1")) == [
        Event("prj_1", 1, "run.failed", "run_2", "run_1", "system", data, now)
    ]


def test_each_stream_numbers_its_changes_in_the_order_given(database: Database) -> None:
    record(database, change("prj_2", "run_0"))
    record(
        database,
        *(change(STREAMS[number % 3], f"run_{number}", place=number) for number in range(200)),
    )
    for place, stream in enumerate(STREAMS):
        found = read(database, Selection(stream))
        recorded = [event for event in found if event.run_id != "run_0" or event.data]
        assert numbers(found) == list(range(1, len(found) + 1))
        assert [event.data["place"] for event in recorded] == list(range(place, 200, 3))
    with database.transaction() as tx:
        assert events.last_numbers(tx, (*STREAMS, "prj_none")) == {"prj_1": 67, "prj_2": 68, "run_root": 66}


def test_the_events_of_a_graph_and_of_one_run(database: Database) -> None:
    runs = [("run_a", "run_a"), ("run_b", "run_a"), ("run_c", "run_c"), ("run_b", "run_a")]
    record(database, *(change("prj_1", run, root) for run, root in runs))
    assert numbers(read(database, Selection("prj_1", "run_a"))) == [1, 2, 4]
    assert numbers(read(database, Selection("prj_1", "run_a", "run_b"))) == [2, 4]
    assert numbers(read(database, Selection("prj_1", "run_a"), after=1, limit=1)) == [2]


def test_a_transaction_that_fails_takes_no_number_and_tells_nobody(database: Database) -> None:
    told: list[frozenset[str] | None] = []
    for topic in ("stream", "run"):
        database.notifications.subscribe(topic, told.append)
    with pytest.raises(Undone), database.transaction() as tx:
        events.record(tx, [change()])
        raise Undone
    assert told == []
    record(database, change(run="run_2", root="run_1"))
    assert told == [{"prj_1"}, {"run_1", "run_2"}] or told == [{"run_1", "run_2"}, {"prj_1"}]
    assert numbers(read(database, Selection("prj_1"))) == [1]


def test_whoever_reads_on_misses_nothing_that_concurrent_writers_commit(database: Database) -> None:
    """A number is never visible before all lower ones. Writers of several streams do not deadlock."""
    committed = [0] * WRITERS

    def write(writer: int) -> None:
        choose = random.Random(writer)
        for commit in range(COMMITS):
            changes = [
                change(choose.choice(STREAMS), f"run_{writer}", commit=commit)
                for _ in range(choose.randint(1, 5))
            ]
            try:
                with database.transaction() as tx:
                    events.record(tx, changes)
                    if choose.random() < 0.2:
                        raise Undone
            except Undone:
                continue
            committed[writer] += len(changes)

    is_over = threading.Event()
    seen: dict[str, list[Event]] = {stream: [] for stream in STREAMS}

    def read_on() -> None:
        last_round = False
        while not last_round:
            last_round = is_over.is_set()
            for stream, found in seen.items():
                found.extend(read(database, Selection(stream), after=len(found)))

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        reading = pool.submit(read_on)
        list(pool.map(write, range(WRITERS)))
        is_over.set()
        reading.result()
    for found in seen.values():
        assert numbers(found) == list(range(1, len(found) + 1))
        for writer in range(WRITERS):
            own = [event.data["commit"] for event in found if event.run_id == f"run_{writer}"]
            assert all(earlier <= later for earlier, later in pairwise(own))
    assert sum(map(len, seen.values())) == sum(committed)


def age(database: Database, up_to: int, *, stream: str = "prj_1", days: float = 7.01) -> None:
    with database.transaction() as tx:
        tx.execute(
            sa.update(events.events)
            .where(events.events.c.stream == stream, events.events.c.number <= up_to)
            .values(created_at=tx.now_ms - int(days * DAY_MS))
        )


def kept(database: Database, *streams: str) -> list[Kept]:
    with database.transaction() as tx:
        return [events.kept(tx, stream) for stream in streams]


def test_events_expire_after_seven_days(database: Database) -> None:
    expiry = Expiry(database)
    record(database, *(change() for _ in range(1300)), change("prj_2"))
    age(database, 1200)
    age(database, 1, stream="prj_2", days=6.99)
    asyncio.run(expiry.run())
    assert kept(database, "prj_1", "prj_2", "prj_none") == [Kept(1201, 1300), Kept(1, 1), Kept(1, 0)]
    age(database, 1300)
    age(database, 1, stream="prj_2")
    asyncio.run(expiry.run())
    assert kept(database, "prj_1", "prj_2") == [Kept(1301, 1300), Kept(2, 1)]
    # Numbers go on where they were.
    record(database, change(), change("prj_2"))
    assert kept(database, "prj_1", "prj_2") == [Kept(1301, 1301), Kept(2, 2)]


def test_the_events_that_are_kept_follow_each_other(database: Database) -> None:
    record(database, *(change() for _ in range(6)))
    age(database, 4)
    # As recorded by a process whose clock is ahead.
    age(database, 2, days=6)
    age(database, 1)
    asyncio.run(Expiry(database).run())
    assert kept(database, "prj_1") == [Kept(2, 6)]
    assert numbers(read(database, Selection("prj_1"))) == [2, 3, 4, 5, 6]


def test_all_streams_take_their_turn_to_expire(database: Database) -> None:
    streams = [f"prj_{number:04}" for number in range(450)]
    record(database, *(change(stream) for stream in streams))
    with database.transaction() as tx:
        tx.execute(sa.update(events.events).values(created_at=0))
    expiry = Expiry(database)

    async def run_three_times() -> None:
        for _ in range(3):
            await expiry.run()

    asyncio.run(run_three_times())
    assert kept(database, *streams) == [Kept(2, 1)] * 450
    # And again from the first one.
    record(database, change(streams[0]))
    age(database, 2, stream=streams[0])
    asyncio.run(expiry.run())
    assert kept(database, streams[0]) == [Kept(3, 2)]


@pytest.mark.parametrize(
    ("kept", "follows"),
    [
        (Kept(1, 0), {0}),
        (Kept(1, 3), {0, 1, 2, 3}),
        (Kept(3, 4), {2, 3, 4}),
        (Kept(5, 4), {4}),
    ],
)
def test_one_goes_on_only_where_nothing_was_missed(kept: Kept, follows: set[int]) -> None:
    assert {number for number in range(8) if kept.follows(number)} == follows
