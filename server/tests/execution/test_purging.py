"""What is kept for a while only, and goes afterwards; see docs/retention.md."""

import sqlalchemy as sa

from support.puppet import Gate, Puppet
from support.stage import MakeStage
from terrarium_server import runs
from terrarium_server.execution import _submissions, submissions


def test_submissions_go_once_they_are_old_and_their_run_is_over(make_stage: MakeStage) -> None:
    gate = Gate()
    with make_stage(Puppet(gate, repeatable=False)) as stage:
        done = stage.start()
        gate.open_for(1)
        stage.ended(done)
        under_way = stage.start()
        stage.wait_until(lambda: stage.submission(under_way) is not None, "not submitted")
        with stage.house.database.transaction() as tx:
            tx.execute(sa.update(submissions).values(marked_at=submissions.c.marked_at - 10_000))
            assert _submissions.forget(tx, older_than_ms=20_000, limit=500) == 0
            assert _submissions.forget(tx, older_than_ms=5_000, limit=500) == 1
        assert stage.submission(done) is None
        gate.open_for(1)
        stage.ended(under_way)


def test_what_a_run_showed_goes_once_it_is_over(make_stage: MakeStage) -> None:
    gate = Gate()

    with make_stage(Puppet(gate)) as stage:
        run_id = stage.start()
        stage.wait_until(lambda: stage.run(run_id).state == "running", "not begun")
        with stage.house.database.transaction() as tx:
            run = runs.read_run(tx, run_id)
            runs.show(tx, run.worker_id or "", [runs.Shown(run_id, run.claim, 40, "so far")])
            assert runs.forget_shown(tx, older_than_ms=-60_000, limit=500) == 0
        gate.open_for(1)
        stage.ended(run_id)
        with stage.house.database.transaction() as tx:
            assert runs.forget_shown(tx, older_than_ms=60_000, limit=500) == 0
            assert runs.forget_shown(tx, older_than_ms=-60_000, limit=500) == 1
        assert stage.run(run_id).preview is None
