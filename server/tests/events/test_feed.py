"""Listeners of a stream get every event once and in order, and share one reader."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from terrarium_server import events, ids, runs
from terrarium_server.events import Change, Encoding, Event, Feed, Listener, Selection
from terrarium_server.runs import RunProgress, ShownProgress
from terrarium_server.store import Database

DEADLINE = 30.0
WORKER = "wrk_1"
PROGRESS_SECONDS = "terrarium_server.events._feed._PROGRESS_SECONDS"


def as_number(event: Event) -> bytes:
    return f"{event.number} ".encode().ljust(event.data["size"])


def as_percent(shown: ShownProgress) -> bytes:
    return f"{shown.run_id}:{shown.percent}:{shown.preview} ".encode()


@pytest.fixture
def feed(database: Database) -> Feed:
    return Feed(database, Encoding(as_number, as_percent))


@pytest.fixture(autouse=True)
def frequent_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    """Progress is read every 50 ms, so that the tests need not wait for it."""
    monkeypatch.setattr(PROGRESS_SECONDS, 0.05)


def record(
    database: Database,
    count: int = 1,
    *,
    run: str = "run_1",
    root: str = "run_1",
    type: str = "run.started",
    size: int = 1,
) -> None:
    with database.transaction() as tx:
        events.record(tx, [Change("prj_1", type, run, root, "system", {"size": size}) for _ in range(count)])


async def heard(listener: Listener, enough: Callable[[list[str]], bool]) -> list[str]:
    """What a listener gets until it is enough."""
    words: list[str] = []
    async with asyncio.timeout(DEADLINE):
        while not enough(words):
            text = await listener.next(DEADLINE)
            assert text is not None, f"ended after {words[-5:]}"
            words += text.decode().split()
    return words


async def numbers(listener: Listener, count: int) -> list[int]:
    """The numbers of the next events."""
    return [int(word) for word in await heard(listener, lambda words: len(words) >= count)]


def listening(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), DEADLINE * 2))


def test_one_listens_from_now_on_or_from_earlier(database: Database, feed: Feed) -> None:
    async def test() -> None:
        record(database, 3)
        with feed.listen(Selection("prj_1"), 3, 3) as now, feed.listen(Selection("prj_1"), 1, 3) as earlier:
            assert await numbers(earlier, 2) == [2, 3]
            assert await now.next(0.05) == b""
            await asyncio.to_thread(record, database, 2)
            assert await numbers(now, 2) == await numbers(earlier, 2) == [4, 5]

    listening(test)


def test_nothing_is_missed_between_the_read_of_a_position_and_listening(
    database: Database, feed: Feed
) -> None:
    async def test() -> None:
        record(database, 2)
        # Both were read when the stream had one event.
        with feed.listen(Selection("prj_1"), 1, 1) as first, feed.listen(Selection("prj_1"), 0, 1) as second:
            assert await numbers(first, 1) == [2]
            assert await numbers(second, 2) == [1, 2]
        # Nobody listened in the meantime.
        record(database)
        with feed.listen(Selection("prj_1"), 2, 2) as again:
            assert await numbers(again, 1) == [3]

    listening(test)


def test_a_graph_and_a_run_in_it_are_heard_alone_and_up_to_their_end(database: Database, feed: Feed) -> None:
    async def test() -> None:
        record(database, run="run_2")
        record(database, run="run_9", root="run_9")
        with (
            feed.listen(Selection("prj_1", "run_1"), 0, 2) as graph,
            feed.listen(Selection("prj_1", "run_1", "run_2"), 0, 2) as member,
        ):
            record(database, run="run_2", type="run.completed")
            record(database, run="run_3", type="run.skipped")
            record(database, run="run_1", type="run.failed")
            record(database, run="run_1")
            assert await numbers(member, 2) == [1, 3]
            assert await member.next(0.05) is None
            assert await numbers(graph, 4) == [1, 3, 4, 5]
            assert await graph.next(0.05) is None

    listening(test)


def test_a_slow_listener_gets_everything_although_nothing_is_kept_for_it(
    database: Database, feed: Feed
) -> None:
    async def test() -> None:
        with feed.listen(Selection("prj_1"), 0, 0) as slow, feed.listen(Selection("prj_1"), 0, 0) as fast:
            record(database)
            assert await numbers(slow, 1) == [1]
            for _ in range(4):
                record(database, 500)
                assert await numbers(fast, 500)
            record(database, 500)
            assert await numbers(slow, 2500) == list(range(2, 2502))

    listening(test)


def test_large_events_come_in_several_pieces(database: Database, feed: Feed) -> None:
    async def test() -> None:
        record(database, 50, size=5_000)
        with feed.listen(Selection("prj_1"), 0, 50) as listener:
            pieces = [await listener.next(DEADLINE) for _ in range(4)]
            assert all(piece is not None and len(piece) < 80_000 for piece in pieces)
            assert [int(word) for piece in pieces for word in (piece or b"").split()] == list(range(1, 51))

    listening(test)


def test_a_listener_whose_events_expire_before_it_reads_them_is_ended(database: Database, feed: Feed) -> None:
    async def test() -> None:
        record(database, 900)
        with feed.listen(Selection("prj_1"), 0, 900) as listener:
            first = await numbers(listener, 1)
            with database.transaction() as tx:
                tx.execute(sa.delete(events.events).where(events.events.c.number < 500))
            assert first[-1] < 499
            assert await listener.next(DEADLINE) is None

    listening(test)


def test_listeners_that_come_and_go_hear_all_that_many_writers_record(database: Database, feed: Feed) -> None:
    async def listen(seed: int) -> None:
        choose = random.Random(seed)
        position = 0
        while position < 400:
            with database.transaction() as tx:
                last = events.kept(tx, "prj_1").last
            with feed.listen(Selection("prj_1"), position, last) as listener:
                for _ in range(choose.randint(1, 10)):
                    text = await listener.next(0.2)
                    found = [int(word) for word in (text or b"").split()]
                    assert found == list(range(position + 1, position + 1 + len(found)))
                    position += len(found)

    async def test() -> None:
        with ThreadPoolExecutor(16) as pool:
            loop = asyncio.get_running_loop()
            writing = [loop.run_in_executor(pool, record, database) for _ in range(400)]
            await asyncio.gather(*writing, *map(listen, range(12)))

    listening(test)


@contextmanager
def counted_reads(database: Database) -> Iterator[list[str]]:
    """The statements that read events."""
    found: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("SELECT events."):
            found.append(statement)

    event.listen(sa.Engine, "before_cursor_execute", note)
    yield found
    event.remove(sa.Engine, "before_cursor_execute", note)


def test_many_listeners_cost_one_read(database: Database, feed: Feed) -> None:
    async def test() -> None:
        selection = Selection("prj_1")
        listeners = [feed.listen(selection, 0, 0) for _ in range(100)]
        opened = [listener.__enter__() for listener in listeners]
        record(database)
        assert await asyncio.gather(*(numbers(one, 1) for one in opened)) == [[1]] * 100
        with counted_reads(database) as reads:
            record(database, 5)
            assert await asyncio.gather(*(numbers(one, 5) for one in opened)) == [[2, 3, 4, 5, 6]] * 100
        assert len(reads) == 1
        for listener in listeners:
            listener.__exit__(None, None, None)

    listening(test)


def test_closing_ends_every_listener_at_once(database: Database, feed: Feed) -> None:
    async def test() -> None:
        with feed.listen(Selection("prj_1"), 0, 0) as one, feed.listen(Selection("prj_2"), 0, 0) as other:
            waiting = asyncio.gather(one.next(DEADLINE), other.next(DEADLINE))
            await asyncio.sleep(0)
            await asyncio.to_thread(feed.close)
            assert await waiting == [None, None]
        with feed.listen(Selection("prj_1"), 0, 0) as late:
            assert await late.next(DEADLINE) is None

    listening(test)


def running(database: Database, stream: str, *, root: str | None = None) -> str:
    """Write a running run and return its id."""
    run_id = ids.mint("run")
    run = runs.new_run(
        run_id=run_id,
        workspace_id="ws_1",
        project_id=stream,
        node_id=None,
        run_type="generation",
        type="text",
        subject="t2t-rehearsal",
        subject_version="1",
        engine="rehearsal",
        prompt="a fern",
        input={},
        seed=1,
        held_micros=0,
        actor="system",
        estimated_seconds=1,
        created_at=1,
    )
    with database.transaction() as tx:
        runs.record(tx, run)
        graph = {"root_run_id": root, "parent_run_id": root} if root is not None else {}
        row = runs.runs.c.run_id == run_id
        tx.execute(
            sa.update(runs.runs).where(row).values(state="running", worker_id=WORKER, claim=1, **graph)
        )
    return run_id


def show(database: Database, run_id: str, percent: int, preview: str | None = None) -> None:
    with database.transaction() as tx:
        tx.now_ms += percent
        runs.write_progress(tx, WORKER, [RunProgress(run_id, run_id, 1, percent, preview)])


def test_progress_is_told_to_those_who_listen_and_to_those_who_come(database: Database, feed: Feed) -> None:
    async def test() -> None:
        run_id, elsewhere = running(database, "prj_1"), running(database, "prj_2")
        show(database, elsewhere, 90)
        with feed.listen(Selection("prj_1"), 0, 0) as listener:
            for percent in (10, 20):
                show(database, run_id, percent, "so far")
                assert await heard(listener, bool) == [f"{run_id}:{percent}:so", "far"]
            # One that comes later, and a run's own listener.
            for selection in (Selection("prj_1"), Selection("prj_1", run_id)):
                with feed.listen(selection, 0, 0) as late:
                    assert await heard(late, bool) == [f"{run_id}:20:so", "far"]
            with feed.listen(Selection("prj_1", "run_other"), 0, 0) as other:
                assert await other.next(0.2) == b""

    listening(test)


def test_no_progress_of_a_run_follows_its_end(
    database: Database, feed: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test() -> None:
        run_id = running(database, "prj_1")
        with feed.listen(Selection("prj_1"), 0, 0) as listener:
            show(database, run_id, 30)
            assert await heard(listener, bool) == [f"{run_id}:30:None"]
            # From now on, progress is not read again.
            monkeypatch.setattr(PROGRESS_SECONDS, 3600)
            record(database, run=run_id, root=run_id, type="run.completed")
            assert await numbers(listener, 1) == [1]
            with feed.listen(Selection("prj_1"), 1, 1) as late:
                assert await late.next(0.2) == b""

    listening(test)


def test_the_progress_of_a_graph_is_that_of_its_runs(database: Database, feed: Feed) -> None:
    async def test() -> None:
        member = running(database, "prj_1", root="run_1")
        running(database, "prj_1", root="run_1")
        with feed.listen(Selection("prj_1", "run_1"), 0, 0) as listener:
            show(database, member, 50)
            words = await heard(listener, lambda words: "run_1:25:None" in words)
            assert f"{member}:50:None" in words

    listening(test)
