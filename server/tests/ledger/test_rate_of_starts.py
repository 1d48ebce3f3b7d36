"""The rate of starts: any order of holds compared with exact arithmetic, and many holds at once."""

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from support.machines import run_machine
from terrarium_server import ids, ledger, migrations
from terrarium_server.problems import InsufficientCredits, RateLimited
from terrarium_server.rates import Rate
from terrarium_server.store import Database

MINUTE_MS = 60_000
LIMITS = (1, 2, 3, 60, 600)


class RateMachine(RuleBasedStateMachine):
    """One workspace and a clock that the test sets; ``level`` is how many starts its bucket has, exactly."""

    def __init__(self, url: str, per_minute: int) -> None:
        super().__init__()
        self.now_ms = 1_800_000_000_000
        self.database = Database(url, clock_ms=lambda: self.now_ms)
        self.rate = Rate(per_minute)
        self.level = Fraction(per_minute)
        self.workspace = ids.mint("ws")
        with self.database.transaction() as tx:
            ledger.open_account(tx, self.workspace)
            ledger.grant(tx, self.workspace, 10**9)

    def teardown(self) -> None:
        self.database.close()

    @rule(milliseconds=st.one_of(st.integers(0, 2_000), st.integers(0, 90_000)))
    def time_passes(self, milliseconds: int) -> None:
        self.now_ms += milliseconds
        refilled = Fraction(milliseconds * self.rate.per_minute, MINUTE_MS)
        self.level = min(Fraction(self.rate.per_minute), self.level + refilled)

    @rule(count=st.integers(1, 5))
    def start(self, count: int) -> None:
        for _ in range(count):
            if self.level < 1:
                self._refused()
                return
            with self.database.transaction() as tx:
                state = ledger.hold(tx, self.workspace, ids.mint("run"), 1, self.rate)
            self.level -= 1
            assert state.remaining == self.level // 1

    @rule(count=st.integers(1, 5))
    def start_at_once(self, count: int) -> None:
        """Start a graph, which counts as so many starts; more than the limit are never asked for."""
        count = min(count, self.rate.per_minute)
        if self.level < count:
            self._refused(count)
            return
        with self.database.transaction() as tx:
            state = ledger.hold(tx, self.workspace, ids.mint("run"), 1, self.rate, starts=count)
        self.level -= count
        assert state.remaining == self.level // 1

    @rule()
    def a_start_that_the_credits_do_not_cover_does_not_count(self) -> None:
        if self.level >= 1:
            with pytest.raises(InsufficientCredits), self.database.transaction() as tx:
                ledger.hold(tx, self.workspace, ids.mint("run"), 10**12, self.rate)

    @rule()
    def other_entries_do_not_count(self) -> None:
        with self.database.transaction() as tx:
            ledger.grant(tx, self.workspace, 1)

    @rule()
    def the_state_is_shown(self) -> None:
        with self.database.transaction() as tx:
            state = ledger.start_state(tx, self.workspace, self.rate)
        missing = (self.rate.per_minute - self.level) * 60 / self.rate.per_minute
        assert (state.limit, state.remaining) == (self.rate.per_minute, self.level // 1)
        assert state.reset_seconds == -(-missing // 1)

    def _refused(self, count: int = 1) -> None:
        with pytest.raises(RateLimited) as raised, self.database.transaction() as tx:
            ledger.hold(tx, self.workspace, ids.mint("run"), 1, self.rate, starts=count)
        seconds = (count - self.level) * 60 / self.rate.per_minute
        assert raised.value.retry_after == max(1, -(-seconds // 1))


@pytest.mark.parametrize("per_minute", LIMITS)
def test_the_bucket_is_exact(migrated_url: str, per_minute: int) -> None:
    run_machine(lambda: RateMachine(migrated_url, per_minute), examples=8, steps=20)


def test_a_clock_that_was_set_back_blocks_nobody_for_long(migrated_url: str) -> None:
    now_ms = 1_800_000_000_000
    clock = [now_ms]
    database = Database(migrated_url, clock_ms=lambda: clock[0])
    with database.transaction() as tx:
        ledger.open_account(tx, "ws_clock")
        ledger.grant(tx, "ws_clock", 10)
        ledger.hold(tx, "ws_clock", "run_1", 1, Rate(1))
    clock[0] = now_ms - 86_400_000
    with database.transaction() as tx:
        assert ledger.start_state(tx, "ws_clock", Rate(1)).remaining == 1
        ledger.hold(tx, "ws_clock", "run_2", 1, Rate(1))
    with pytest.raises(RateLimited), database.transaction() as tx:
        ledger.hold(tx, "ws_clock", "run_3", 1, Rate(1))
    database.close()


def test_a_new_rate_counts_at_once(migrated_url: str) -> None:
    database = Database(migrated_url)
    with database.transaction() as tx:
        ledger.open_account(tx, "ws_new_rate")
        ledger.grant(tx, "ws_new_rate", 10)
        ledger.hold(tx, "ws_new_rate", "run_4", 1, Rate(1))
        ledger.refill_starts(tx, "ws_new_rate")
        assert ledger.start_state(tx, "ws_new_rate", Rate(5)).remaining == 5
        assert ledger.hold(tx, "ws_new_rate", "run_5", 1, Rate(5)).remaining == 4
    database.close()


def test_many_threads_get_exactly_the_limit(database_url: str) -> None:
    # The limit refills one in 12 s, and the clock stands still.
    database = Database(database_url, clock_ms=lambda: 1_800_000_000_000)
    migrations.upgrade(database, migrations.Facts({}, {}))
    with database.transaction() as tx:
        ledger.open_account(tx, "ws_many")
        ledger.grant(tx, "ws_many", 1_000)

    def start(number: int) -> bool:
        try:
            with database.transaction() as tx:
                ledger.hold(tx, "ws_many", f"run_{number}", 1, Rate(5))
        except RateLimited:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(start, range(200))) == 5
    with database.transaction() as tx:
        assert ledger.read_balance(tx, "ws_many") == 995
    database.close()
