"""Services with an engine of the test's own, and a workspace that starts runs on it."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from support.server import DEADLINE, Account, new_account
from terrarium_server import accounts, ids, ledger, runs, settlement
from terrarium_server.admission import GenerationRequest
from terrarium_server.app import Services
from terrarium_server.engines.registry import Engines
from terrarium_server.execution import submissions
from terrarium_server.runs import Run
from terrarium_server.store import Database

GRANT_USD = 50.0
PRICE_MICROS = 250_000


@dataclass(frozen=True)
class Workspace:
    """Services, and an account in their database that starts runs."""

    services: Services
    account: Account

    def start(
        self, model: str = "t2t-rehearsal", *, prompt: str = "a fern", type: str = "text", **params: Any
    ) -> str:
        """Admit a run."""
        target = (self.account.workspace_id, self.account.project_id)
        request = GenerationRequest(*target, type, prompt, model, params)
        with self.services.database.transaction() as tx:
            caller = accounts.authenticate(tx, self.account.api_key)
            return self.services.admission.admit(tx, caller, request, ids.mint("run")).run.run_id

    def cancel(self, run_id: str, *, notify: bool = True) -> Run:
        """Cancel a run as the API does; without ``notify``, as the API in another process does."""
        database = self.services.database
        if not notify:
            database = Database(database.url)
        with database.transaction() as tx:
            settlement.cancel(tx, runs.read_run(tx, run_id), actor="system")
            run = runs.read_run(tx, run_id)
        if not notify:
            database.close()
        return run

    def submission(self, run_id: str) -> Any:
        """The row of a run's last submission, or None."""
        statement = sa.select(submissions).where(submissions.c.run_id == run_id)
        with self.services.database.transaction() as tx:
            return tx.execute(statement.order_by(submissions.c.number.desc())).first()

    def with_key(self, api_key: str) -> "Workspace":
        """The same with another key of the workspace."""
        return replace(self, account=replace(self.account, api_key=api_key))

    def of_another_workspace(self) -> "Workspace":
        """The same with an account of another workspace."""
        with self.services.database.transaction() as tx:
            return replace(self, account=new_account(tx, credits=GRANT_USD))

    def of_another_process(self) -> "Workspace":
        """The same as another process without a worker has it; close its services."""
        services = self.services
        return replace(self, services=Services(services.settings, engines=Engines(services.engines)))

    def run(self, run_id: str) -> Run:
        with self.services.database.transaction() as tx:
            return runs.read_run(tx, run_id)

    def all_runs(self) -> list[Run]:
        with self.services.database.transaction() as tx:
            return runs.list_runs(tx, self.account.workspace_id, limit=1000)

    def ended(self, run_id: str) -> Run:
        """Wait for a run's end."""
        self.wait_until(lambda: self.run(run_id).is_over, f"{run_id} did not end")
        return self.run(run_id)

    def _described(self) -> str:
        """The runs and turns there are, for the message of a failed test."""
        with self.services.database.transaction() as tx:
            waiting = tx.execute(sa.select(runs.turns.c.engine, runs.turns.c.waiting)).all()
        found = Counter((run.engine, run.state, run.claim, run.error_code) for run in self.all_runs())
        return f"runs: {dict(found)}, turns: {waiting}"

    def wait_until(self, condition: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < deadline, f"{otherwise}; {self._described()}"
            time.sleep(0.01)

    @property
    def balance(self) -> int:
        with self.services.database.transaction() as tx:
            assert ledger.check(tx) == []
            return ledger.read_balance(tx, self.account.workspace_id)


OpenWorkspace = Callable[..., AbstractContextManager[Workspace]]
