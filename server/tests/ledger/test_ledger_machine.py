"""Any order of grants, holds, settlements and releases, compared with a model in plain Python."""

import pytest
import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
)
from sqlalchemy.exc import IntegrityError

from support.machines import run_machine
from terrarium_server import ids, ledger
from terrarium_server.ledger import Imbalance, balances, entries
from terrarium_server.problems import InsufficientCredits
from terrarium_server.rates import Rate
from terrarium_server.store import Database

AMOUNTS = st.integers(0, 5_000_000) | st.integers(0, 10**12)


class LedgerMachine(RuleBasedStateMachine):
    """One workspace's account; every rule is one transaction."""

    open_runs = Bundle("open_runs")
    closed_runs = Bundle("closed_runs")

    def __init__(self, database: Database) -> None:
        super().__init__()
        self.database = database
        self.workspace = ids.mint("ws")
        self.balance = 0
        self.written = 0
        with database.transaction() as tx:
            ledger.open_account(tx, self.workspace)

    @rule(amount=AMOUNTS)
    def grant(self, amount: int) -> None:
        with self.database.transaction() as tx:
            ledger.grant(tx, self.workspace, amount, note="a gift")
        self._wrote(amount)

    @rule(amount=AMOUNTS.filter(bool))
    def withdraw(self, amount: int) -> None:
        if amount > self.balance:
            with pytest.raises(InsufficientCredits), self.database.transaction() as tx:
                ledger.grant(tx, self.workspace, -amount)
            return
        with self.database.transaction() as tx:
            ledger.grant(tx, self.workspace, -amount)
        self._wrote(-amount)

    @rule(target=open_runs, share=st.floats(0, 1))
    def hold(self, share: float) -> tuple[str, int]:
        run_id, amount = ids.mint("run"), int(self.balance * share)
        with self.database.transaction() as tx:
            ledger.hold(tx, self.workspace, run_id, amount, Rate(1_000_000))
        self._wrote(-amount)
        return run_id, amount

    @rule(over=st.integers(1, 10**12))
    def hold_more_than_the_balance(self, over: int) -> None:
        with pytest.raises(InsufficientCredits), self.database.transaction() as tx:
            ledger.hold(tx, self.workspace, ids.mint("run"), self.balance + over, Rate(1_000_000))

    @rule(run=open_runs)
    def hold_twice(self, run: tuple[str, int]) -> None:
        with pytest.raises((IntegrityError, InsufficientCredits)), self.database.transaction() as tx:
            ledger.hold(tx, self.workspace, *run, Rate(1_000_000))

    @rule(target=closed_runs, run=consumes(open_runs), share=st.floats(0, 1))
    def settle(self, run: tuple[str, int], share: float) -> tuple[str, int]:
        run_id, held = run
        cost = int(held * share)
        with self.database.transaction() as tx:
            ledger.settle(tx, self.workspace, run_id, held, cost)
        self._wrote(held - cost)
        return run

    @rule(run=open_runs, over=st.integers(1, 10**6))
    def settle_for_more_than_was_held(self, run: tuple[str, int], over: int) -> None:
        run_id, held = run
        with pytest.raises(ValueError, match="a run may cost"), self.database.transaction() as tx:
            ledger.settle(tx, self.workspace, run_id, held, held + over)

    @rule(target=closed_runs, run=consumes(open_runs))
    def release(self, run: tuple[str, int]) -> tuple[str, int]:
        with self.database.transaction() as tx:
            ledger.release(tx, self.workspace, *run)
        self._wrote(run[1])
        return run

    @rule(costs=st.lists(st.integers(0, 5_000_000), min_size=1, max_size=3))
    def note_the_costs_of_members(self, costs: list[int]) -> None:
        members = [(ids.mint("run"), cost) for cost in costs]
        with self.database.transaction() as tx:
            ledger.note_costs(tx, self.workspace, members)
        for _ in members:
            self._wrote(0)
        with pytest.raises(IntegrityError), self.database.transaction() as tx:
            ledger.note_costs(tx, self.workspace, members[-1:])

    @rule(run=closed_runs, releasing=st.booleans())
    def close_again(self, run: tuple[str, int], releasing: bool) -> None:
        run_id, held = run
        with pytest.raises(IntegrityError), self.database.transaction() as tx:
            if releasing:
                ledger.release(tx, self.workspace, run_id, held)
            else:
                ledger.settle(tx, self.workspace, run_id, held, 0)

    def _wrote(self, amount: int) -> None:
        self.balance += amount
        self.written += 1

    @invariant()
    def the_ledger_balances(self) -> None:
        mine = entries.c.workspace_id == self.workspace
        total = sa.select(sa.func.coalesce(sa.func.sum(entries.c.amount_micros), 0), sa.func.count())
        with self.database.transaction() as tx:
            assert ledger.read_balance(tx, self.workspace) == self.balance >= 0
            assert tuple(map(int, tx.execute(total.where(mine)).one())) == (self.balance, self.written)
            assert ledger.check(tx) == []


def test_any_order_of_entries_keeps_the_ledger_balanced(database: Database) -> None:
    examples = 60 if database.is_sqlite else 15
    run_machine(lambda: LedgerMachine(database), examples=examples, steps=25)


@pytest.mark.parametrize("wrong_by", [-1, 1, 250_000])
def test_the_check_finds_a_balance_that_is_not_the_sum(database: Database, wrong_by: int) -> None:
    good, bad = ids.mint("ws"), ids.mint("ws")
    with database.transaction() as tx:
        for workspace in (good, bad):
            ledger.open_account(tx, workspace)
            ledger.grant(tx, workspace, 1_000_000)
            ledger.hold(tx, workspace, ids.mint("run"), 300_000, Rate(1_000_000))
    with database.transaction() as tx:
        assert ledger.check(tx) == []
        balance = balances.c.balance_micros
        tx.execute(
            sa.update(balances)
            .where(balances.c.workspace_id == bad)
            .values(balance_micros=balance + wrong_by)
        )
    with database.transaction() as tx:
        assert ledger.check(tx) == [Imbalance(bad, 700_000 + wrong_by, 700_000)]


def test_the_check_finds_a_lost_entry(database: Database) -> None:
    workspace = ids.mint("ws")
    with database.transaction() as tx:
        ledger.open_account(tx, workspace)
        ledger.grant(tx, workspace, 5)
        tx.execute(sa.delete(entries).where(entries.c.workspace_id == workspace))
    with database.transaction() as tx:
        assert ledger.check(tx) == [Imbalance(workspace, 5, 0)]


def test_the_database_refuses_a_negative_balance(database: Database) -> None:
    workspace = ids.mint("ws")
    with database.transaction() as tx:
        ledger.open_account(tx, workspace)
    with pytest.raises(IntegrityError), database.transaction() as tx:
        tx.execute(sa.update(balances).values(balance_micros=-1))
