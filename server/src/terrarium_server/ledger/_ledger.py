from dataclasses import dataclass

import sqlalchemy as sa

from terrarium_server import ids
from terrarium_server.problems import InsufficientCredits
from terrarium_server.store import Transaction

from ._tables import balances, entries

_INSERT = sa.insert(entries)
_ADD = (
    sa.update(balances)
    .where(balances.c.workspace_id == sa.bindparam("workspace"))
    .values(balance_micros=balances.c.balance_micros + sa.bindparam("amount"))
)
_TAKE = (
    sa.update(balances)
    .where(
        balances.c.workspace_id == sa.bindparam("workspace"),
        balances.c.balance_micros >= sa.bindparam("amount"),
    )
    .values(balance_micros=balances.c.balance_micros - sa.bindparam("amount"))
)


@dataclass(frozen=True, slots=True)
class Imbalance:
    """A workspace whose kept balance is not the sum of its entries (both micro-USD)."""

    workspace_id: str
    balance_micros: int
    sum_micros: int


def open_account(tx: Transaction, workspace_id: str) -> None:
    """Give a new workspace an empty account."""
    tx.execute(sa.insert(balances), {"workspace_id": workspace_id, "balance_micros": 0})


def grant(tx: Transaction, workspace_id: str, amount_micros: int, *, note: str | None = None) -> None:
    """Add credits (or, if negative, take back). Raises InsufficientCredits below zero."""
    statement, amount = (_ADD, amount_micros) if amount_micros >= 0 else (_TAKE, -amount_micros)
    if tx.execute(statement, {"workspace": workspace_id, "amount": amount}).rowcount != 1:
        raise InsufficientCredits("The balance is smaller than what should be taken back.")
    _record(tx, workspace_id, "grant", amount_micros, note=note)


def hold(tx: Transaction, workspace_id: str, run_id: str, amount_micros: int) -> None:
    """Set a run's quote aside. Raises InsufficientCredits if the balance does not cover it."""
    if tx.execute(_TAKE, {"workspace": workspace_id, "amount": amount_micros}).rowcount != 1:
        raise InsufficientCredits
    _record(tx, workspace_id, "hold", -amount_micros, run_id=run_id, phase="open")


def settle(tx: Transaction, workspace_id: str, run_id: str, held_micros: int, cost_micros: int) -> None:
    """Charge a completed run ``cost_micros``, at most what was held, and give the rest back."""
    if not 0 <= cost_micros <= held_micros:
        raise ValueError(f"a run may cost between 0 and the {held_micros} held, not {cost_micros}")
    _close(tx, workspace_id, run_id, "settle", held_micros - cost_micros)


def release(tx: Transaction, workspace_id: str, run_id: str, held_micros: int) -> None:
    """Give a failed run's whole hold back."""
    _close(tx, workspace_id, run_id, "release", held_micros)


def _close(tx: Transaction, workspace_id: str, run_id: str, kind: str, back_micros: int) -> None:
    _record(tx, workspace_id, kind, back_micros, run_id=run_id, phase="close")
    if back_micros:
        tx.execute(_ADD, {"workspace": workspace_id, "amount": back_micros})


def _record(
    tx: Transaction,
    workspace_id: str,
    kind: str,
    amount_micros: int,
    *,
    run_id: str | None = None,
    phase: str | None = None,
    note: str | None = None,
) -> None:
    tx.execute(
        _INSERT,
        {
            "entry_id": ids.mint("led", now_ms=tx.now_ms),
            "workspace_id": workspace_id,
            "kind": kind,
            "amount_micros": amount_micros,
            "run_id": run_id,
            "phase": phase,
            "note": note,
            "created_at": tx.now_ms,
        },
    )


def read_balance(tx: Transaction, workspace_id: str) -> int:
    """Return what a workspace can spend, in micro-USD; what is held is already taken off."""
    statement = sa.select(balances.c.balance_micros).where(balances.c.workspace_id == workspace_id)
    return tx.execute(statement).scalar_one()


def check(tx: Transaction) -> list[Imbalance]:
    """Return every workspace whose kept balance differs from the sum of its entries; empty is good."""
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
