"""PostgreSQL: no two operations deadlock, at whichever statement of the first one the second one starts.

The first one pauses between two of its statements and keeps its locks. The second one runs until it is done
or waits for one of those locks; then the first one continues. If the two take locks in opposite orders,
PostgreSQL reports a deadlock and the test fails.
"""

from collections.abc import Callable
from functools import partial
from itertools import count

import pytest
import sqlalchemy as sa

from terrarium_server import accounts, assets, ledger, runs, settlement
from terrarium_server.runs import Run, RunOutcome
from terrarium_server.store import Transaction

from .interleaving import Interleaving, Operation
from .tenant import Tenant

pytestmark = pytest.mark.parametrize("migrated_url", ["postgres"], indirect=True)

OUTCOME = RunOutcome("SERVER_ERROR", "why")
_numbers = count()


class Records:
    """Two claimed runs, a pending one, and a second project."""

    def __init__(self, tenant: Tenant, other_project: str) -> None:
        self.tenant = tenant
        self.other_project = other_project
        self.idempotency_key = f"key {next(_numbers)}"
        self.run = tenant.claimed()
        self.another = tenant.claimed()
        self.pending = tenant.started()
        with tenant.database.transaction() as tx:
            # Media of earlier records can be reused, and swept.
            tx.execute(sa.delete(assets.media_links))
            # So that a start writes the time of its activity.
            tx.execute(sa.update(accounts.projects).values(last_modified=0))

    def complete(self, tx: Transaction, run: Run) -> object:
        """Both runs have the same two contents, in opposite orders."""
        contents = (b"one", b"two") if run is self.run else (b"two", b"one")
        return settlement.complete(tx, run, self.tenant.pictures(run, *contents))

    def sweep(self, tx: Transaction) -> None:
        """Delete all media without a link."""
        media_ids = list(tx.execute(sa.select(assets.media.c.media_id)).scalars())
        assets.drop_unlinked(tx, media_ids)

    def cancel(self, tx: Transaction, run: Run) -> object:
        """Cancel as a caller does, who does not know the current claim."""
        return settlement.cancel(tx, runs.read_run(tx, run.run_id), actor="system")

    def grant(self, tx: Transaction) -> None:
        # Granted and withdrawn, so that the checks need not count it.
        for micros in (1, -1):
            ledger.grant(tx, self.tenant.account.workspace_id, micros)


# Of two operations the one with fewer statements is paused at each of them, which takes less time.
OPERATIONS: dict[str, Callable[[Records, Transaction], object]] = {
    "grant": lambda records, tx: records.grant(tx),
    "sweep": lambda records, tx: records.sweep(tx),
    "start": lambda records, tx: records.tenant.admit(tx),
    "start with a key": lambda records, tx: records.tenant.admit(tx, idempotency_key=records.idempotency_key),
    "start elsewhere": lambda records, tx: records.tenant.admit(tx, project_id=records.other_project),
    "cancel": lambda records, tx: records.cancel(tx, records.run),
    "cancel another": lambda records, tx: records.cancel(tx, records.another),
    "cancel pending": lambda records, tx: records.cancel(tx, records.pending),
    "give up": lambda records, tx: settlement.give_up(tx, records.pending, OUTCOME),
    "fail": lambda records, tx: settlement.fail(tx, records.run, OUTCOME),
    "complete": lambda records, tx: records.complete(tx, records.run),
    "complete another": lambda records, tx: records.complete(tx, records.another),
}


@pytest.mark.parametrize("first", OPERATIONS)
def test_no_two_operations_deadlock(tenant: Tenant, interleaving: Interleaving, first: str) -> None:
    names, other_project = list(OPERATIONS), tenant.new_project()
    for second in names[names.index(first) :]:

        def prepare(second: str = second) -> tuple[Operation, Operation]:
            records = Records(tenant, other_project)
            return partial(OPERATIONS[first], records), partial(OPERATIONS[second], records)

        interleaving.run_at_every_statement(prepare)
    tenant.check()
