"""Credits: granting, holding, settling and releasing them, and reading and checking balances."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from terrarium_server import ids
from terrarium_server.problems import InsufficientCredits
from terrarium_server.store import Transaction

from ._tables import balances, entries

_ENTRY = {name: sa.bindparam(f"entries_{name}", type_=column.type) for name, column in entries.c.items()}
_WORKSPACE, _AMOUNT = _ENTRY.pop("workspace_id"), _ENTRY.pop("amount_micros")
_MOVE_BALANCE = (
    sa.update(balances)
    # A credit is always allowed; a debit must be covered.
    .where(balances.c.workspace_id == _WORKSPACE, balances.c.balance_micros + _AMOUNT >= 0)
    .values(balance_micros=balances.c.balance_micros + _AMOUNT)
)


def _write_entry(workspace: sa.ColumnElement[str]) -> sa.Insert:
    columns = [*_ENTRY, "workspace_id", "amount_micros"]
    return sa.insert(entries).from_select(columns, sa.select(*_ENTRY.values(), workspace, _AMOUNT))


_WRITE_ENTRY = _write_entry(_WORKSPACE)
# PostgreSQL changes the balance and writes the entry in one round trip, which shortens the balance's lock. It
# returns a row if the balance covers the amount.
MOVE_AT_ONCE = _write_entry(
    _MOVE_BALANCE.returning(balances.c.workspace_id).cte("moved").c.workspace_id
).returning(entries.c.entry_id)


@dataclass(frozen=True, slots=True)
class Imbalance:
    """A workspace whose stored balance is not the sum of its entries (both micro-USD)."""

    workspace_id: str
    balance_micros: int
    sum_micros: int


def open_account(tx: Transaction, workspace_id: str) -> None:
    """Create an empty account for a new workspace."""
    tx.execute(sa.insert(balances), {"workspace_id": workspace_id, "balance_micros": 0})


def grant(tx: Transaction, workspace_id: str, amount_micros: int, *, note: str | None = None) -> None:
    """Add credits, or withdraw a negative amount. Raises InsufficientCredits below zero."""
    if not _move(tx, _values(tx, workspace_id, "grant", amount_micros, note=note)):
        raise InsufficientCredits("The balance is smaller than the amount to withdraw.")


def hold(tx: Transaction, workspace_id: str, run_id: str, amount_micros: int) -> None:
    """Hold a run's quote. Raises InsufficientCredits if the balance does not cover it."""
    if not _move(tx, hold_values(tx, workspace_id, run_id, amount_micros)):
        raise InsufficientCredits


def settle(tx: Transaction, workspace_id: str, run_id: str, held_micros: int, cost_micros: int) -> None:
    """Charge a completed run ``cost_micros``, at most what was held, and return the rest."""
    if not 0 <= cost_micros <= held_micros:
        raise ValueError(f"a run may cost between 0 and the {held_micros} held, not {cost_micros}")
    rest = held_micros - cost_micros
    _move(tx, _values(tx, workspace_id, "settle", rest, run_id=run_id, phase="close"))


def release(tx: Transaction, workspace_id: str, run_id: str, held_micros: int) -> None:
    """Return a failed run's whole hold."""
    _move(tx, _values(tx, workspace_id, "release", held_micros, run_id=run_id, phase="close"))


def hold_values(tx: Transaction, workspace_id: str, run_id: str, amount_micros: int) -> dict[str, Any]:
    """Return what `MOVE_AT_ONCE` binds to hold a run's quote."""
    return _values(tx, workspace_id, "hold", -amount_micros, run_id=run_id, phase="open")


def _move(tx: Transaction, values: dict[str, Any]) -> bool:
    """Change a balance and write the entry; False, and nothing is written, if it would fall below zero."""
    if tx.dialect == "postgresql":
        return tx.execute(MOVE_AT_ONCE, values).first() is not None
    if tx.execute(_MOVE_BALANCE, values).rowcount != 1:
        return False
    tx.execute(_WRITE_ENTRY, values)
    return True


def _values(
    tx: Transaction,
    workspace_id: str,
    entry_type: str,
    amount_micros: int,
    *,
    run_id: str | None = None,
    phase: str | None = None,
    note: str | None = None,
) -> dict[str, Any]:
    return {
        "entries_entry_id": ids.mint("led", now_ms=tx.now_ms),
        "entries_workspace_id": workspace_id,
        "entries_kind": entry_type,
        "entries_amount_micros": amount_micros,
        "entries_run_id": run_id,
        "entries_phase": phase,
        "entries_note": note,
        "entries_created_at": tx.now_ms,
    }


def read_balance(tx: Transaction, workspace_id: str) -> int:
    """Return what a workspace can spend, in micro-USD; holds are already subtracted."""
    statement = sa.select(balances.c.balance_micros).where(balances.c.workspace_id == workspace_id)
    return tx.execute(statement).scalar_one()


def check(tx: Transaction) -> list[Imbalance]:
    """Return every workspace whose stored balance differs from the sum of its entries."""
    total = sa.func.coalesce(sa.func.sum(entries.c.amount_micros), 0)
    statement = (
        sa.select(balances.c.workspace_id, balances.c.balance_micros, total)
        .outerjoin_from(balances, entries, balances.c.workspace_id == entries.c.workspace_id)
        .group_by(balances.c.workspace_id, balances.c.balance_micros)
        .having(total != balances.c.balance_micros)
    )
    return [
        Imbalance(workspace_id, int(balance), int(summed))
        for workspace_id, balance, summed in map(tuple, tx.execute(statement))
    ]
