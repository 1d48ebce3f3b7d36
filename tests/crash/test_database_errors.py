"""Single writes and commits of a worker fail, or only seem to: a run completes, and is paid once."""

import itertools
import json
import os
import re
from dataclasses import asdict
from functools import partial

import pytest

from crash.books import check_at_any_moment, check_at_the_end
from crash.database_errors import STRUCK, Kind, Order
from crash.provider import Provider
from crash.steps import MODELS
from crash.stories import MakeWorld, Stories, Told
from crash.world import Caller, World

STORIES = Stories()

_HOW: dict[str, tuple[Kind, int]] = {
    "lost answer": ("lost answer", 1),
    "refused commit": ("refused commit", 1),
    "failed write": ("failed write", 1),
    "failed writes in a row": ("failed write", 3),
}
# A claim, what it shows and its end; for paid ones also the mark and the ticket. Of an end's writes there
# are more: the run, its credits, its output and the canvas.
_LEAST = {"free: commit": 3, "paid: commit": 5, "free: write": 6, "paid: write": 9}


def let_fail(world: World, order: Order) -> None:
    """Give an order for the next run."""
    fresh = world.folder / "order"
    fresh.write_text(json.dumps(asdict(order)))
    os.replace(fresh, world.folder / "errors")


def fail_each_in_turn(make_world: MakeWorld, *, engine: str, how: str) -> None:
    """Let a run's first commit (or write) fail, the second one of another run, and so on to the last."""
    kind, count = _HOW[how]
    struck: list[str] = []
    provider = Provider(suppresses_duplicates=False, seconds=0.2)
    with make_world(provider) as world:
        account = world.account()
        errors = str(world.folder / "errors")
        door, worker = world.door(gated=True, errors=errors, chores="3600", show="0")
        with Caller(door, account) as caller:
            for number in itertools.count(1):
                with world.shut_gate():
                    world.wait_until_turned_away()
                    run_id = caller.started(MODELS[engine])
                    let_fail(world, Order(number, kind, number, number + count - 1))
                run = caller.ended(run_id)
                assert run["status"] == "completed", (number, struck, run)
                assert provider.made[run_id] == 1, (number, struck)
                assert world.run(run_id).attempts == 0, (number, struck)
                check_at_any_moment(world, account)
                found = re.findall(f"{STRUCK}{number} (.*)", worker.printed)
                if not found:
                    break
                struck += found
            check_at_the_end(world, caller)
        assert set(provider.made.values()) == {1}
        assert not provider.cancelled
    assert len(struck) >= _LEAST[f"{engine}: {'write' if 'write' in how else 'commit'}"], struck


for _engine in MODELS:
    for _how in _HOW:
        _story = partial(fail_each_in_turn, engine=_engine, how=_how)
        STORIES.add(f"{_engine}: {_how}", _story, "sqlite", "postgres")


@pytest.mark.parametrize("case", STORIES.cases)
def test_a_run_completes_whatever_was_not_written_at_first(told: Told, case: str) -> None:
    told[case].result()
