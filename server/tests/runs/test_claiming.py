"""Several workers claim from one queue at the same time."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from support.records import pending_run
from terrarium_server import ids, runs
from terrarium_server.store import Database

RUNS = 300
WORKERS = 6


def test_every_run_goes_to_one_worker_and_nobody_gets_more_than_asked(database: Database) -> None:
    queued = [ids.mint("run", now_ms=number) for number in range(RUNS)]
    with database.transaction() as tx:
        for run_id in queued:
            runs.record(tx, pending_run(run_id))

    def claim_all(worker: int) -> list[tuple[int, list[str]]]:
        chance, taken = random.Random(worker), []
        while True:
            count = chance.randint(1, 8)
            with database.transaction() as tx:
                claimed = runs.claim(tx, f"wrk_{worker}", count)
            if not claimed:
                return taken
            taken.append((count, [run.run_id for run in claimed]))

    with ThreadPoolExecutor(WORKERS) as pool:
        claims = [claim for taken in pool.map(claim_all, range(WORKERS)) for claim in taken]
    assert [claim for claim in claims if len(claim[1]) > claim[0]] == []
    assert Counter(run_id for _, claimed in claims for run_id in claimed) == Counter(queued)


def test_a_claim_passes_over_what_another_one_holds_and_comes_back_to_what_it_let_go(
    database: Database,
) -> None:
    first, second = ids.mint("run", now_ms=1), ids.mint("run", now_ms=2)
    with database.transaction() as tx:
        runs.record(tx, pending_run(first))
        runs.record(tx, pending_run(second))

    class LetGo(Exception):
        pass

    try:
        with database.transaction() as tx:
            assert [run.run_id for run in runs.claim(tx, "wrk_a", 1)] == [first]
            if not database.is_sqlite:
                # SQLite has one writer: there the other claim would wait.
                with database.transaction() as other:
                    assert [run.run_id for run in runs.claim(other, "wrk_b", 1)] == [second]
            raise LetGo
    except LetGo:
        pass
    with database.transaction() as tx:
        left = runs.claim(tx, "wrk_c", 9)
    assert [run.run_id for run in left] == ([first, second] if database.is_sqlite else [first])
    assert {run.attempts for run in left} == {1}
