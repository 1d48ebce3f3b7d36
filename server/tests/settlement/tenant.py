"""A workspace with a capped key, the runs that the key starts, and checks of the ledger."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from support.server import CARDS, new_account
from terrarium_server import accounts, assets, idempotency, ids, ledger, runs, settlement
from terrarium_server.accounts import Caller
from terrarium_server.admission import Admission, GenerationRequest
from terrarium_server.assets import KeptOutput
from terrarium_server.catalog import Catalog, load_cards
from terrarium_server.idempotency import Scope
from terrarium_server.media import FetchRules
from terrarium_server.problems import Resource
from terrarium_server.runs import Run
from terrarium_server.store import Blobs, Database, Transaction, metadata

PRICE = 250_000
GRANT = 1_000_000_000
CAPACITY = {"rehearsal": 1000}


class Tenant:
    """Every method is one transaction, except those that take one."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.blobs = Blobs(folder / "media")
        self.admission = Admission(Catalog(load_cards(CARDS)), 1_000_000, FetchRules(), lambda: None)
        with database.transaction() as tx:
            self.account = new_account(tx, credits=GRANT / 1_000_000)
            self.capped = self.new_key(tx, spending_cap_micros=GRANT)
            self.uncapped = self.new_key(tx)

    def new_key(self, tx: Transaction, **options: Any) -> Caller:
        """Create a key of the workspace; return its caller."""
        return accounts.authenticate(
            tx, accounts.create_key(tx, self.account.workspace_id, **options).api_key
        )

    def new_project(self) -> str:
        with self.database.transaction() as tx:
            return accounts.create_project(tx, self.account.workspace_id, "One more").project_id

    def admit(
        self,
        tx: Transaction,
        *,
        caller: Caller | None = None,
        project_id: str | None = None,
        idempotency_key: str | None = None,
    ) -> Run:
        """Admit a run of the capped key, or of another."""
        project_id = project_id or self.account.project_id
        request = GenerationRequest(
            self.account.workspace_id, project_id, "text", "a fern", "t2t-rehearsal", {}
        )
        run_id = ids.mint("run")
        if idempotency_key is not None:
            scope = Scope(self.account.workspace_id, "generation", project_id)
            idempotency.claim(tx, scope, idempotency_key, Resource("run", run_id))
        return self.admission.admit(tx, caller or self.capped, request, run_id).run

    def started(self, **options: Any) -> Run:
        with self.database.transaction() as tx:
            return self.admit(tx, **options)

    def claimed(self, worker_id: str = "wrk_a", **options: Any) -> Run:
        """Start a run and claim it; no other run may be pending."""
        started = self.started(**options)
        with self.database.transaction() as tx:
            [run] = runs.claim(tx, worker_id, 2, CAPACITY)
        assert run.run_id == started.run_id
        return run

    def cancel_pending(self) -> None:
        with self.database.transaction() as tx:
            for run in runs.list_runs(tx, self.account.workspace_id, limit=1000, state="pending"):
                assert settlement.cancel(tx, run)

    def run(self, run_id: str) -> Run:
        with self.database.transaction() as tx:
            return runs.read_run(tx, run_id)

    def texts(self, run: Run, *texts: str) -> list[KeptOutput]:
        """Text outputs, stored as an engine's are."""
        return self._kept(run, texts, type="text", content_type="text/plain")

    def pictures(self, run: Run, *contents: bytes) -> list[KeptOutput]:
        """The same with pictures; each is as wide as its position."""
        return self._kept(run, contents, type="image", content_type="image/png")

    def _kept(
        self, run: Run, contents: Sequence[str | bytes], *, type: str, content_type: str
    ) -> list[KeptOutput]:
        return [
            assets.keep(
                self.blobs,
                run.run_id,
                run.workspace_id,
                position,
                type=type,
                content_type=content_type,
                data=data,
                width=position,
                height=7,
                now_ms=1,
            )
            for position, data in enumerate(contents)
        ]

    @property
    def balance(self) -> int:
        with self.database.transaction() as tx:
            return ledger.read_balance(tx, self.account.workspace_id)

    def spent(self, caller: Caller) -> int:
        with self.database.transaction() as tx:
            keys = accounts.list_keys(tx, self.account.workspace_id)
        return next(key.spent_micros for key in keys if key.key_id == caller.key_id)

    def entries(self, run_id: str) -> list[tuple[str, int]]:
        """The ledger entries of a run: types and amounts."""
        statement = sa.text("SELECT kind, amount_micros FROM ledger_entries WHERE run_id = :run")
        with self.database.transaction() as tx:
            rows = tx.execute(statement, {"run": run_id})
            return sorted((entry_type, amount) for entry_type, amount in map(tuple, rows))

    def check(self) -> None:
        """Check that every ended run is charged or released once, for the workspace and for the key."""
        self.check_links()
        with self.database.transaction() as tx:
            assert ledger.check(tx) == []
            all_runs = runs.list_runs(tx, self.account.workspace_id, limit=1_000_000)
        charged = [run for run in all_runs if run.state != "failed"]
        assert self.balance == GRANT - sum(run.held_micros for run in charged)
        by_capped = (run.held_micros for run in charged if run.key_id == self.capped.key_id)
        assert self.spent(self.capped) == sum(by_capped)
        assert self.spent(self.uncapped) == 0
        for run in all_runs:
            entry_types = [entry_type for entry_type, _ in self.entries(run.run_id)]
            ended = {"completed": ["settle"], "failed": ["release"]}.get(run.state, [])
            assert entry_types == ["hold", *ended]

    def check_links(self) -> None:
        """Check that every link has a medium."""
        dangling = sa.text("SELECT token FROM media_links WHERE media_id NOT IN (SELECT media_id FROM media)")
        with self.database.transaction() as tx:
            assert tx.execute(dangling).all() == []


def all_rows(tx: Transaction) -> dict[str, list[Any]]:
    """All rows of all tables."""
    return {
        table.name: sorted(map(tuple, tx.execute(sa.select(table))), key=repr)
        for table in metadata.sorted_tables
    }
