"""Records that are deleted after a while; see docs/retention.md."""

import sqlalchemy as sa

from support.scripted_engine import Gate, ScriptedEngine
from support.workspace import OpenWorkspace
from terrarium_server import runs
from terrarium_server.execution import _submissions, submissions


def test_submissions_are_deleted_once_they_are_old_and_their_run_has_ended(
    open_workspace: OpenWorkspace,
) -> None:
    gate = Gate()
    with open_workspace(ScriptedEngine(gate, repeatable=False)) as workspace:
        done = workspace.start()
        gate.open_for(1)
        workspace.ended(done)
        under_way = workspace.start()
        workspace.wait_until(lambda: workspace.submission(under_way) is not None, "not submitted")
        with workspace.services.database.transaction() as tx:
            tx.execute(sa.update(submissions).values(marked_at=submissions.c.marked_at - 10_000))
            assert _submissions.forget(tx, older_than_ms=20_000, limit=500) == 0
            assert _submissions.forget(tx, older_than_ms=5_000, limit=500) == 1
        assert workspace.submission(done) is None
        gate.open_for(1)
        workspace.ended(under_way)


def test_the_progress_of_a_run_is_deleted_after_its_end(open_workspace: OpenWorkspace) -> None:
    gate = Gate()

    with open_workspace(ScriptedEngine(gate)) as workspace:
        run_id = workspace.start()
        workspace.wait_until(lambda: workspace.run(run_id).state == "running", "not begun")
        with workspace.services.database.transaction() as tx:
            run = runs.read_run(tx, run_id)
            runs.write_progress(
                tx, run.worker_id or "", [runs.RunProgress(run_id, run_id, run.claim, 40, "so far")]
            )
            assert runs.forget_progress(tx, older_than_ms=-60_000, limit=500) == 0
        gate.open_for(1)
        workspace.ended(run_id)
        with workspace.services.database.transaction() as tx:
            assert runs.forget_progress(tx, older_than_ms=60_000, limit=500) == 0
            assert runs.forget_progress(tx, older_than_ms=-60_000, limit=500) == 1
        assert workspace.run(run_id).preview is None
