"""Credits: granting, holding, settling and releasing them, and reading and checking balances."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql.dml import ReturningUpdate

from terrarium_server import ids
from terrarium_server.problems import InsufficientCredits, RateLimited
from terrarium_server.rates import REFILL_US, Rate, RateState
from terrarium_server.store import Transaction

from ._tables import balances, entries

_ENTRY = {
    name: sa.bindparam(f"entries_{name}", type_=column.type)
    for name, column in entries.c.items()
    if name != "cost_micros"
}
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


def _hold_balance() -> ReturningUpdate[str, int]:
    """Subtract a hold and count a start, if both the credits and the rate limit allow it."""
    now, cost = sa.bindparam("now_us", type_=sa.BigInteger), sa.bindparam("cost_us", type_=sa.BigInteger)
    refill = sa.literal_column(str(REFILL_US), sa.BigInteger)
    full_at = balances.c.starts_full_at
    # A time far in the future was written before the clock was set back.
    is_ahead = sa.and_(full_at > now, full_at <= now + refill + refill)
    next_full_at = sa.case((is_ahead, full_at), else_=now) + cost
    return (
        _MOVE_BALANCE.where(next_full_at - now <= refill)
        .values(starts_full_at=next_full_at)
        .returning(balances.c.workspace_id, balances.c.starts_full_at)
    )


_WRITE_ENTRY = _write_entry(_WORKSPACE)
_HOLD_BALANCE = _hold_balance()
_ACCOUNT = sa.select(balances.c.balance_micros, balances.c.starts_full_at).where(
    balances.c.workspace_id == sa.bindparam("workspace")
)
# PostgreSQL changes the balance and writes the entry in one round trip, which shortens the balance's lock. A
# statement returns a row if the balance was changed.
_MOVE_AT_ONCE = _write_entry(
    _MOVE_BALANCE.returning(balances.c.workspace_id).cte("moved").c.workspace_id
).returning(entries.c.entry_id)
# The changed balance, and the entry that it is written with.
HELD = _HOLD_BALANCE.cte("held")
HOLD_ENTRY = _write_entry(HELD.c.workspace_id).returning(entries.c.entry_id)
_HOLD_AT_ONCE = sa.select(HELD.c.starts_full_at).add_cte(HOLD_ENTRY.cte("entered"))


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


def hold(
    tx: Transaction, workspace_id: str, run_id: str, amount_micros: int, rate: Rate, *, starts: int = 1
) -> RateState:
    """Hold the quote of a run and count its ``starts``; return what remains of the workspace's ``rate``.

    Raises RateLimited or InsufficientCredits, and counts nothing then.
    """
    values = hold_values(tx, workspace_id, run_id, amount_micros, rate, starts=starts)
    if tx.dialect == "postgresql":
        full_at = tx.execute(_HOLD_AT_ONCE, values).scalar()
    else:
        row = tx.execute(_HOLD_BALANCE, values).first()
        full_at = row.starts_full_at if row is not None else None
        if row is not None:
            tx.execute(_WRITE_ENTRY, values)
    return held_state(tx, workspace_id, amount_micros, rate, full_at, starts=starts)


def held_state(
    tx: Transaction,
    workspace_id: str,
    amount_micros: int,
    rate: Rate,
    full_at: int | None,
    *,
    starts: int = 1,
) -> RateState:
    """Return the state after a hold that wrote ``full_at``; for None, raise what refused the hold."""
    if full_at is not None:
        return rate.state(full_at - _now_us(tx))
    balance_micros, missing_us = _account(tx, workspace_id)
    # Another start may have freed what refused this one in the meantime; then, trying again helps.
    if balance_micros < amount_micros and missing_us + starts * rate.cost_us <= REFILL_US:
        raise InsufficientCredits
    raise RateLimited(rate.retry_after(missing_us, starts))


def start_state(tx: Transaction, workspace_id: str, rate: Rate) -> RateState:
    """Return what remains of the workspace's ``rate`` of starts, without counting one."""
    return rate.state(_account(tx, workspace_id)[1])


def settle(tx: Transaction, workspace_id: str, run_id: str, held_micros: int, cost_micros: int) -> None:
    """Charge a completed run ``cost_micros``, at most what was held, and return the rest."""
    if not 0 <= cost_micros <= held_micros:
        raise ValueError(f"a run may cost between 0 and the {held_micros} held, not {cost_micros}")
    rest = held_micros - cost_micros
    _move(tx, _values(tx, workspace_id, "settle", rest, run_id=run_id, phase="close"))


def release(tx: Transaction, workspace_id: str, run_id: str, held_micros: int) -> None:
    """Return a failed run's whole hold."""
    _move(tx, _values(tx, workspace_id, "release", held_micros, run_id=run_id, phase="close"))


def note_costs(tx: Transaction, workspace_id: str, costs: Sequence[tuple[str, int]]) -> None:
    """Close members of a graph, each (run_id, cost in micro-USD), without moving credits: the hold is their
    root's.
    """
    rows = [
        {
            "entry_id": ids.mint("led", now_ms=tx.now_ms),
            "workspace_id": workspace_id,
            "kind": "settle" if cost_micros else "release",
            "amount_micros": 0,
            "run_id": run_id,
            "phase": "close",
            "created_at": tx.now_ms,
            "cost_micros": cost_micros,
        }
        for run_id, cost_micros in costs
    ]
    tx.execute(sa.insert(entries), rows)


def refill_starts(tx: Transaction, workspace_id: str) -> None:
    """Make all starts of a workspace's rate available, for example because its rate has changed."""
    statement = sa.update(balances).where(balances.c.workspace_id == workspace_id)
    tx.execute(statement.values(starts_full_at=0))


def hold_values(
    tx: Transaction, workspace_id: str, run_id: str, amount_micros: int, rate: Rate, *, starts: int = 1
) -> dict[str, Any]:
    """Return what `HELD` and `HOLD_ENTRY` bind to hold a run's quote."""
    values = _values(tx, workspace_id, "hold", -amount_micros, run_id=run_id, phase="open")
    return {**values, "now_us": _now_us(tx), "cost_us": starts * rate.cost_us}


def _now_us(tx: Transaction) -> int:
    # By this process's clock: another host's clock that differs shifts a limit once, by that difference.
    return tx.now_ms * 1000


def _account(tx: Transaction, workspace_id: str) -> tuple[int, int]:
    """Return the balance, and in how many microseconds all starts are available again."""
    balance_micros, full_at = tuple(tx.execute(_ACCOUNT, {"workspace": workspace_id}).one())
    missing_us = full_at - _now_us(tx)
    return balance_micros, missing_us if 0 < missing_us <= 2 * REFILL_US else 0


def _move(tx: Transaction, values: dict[str, Any]) -> bool:
    """Change a balance and write the entry; False, and nothing is written, if it would fall below zero."""
    if tx.dialect == "postgresql":
        return tx.execute(_MOVE_AT_ONCE, values).first() is not None
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
