"""Concurrent claims of one idempotency key wait for each other in the database."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

import pytest

from terrarium_server import idempotency
from terrarium_server.idempotency import Scope
from terrarium_server.problems import DuplicateKey, Resource
from terrarium_server.store import Database

CLAIMANTS = 12
SCOPE = Scope("ws_1", "generation", "prj_1")


class RolledBack(Exception):
    """Makes the first claimant's transaction fail."""


def claim(database: Database, run_id: str) -> str:
    """Claim the key in a transaction of its own."""
    with database.transaction() as tx:
        idempotency.claim(tx, SCOPE, "the key", Resource("run", run_id))
    return run_id


def race(database: Database, *, first_fails: bool) -> list[Future[str]]:
    """One claims the key and keeps its transaction open until all others have begun to claim it."""
    begun = threading.Barrier(CLAIMANTS + 1)

    def follow(number: int) -> str:
        begun.wait()
        return claim(database, f"run_{number}")

    with ThreadPoolExecutor(CLAIMANTS) as pool:
        followers = [pool.submit(follow, number) for number in range(CLAIMANTS)]
        try:
            with database.transaction() as tx:
                idempotency.claim(tx, SCOPE, "the key", Resource("run", "run_first"))
                begun.wait()
                if first_fails:
                    raise RolledBack
        except RolledBack:
            pass
    return followers


def test_all_others_get_the_run_that_holds_the_key(database: Database) -> None:
    for follower in race(database, first_fails=False):
        with pytest.raises(DuplicateKey) as raised:
            follower.result()
        assert raised.value.resource == Resource("run", "run_first")


def test_if_the_first_one_fails_one_other_gets_the_key(database: Database) -> None:
    failures = [follower.exception() for follower in race(database, first_fails=True)]
    winners = [number for number, failure in enumerate(failures) if failure is None]
    assert len(winners) == 1
    holders = {failure.resource.id for failure in failures if isinstance(failure, DuplicateKey)}
    assert holders == {f"run_{winners[0]}"}
    assert len([failure for failure in failures if isinstance(failure, DuplicateKey)]) == CLAIMANTS - 1


def test_a_key_counts_in_one_workspace_operation_and_destination(database: Database) -> None:
    others = [
        replace(SCOPE, workspace_id="ws_2"),
        replace(SCOPE, operation="cancel"),
        replace(SCOPE, destination="prj_2"),
        replace(SCOPE, destination=""),
    ]
    claim(database, "run_1")
    for number, scope in enumerate(others, start=2):
        with database.transaction() as tx:
            idempotency.claim(tx, scope, "the key", Resource("project", f"prj_{number}"))
    with pytest.raises(DuplicateKey) as raised:
        claim(database, "run_9")
    assert raised.value.resource == Resource("run", "run_1")
    with pytest.raises(DuplicateKey) as raised, database.transaction() as tx:
        idempotency.claim(tx, others[-1], "the key", Resource("project", "prj_9"))
    assert raised.value.resource == Resource("project", "prj_5")
