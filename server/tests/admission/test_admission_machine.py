"""Any order of valid and invalid starts, with and without idempotency keys, while time passes.

A start claims its key and is admitted in one transaction, as the HTTP layer does it.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from support.machines import run_machine
from support.server import CARDS, new_account
from terrarium_server import accounts, idempotency, ids, ledger
from terrarium_server.accounts import Caller
from terrarium_server.admission import Admission, GenerationRequest, GraphRequest
from terrarium_server.catalog import Catalog, load_cards
from terrarium_server.idempotency import Scope
from terrarium_server.media import FetchRules
from terrarium_server.problems import (
    DuplicateKey,
    Forbidden,
    InsufficientCredits,
    InvalidInput,
    NotFound,
    Problem,
    RateLimited,
    Resource,
)
from terrarium_server.runs import Run
from terrarium_server.store import Database, Transaction, metadata

HOUR_MS = 60 * 60 * 1000
PRICE = 250_000
GRANT = 6 * PRICE
CAP = 4 * PRICE

KEYS = st.sampled_from([None, None, "a", "b", "c"])

# What is wrong with a start, and its refusal.
FLAWS: dict[str, type[Problem]] = {
    "unknown parameter": InvalidInput,
    "parameter out of range": InvalidInput,
    "unknown model": InvalidInput,
    "wrong type for the model": InvalidInput,
    "unprintable key": InvalidInput,
    "unknown project": NotFound,
    "another workspace's project": NotFound,
    "another workspace": NotFound,
    "viewer": Forbidden,
    "rate": RateLimited,
}


def all_rows(tx: Transaction) -> dict[str, list[Any]]:
    """All rows of all tables."""
    return {
        table.name: sorted(map(tuple, tx.execute(sa.select(table))), key=repr)
        for table in metadata.sorted_tables
    }


class AdmissionMachine(RuleBasedStateMachine):
    """One workspace, an uncapped and a capped key, and a clock that the test sets."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.now_ms = 1_800_000_000_000
        self.database = Database(url, clock_ms=lambda: self.now_ms)
        self.wakes = 0
        self.admission = Admission(Catalog(load_cards(CARDS)), 1_000_000, FetchRules())
        self.database.notifications.subscribe("ready", self._notified)
        with self.database.transaction() as tx:
            for table in reversed(metadata.sorted_tables):
                tx.execute(sa.delete(table))
            self.mine = new_account(tx, credits=GRANT / 1_000_000)
            self.theirs = new_account(tx)
            capped = accounts.create_key(tx, self.mine.workspace_id, spending_cap_micros=CAP)
            self.caller = accounts.authenticate(tx, self.mine.api_key)
            self.capped = accounts.authenticate(tx, capped.api_key)
        self.balance = GRANT
        self.left_of_cap = CAP
        self.started: list[str] = []
        self.nodes = self.admissions = 0
        self.holders: dict[str, tuple[str, int]] = {}

    def _notified(self, engines: frozenset[str] | None) -> None:
        assert engines == {"rehearsal"}
        self.wakes += 1

    def teardown(self) -> None:
        self.database.close()

    @rule(minutes=st.integers(1, 150))
    def time_passes(self, minutes: int) -> None:
        self.now_ms += minutes * 60_000

    @rule(past=st.sampled_from([-1, 0]))
    def a_keys_two_hours_have_just_passed_or_not(self, past: int) -> None:
        if self.holders:
            self.now_ms = max(self.now_ms, min(until for _, until in self.holders.values()) + past)

    @rule()
    def expired_keys_are_deleted(self) -> None:
        with self.database.transaction() as tx:
            idempotency.forget_expired(tx)
        self.holders = {key: held for key, held in self.holders.items() if held[1] > self.now_ms}

    @rule()
    def credits_are_granted(self) -> None:
        with self.database.transaction() as tx:
            ledger.grant(tx, self.mine.workspace_id, PRICE)
        self.balance += PRICE

    @rule(key=KEYS, capped=st.booleans(), size=st.sampled_from([None, None, 1, 2, 3]))
    def start(self, key: str | None, capped: bool, size: int | None) -> None:
        """Start a run, or a graph of this size, which is held for as a whole."""
        price = PRICE * (size or 1)
        request = self._graph(size) if size else self._request()
        caller = self.capped if capped else self.caller
        run_id, until = self.holders.get(key or "", ("", 0))
        refusal: type[Problem] | None = None
        if until > self.now_ms:
            refusal = DuplicateKey
        elif self.balance < price or (capped and self.left_of_cap < price):
            refusal = InsufficientCredits
        if refusal is not None:
            problem = self._refused(caller, request, key, refusal)
            assert not isinstance(problem, DuplicateKey) or problem.resource == Resource("run", run_id)
            return
        with self.database.transaction() as tx:
            run, members = self._admit(tx, caller, request, key)
        state = "running" if members else "pending"
        assert (run.state, run.held_micros, run.created_at) == (state, price, self.now_ms)
        self.started += [run.run_id, *(member.run_id for member in members)]
        self.nodes += size or 1
        self.admissions += 1
        self.balance -= price
        self.left_of_cap -= price if capped else 0
        if key is not None:
            self.holders[key] = (run.run_id, self.now_ms + 2 * HOUR_MS)

    @rule(key=KEYS, flaw=st.sampled_from(sorted(FLAWS)), in_a_graph=st.booleans())
    def start_invalidly(self, key: str | None, flaw: str, in_a_graph: bool) -> None:
        caller, request, expected = self.caller, self._request(), FLAWS[flaw]
        match flaw:
            case "unknown parameter":
                request = replace(request, params={"colour": "green"})
            case "parameter out of range":
                request = replace(request, params={"seconds": 61})
            case "unknown model":
                request = replace(request, model_id="t2t-unknown")
            case "wrong type for the model":
                request = replace(request, type="image")
            case "unprintable key":
                key = "a\nb"
            case "unknown project":
                request = replace(request, project_id="prj_unknown")
            case "another workspace's project":
                request = replace(request, project_id=self.theirs.project_id)
            case "another workspace":
                request = replace(request, workspace_id=self.theirs.workspace_id)
            case "viewer":
                caller = replace(caller, role="viewer")
            case _:
                self._set_rate(full_at=(self.now_ms + 60_000) * 1000)
        # A key counts for one project.
        is_held = self.holders.get(key or "", ("", 0))[1] > self.now_ms
        if is_held and request.project_id == self.mine.project_id:
            expected = DuplicateKey
        if in_a_graph and expected is InvalidInput and flaw != "unprintable key":
            refused = self._refused(caller, self._graph(2, request), key, expected)
            assert isinstance(refused, InvalidInput)
            assert all(field.field.startswith("starts[2].") for field in refused.fields)
        else:
            self._refused(caller, request, key, expected)
        self._set_rate(full_at=0)

    @rule(key=KEYS)
    def an_admission_is_rolled_back(self, key: str | None) -> None:
        class Crash(Exception):
            pass

        if self.balance < PRICE or self.holders.get(key or "", ("", 0))[1] > self.now_ms:
            return
        before, wakes = self._all_rows(), self.wakes
        with pytest.raises(Crash), self.database.transaction() as tx:
            self._admit(tx, self.caller, self._request(), key)
            raise Crash
        assert (self._all_rows(), self.wakes) == (before, wakes)

    def _request(self) -> GenerationRequest:
        return GenerationRequest(
            self.mine.workspace_id, self.mine.project_id, "text", "a fern", "t2t-rehearsal", {}
        )

    def _graph(self, size: int, *more: GenerationRequest) -> GraphRequest:
        starts = [self._request() for _ in range(size)]
        return GraphRequest(self.mine.workspace_id, self.mine.project_id, [*starts, *more])

    def _admit(
        self, tx: Transaction, caller: Caller, request: GenerationRequest | GraphRequest, key: str | None
    ) -> tuple[Run, Sequence[Run]]:
        """Return the run, or the root of the graph, and the graph's members."""
        run_id = ids.mint("run", now_ms=tx.now_ms)
        if key is not None:
            scope = Scope(caller.workspace_id, "generation", request.project_id)
            idempotency.claim(tx, scope, key, Resource("run", run_id))
        if isinstance(request, GraphRequest):
            admitted = self.admission.admit_graph(tx, caller, request, run_id)
            return admitted.root, admitted.members
        return self.admission.admit(tx, caller, request, run_id).run, ()

    def _set_rate(self, *, full_at: int) -> None:
        """Set when all starts of the workspace are available again, in microseconds."""
        with self.database.transaction() as tx:
            tx.execute(
                sa.update(ledger.balances)
                .where(ledger.balances.c.workspace_id == self.mine.workspace_id)
                .values(starts_full_at=full_at)
            )

    def _refused(
        self,
        caller: Caller,
        request: GenerationRequest | GraphRequest,
        key: str | None,
        expected: type[Problem],
    ) -> Problem:
        """Expect a refusal that writes nothing, no claim, hold, run or node, and wakes no worker."""
        before, wakes = self._all_rows(), self.wakes
        with pytest.raises(expected) as raised, self.database.transaction() as tx:
            self._admit(tx, caller, request, key)
        assert (self._all_rows(), self.wakes) == (before, wakes)
        return raised.value

    def _all_rows(self) -> dict[str, list[Any]]:
        with self.database.transaction() as tx:
            return all_rows(tx)

    @invariant()
    def the_records_agree(self) -> None:
        tables = self._all_rows()
        assert sorted(row[0] for row in tables["runs"]) == sorted(self.started)
        assert (len(tables["canvas_nodes"]), self.wakes) == (self.nodes, self.admissions)
        claims = {key: (run_id, until) for *_, key, _, run_id, until in tables["idempotency_keys"]}
        assert claims == self.holders
        with self.database.transaction() as tx:
            assert ledger.read_balance(tx, self.mine.workspace_id) == self.balance
            assert ledger.check(tx) == []
            spent = {key.spent_micros for key in accounts.list_keys(tx, self.mine.workspace_id)}
        assert spent == {0, CAP - self.left_of_cap}


def test_an_admission_is_recorded_whole_and_a_refusal_writes_nothing(migrated_url: str) -> None:
    examples = 30 if migrated_url.startswith("sqlite") else 12
    run_machine(lambda: AdmissionMachine(migrated_url), examples=examples, steps=20)
