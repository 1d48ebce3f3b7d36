"""PostgreSQL: the clocks of the machines are far apart, and nobody is robbed for that."""

from functools import partial

import pytest

from crash.books import check_at_any_moment, check_at_the_end
from crash.provider import Provider
from crash.steps import MODELS
from crash.stories import MakeWorld, Stories, Told
from crash.world import WORKER_TIMEOUT, Caller

STORIES = Stories()

_APART = 15


def go_by_the_databases_clock(make_world: MakeWorld, *, first_ahead: int) -> None:
    """Two workers, one with its clock ahead and one behind: each keeps its runs as long as it lives."""
    provider = Provider()
    provider.hold()
    with make_world(provider) as world:
        account = world.account()
        with Caller(world.serve("--no-workers"), account) as caller:
            started: list[str] = []
            pair = [world.worker(clock=str(ahead)) for ahead in (first_ahead, -first_ahead)]
            for other in reversed(pair):
                # Stands still for a moment, so that each of them has runs.
                other.pause()
                started += [caller.started(model) for model in MODELS.values()]
                world.wait_until_followed(*started)
                other.resume()
            held = {run_id: world.run(run_id) for run_id in started}
            assert len({run.worker_id for run in held.values()}) == 2
            world.wait_for_leases(3 * WORKER_TIMEOUT)
            for run_id, before in held.items():
                run = world.run(run_id)
                assert (run.worker_id, run.claim, run.attempts) == (before.worker_id, before.claim, 0)
            check_at_any_moment(world, account)

            # But who is dead is noticed.
            pair[0].kill()
            provider.release()
            assert {caller.ended(run_id)["status"] for run_id in started} == {"completed"}
            check_at_the_end(world, caller)
        assert {provider.made[run_id] for run_id, run in held.items() if run.engine == "paid"} == {1}
        assert not provider.cancelled


for _ahead in (_APART, -_APART):
    STORIES.add(
        f"the first is {_ahead} s ahead", partial(go_by_the_databases_clock, first_ahead=_ahead), "postgres"
    )


@pytest.mark.parametrize("case", STORIES.cases)
def test_leases_go_by_the_databases_clock(told: Told, case: str) -> None:
    told[case].result()
