"""Many runs under way when a process is killed, and one that kills whoever carries it."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from crash.books import check_at_any_moment, check_at_the_end
from crash.conftest import MakeWorld
from crash.provider import Provider
from crash.steps import MODELS, told_at_once
from crash.world import Caller, Process, World

_RUNS = 20
_ATTEMPTS = 5
_GIVEN_UP = [f"{database}: {engine}" for database in ("sqlite", "postgres") for engine in MODELS]

Stories = dict[str, Future[dict[str, Any]]]


def carrying(world: World, crash: str = "") -> Process:
    """One more process that carries out runs."""
    return world.serve(crash=crash) if world.database.is_sqlite else world.worker(crash=crash)


@pytest.mark.parametrize("seed", [1, 2])
def test_runs_in_flight_all_end_whenever_their_process_is_killed(make_world: MakeWorld, seed: int) -> None:
    chance = random.Random(seed)
    with make_world(Provider(seconds=0.3)) as world:
        account = world.account()
        killed = carrying(world)
        door = killed
        if not world.database.is_sqlite:
            door = world.serve("--no-workers")
            world.worker()
        with Caller(door, account) as caller:
            started = [caller.started(chance.choice([*MODELS.values()])) for _ in range(_RUNS)]
        time.sleep(chance.uniform(0.0, 0.5))
        killed.kill()
        check_at_any_moment(world, account)

        with Caller(world.serve() if world.database.is_sqlite else door, account) as caller:
            assert {caller.ended(run_id)["status"] for run_id in started} == {"completed"}
            assert sorted(run["run_id"] for run in check_at_the_end(world, caller)) == sorted(started)
        assert world.provider.made == dict.fromkeys(started, 1)


def give_up(make_world: MakeWorld, model: str) -> dict[str, Any]:
    """Let a run kill five processes that carry it, and check that the sixth gives it up."""
    with make_world(Provider()) as world:
        account = world.account()
        # This one only admits: it claims nothing before it is gone.
        door = world.serve(gated=True)
        with world.shut_gate(), Caller(door, account) as caller:
            run_id = caller.started(model)
            door.kill()
        for _ in range(_ATTEMPTS):
            check_at_any_moment(world, account)
            carrying(world, crash="before engine.look 1").wait_until_it_killed_itself()

        with Caller(world.serve(), account) as caller:
            run = caller.ended(run_id)
            assert run["charged_cost"] == 0
            check_at_the_end(world, caller)
    return run


@pytest.fixture(scope="module")
def given_up(sqlite_world: MakeWorld, postgres_world: MakeWorld) -> Iterator[Stories]:
    worlds = {"sqlite": sqlite_world, "postgres": postgres_world}

    def tell(case: str) -> dict[str, Any]:
        database, engine = case.split(": ")
        return give_up(worlds[database], MODELS[engine])

    with told_at_once(_GIVEN_UP, tell) as told:
        yield told


@pytest.mark.parametrize("case", _GIVEN_UP)
def test_a_run_that_kills_whoever_carries_it_is_given_up(given_up: Stories, case: str) -> None:
    run = given_up[case].result()
    assert (run["status"], run["error_code"]) == ("failed", "SERVER_ERROR")
    assert str(_ATTEMPTS) in run["error_message"]
