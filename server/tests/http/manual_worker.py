"""A worker whose steps a test makes: it claims runs and ends them, without an engine."""

from dataclasses import dataclass

from support.application import Application
from terrarium_server import assets, events, runs, settlement
from terrarium_server.runs import Run, RunOutcome, RunProgress

_WORKER = "wrk_test"
_MANY = 10_000


@dataclass(frozen=True)
class ManualWorker:
    """Executes runs of the rehearsal engine in an application that has no workers."""

    application: Application

    def claim(self) -> list[Run]:
        """Claim all ready runs of all workspaces; return them in the order in which they start."""
        with self.application.services.database.transaction() as tx:
            claimed = runs.claim(tx, _WORKER, _MANY, {"rehearsal": _MANY})
            events.record(tx, [events.of_run(run, "run.started", "running") for run in claimed])
        return claimed

    def end_all(self) -> None:
        """Let all runs fail that are ready or running."""
        self.claim()
        while held := self._held():
            for run in held:
                self.fail(run)
            # A batch may have more that were not ready before.
            self.claim()

    def _held(self) -> list[Run]:
        with self.application.services.database.transaction() as tx:
            return [runs.read_run(tx, run_id) for run_id in runs.held_by(tx, _WORKER)]

    def show(self, run: Run, percent: int) -> None:
        """Write the progress of a claimed run."""
        with self.application.services.database.transaction() as tx:
            runs.write_progress(
                tx, _WORKER, [RunProgress(run.run_id, run.root_run_id, run.claim, percent, None)]
            )

    def complete(self, run: Run, text: str = "a fern") -> None:
        """Complete a claimed run with a text."""
        kept = assets.keep(
            self.application.services.blobs,
            run.run_id,
            run.workspace_id,
            0,
            type="text",
            content_type="text/plain",
            data=text,
            now_ms=run.created_at,
        )
        with self.application.services.database.transaction() as tx:
            assert settlement.complete(tx, run, [kept])

    def fail(self, run: Run, code: str = "GENERATION_GENERIC_ERROR") -> None:
        """Let a claimed run fail."""
        with self.application.services.database.transaction() as tx:
            assert settlement.fail(tx, run, RunOutcome(code, f"The test says {code}."))
