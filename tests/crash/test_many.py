"""Many runs under way when a process is killed, and one that kills whoever carries it."""

import random
import time
from functools import partial

import pytest

from crash.books import check_at_any_moment, check_at_the_end
from crash.provider import Provider
from crash.steps import MODELS
from crash.stories import MakeWorld, Stories, Told
from crash.world import Caller, Process, World

_RUNS = 20
_DEATHS = 5

STORIES = Stories()


def carrying(world: World, at: str = "") -> Process:
    """One more process that carries out runs."""
    return world.serve(at=at) if world.database.is_sqlite else world.worker(at=at)


def end_all(make_world: MakeWorld, *, seed: int) -> None:
    """Kill a process at some moment while many runs are under way: they all complete."""
    chance = random.Random(seed)
    with make_world(Provider(seconds=0.3)) as world:
        account = world.account()
        killed = carrying(world)
        door = killed
        if not world.database.is_sqlite:
            door = world.serve("--no-workers")
            world.worker()
        with Caller(door, account) as caller:
            models = [chance.choice([*MODELS.values()]) for _ in range(_RUNS)]
            started = {caller.started(model): model for model in models}
        time.sleep(chance.uniform(0.0, 0.5))
        killed.kill()
        check_at_any_moment(world, account)

        with Caller(world.serve() if world.database.is_sqlite else door, account) as caller:
            assert {caller.ended(run_id)["status"] for run_id in started} == {"completed"}
            assert sorted(run["run_id"] for run in check_at_the_end(world, caller)) == sorted(started)
        made = world.provider.made
        assert {made[run_id] for run_id, model in started.items() if model == MODELS["paid"]} == {1}
        assert {made[run_id] for run_id in started} <= {1, 2}


def give_up(make_world: MakeWorld, *, model: str) -> None:
    """Let a run kill five processes that carry it: the sixth gives it up."""
    with make_world(Provider()) as world:
        account = world.account()
        # This one only admits: it claims nothing before it is gone.
        door = world.serve(gated=True)
        with world.shut_gate(), Caller(door, account) as caller:
            run_id = caller.started(model)
            door.kill()
        for _ in range(_DEATHS):
            check_at_any_moment(world, account)
            carrying(world, at="before engine.look 1").wait_until_it_killed_itself()

        with Caller(world.serve(), account) as caller:
            run = caller.ended(run_id)
            assert (run["status"], run["error_code"], run["charged_cost"]) == ("failed", "SERVER_ERROR", 0)
            assert str(_DEATHS) in run["error_message"]
            check_at_the_end(world, caller)


for _seed in (1, 2):
    _name = f"runs in flight all end though their process is killed, {_seed}"
    STORIES.add(_name, partial(end_all, seed=_seed), "sqlite", "postgres")
for _engine, _model in MODELS.items():
    _name = f"a {_engine} run that kills whoever carries it is given up"
    STORIES.add(_name, partial(give_up, model=_model), "sqlite", "postgres")


@pytest.mark.parametrize("case", STORIES.cases)
def test_many_runs_and_many_deaths(told: Told, case: str) -> None:
    told[case].result()
