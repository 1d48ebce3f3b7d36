"""A workspace with a capped key, the runs that the key starts, and checks of the ledger."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from support.graphs import check_events, check_graph
from support.server import CARDS, new_account
from terrarium_server import accounts, assets, idempotency, ids, ledger, runs, settlement
from terrarium_server.accounts import Caller
from terrarium_server.admission import (
    Admission,
    AdmittedGraph,
    EdgeRequest,
    GenerationRequest,
    GraphRequest,
)
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


@cache
def _catalog() -> Catalog:
    return Catalog(load_cards(CARDS))


class Tenant:
    """Every method is one transaction, except those that take one."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.blobs = Blobs(folder / "media")
        self.admission = Admission(_catalog(), 1_000_000, FetchRules())
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
        run_id = self._new_run_id(tx, idempotency_key, project_id)
        request = self._request("t2t-rehearsal", project_id)
        return self.admission.admit(tx, caller or self.capped, request, run_id).run

    def admit_graph(
        self,
        tx: Transaction,
        models: Sequence[str],
        edges: Sequence[EdgeRequest] = (),
        *,
        max_parallel: int | None = None,
        caller: Caller | None = None,
        idempotency_key: str | None = None,
    ) -> AdmittedGraph:
        """Admit a graph with a run of each of these models."""
        project_id = self.account.project_id
        root_run_id = self._new_run_id(tx, idempotency_key, project_id)
        starts = [self._request(model, project_id) for model in models]
        request = GraphRequest(self.account.workspace_id, project_id, starts, edges, max_parallel)
        return self.admission.admit_graph(tx, caller or self.capped, request, root_run_id)

    def _request(self, model: str, project_id: str) -> GenerationRequest:
        return GenerationRequest(self.account.workspace_id, project_id, "text", "a fern", model, {})

    def _new_run_id(self, tx: Transaction, idempotency_key: str | None, project_id: str) -> str:
        run_id = ids.mint("run")
        if idempotency_key is not None:
            scope = Scope(self.account.workspace_id, "generation", project_id)
            idempotency.claim(tx, scope, idempotency_key, Resource("run", run_id))
        return run_id

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

    def cancel_unfinished(self) -> None:
        """Cancel all graphs, and all runs outside any graph, that have not ended."""
        holders = sa.select(*runs.COLUMNS).where(
            runs.runs.c.parent_run_id.is_(None), runs.runs.c.state.in_(("pending", "running"))
        )
        with self.database.transaction() as tx:
            for row in tx.execute(holders).all():
                assert settlement.cancel(tx, Run(*row), actor="system")

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
        """Check the links, the credits, and that events tell of each start and end once."""
        self.check_links()
        self.check_credits()
        with self.database.transaction() as tx:
            check_events(tx, self.account.project_id)

    def check_credits(self) -> None:
        """Check that every ended run is charged or released once, for the workspace and for the key."""
        with self.database.transaction() as tx:
            assert ledger.check(tx) == []
            all_runs = [Run(*row) for row in tx.execute(sa.select(*runs.COLUMNS))]
            for run in all_runs:
                if run.is_root:
                    check_graph(tx, run.run_id)
        # Those that hold credits, and what each takes from the balance.
        holders = [run for run in all_runs if run.parent_run_id is None]
        taken = {run.run_id: (run.cost_micros or 0) if run.is_over else run.held_micros for run in holders}
        assert self.balance == GRANT - sum(taken.values())
        by_capped = (taken[run.run_id] for run in holders if run.key_id == self.capped.key_id)
        assert self.spent(self.capped) == sum(by_capped)
        assert self.spent(self.uncapped) == 0
        for run in holders:
            entry_types = [entry_type for entry_type, _ in self.entries(run.run_id)]
            closing = [] if not run.is_over else ["settle"] if taken[run.run_id] else ["release"]
            assert entry_types == ["hold", *closing]

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
