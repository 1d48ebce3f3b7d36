"""Keys: stored as a digest, valid until they expire or are revoked, with a spending cap."""

import pytest
import sqlalchemy as sa

from terrarium_server import accounts
from terrarium_server.problems import (
    Forbidden,
    InsufficientCredits,
    InvalidInput,
    NotFound,
    Unauthorized,
)
from terrarium_server.store import Database


def make(database: Database, **options: object) -> tuple[str, accounts.NewKey]:
    with database.transaction() as tx:
        workspace_id = accounts.create_workspace(tx, "Studio", rate_limit=7).workspace_id
        return workspace_id, accounts.create_key(tx, workspace_id, **options)  # type: ignore[arg-type]


def test_a_key_identifies_its_workspace_and_role(database: Database) -> None:
    workspace_id, key = make(database, role="viewer", spending_cap_micros=5)
    with database.transaction() as tx:
        caller = accounts.authenticate(tx, key.api_key)
    assert (caller.workspace_id, caller.workspace_name, caller.rate_limit) == (workspace_id, "Studio", 7)
    assert (caller.key_id, caller.role, caller.has_spending_cap) == (key.key_id, "viewer", True)


def test_the_secret_itself_is_nowhere_in_the_database(database: Database) -> None:
    _, key = make(database)
    with database.transaction() as tx:
        [row] = tx.execute(sa.select(accounts.api_keys)).all()
    assert not any(key.api_key in str(value) for value in row)
    assert row.hint == key.api_key[-4:]


def test_every_key_is_different(database: Database) -> None:
    keys = [make(database)[1].api_key for _ in range(20)]
    assert len(set(keys)) == 20
    assert all(len(key) == len("sk_live_") + 32 for key in keys)


@pytest.mark.parametrize("secret", ["", "sk_live_none", "é", "\0", "x" * 10_000, "' OR 1=1 --"])
def test_an_unknown_key_is_refused(database: Database, secret: str) -> None:
    make(database)
    with database.transaction() as tx, pytest.raises(Unauthorized):
        accounts.authenticate(tx, secret)


def test_a_key_ends_when_it_expires(migrated_url: str) -> None:
    now = 1_000_000
    database = Database(migrated_url, clock_ms=lambda: now)
    _, key = make(database, expires_at=now + 1)
    with database.transaction() as tx:
        assert accounts.authenticate(tx, key.api_key).key_id == key.key_id
    now += 1
    with database.transaction() as tx, pytest.raises(Unauthorized):
        accounts.authenticate(tx, key.api_key)
    database.close()


def test_a_revoked_key_stays_revoked(migrated_url: str) -> None:
    now = 1_000_000
    database = Database(migrated_url, clock_ms=lambda: now)
    workspace_id, key = make(database)
    for now in (2_000_000, 3_000_000):  # noqa: B007 - the clock reads it
        with database.transaction() as tx:
            accounts.revoke_key(tx, key.key_id)
    with database.transaction() as tx:
        [record] = accounts.list_keys(tx, workspace_id)
        assert record.revoked_at == 2_000_000
        with pytest.raises(Unauthorized):
            accounts.authenticate(tx, key.api_key)
        with pytest.raises(NotFound):
            accounts.revoke_key(tx, "key_none")
    database.close()


def test_a_preset_key_is_created_once(database: Database) -> None:
    workspace_id, key = make(database, secret="sk_live_preset")
    assert key.api_key == "sk_live_preset"
    with database.transaction() as tx, pytest.raises(InvalidInput, match="exists already"):
        accounts.create_key(tx, workspace_id, secret="sk_live_preset")


def test_a_key_needs_a_workspace(database: Database) -> None:
    with database.transaction() as tx, pytest.raises(NotFound):
        accounts.create_key(tx, "ws_none")


def test_a_cap_can_be_spent_entirely_and_is_refunded(database: Database) -> None:
    workspace_id, key = make(database, spending_cap_micros=10)
    with database.transaction() as tx:
        accounts.spend(tx, key.key_id, 4)
        accounts.spend(tx, key.key_id, 6)
        with pytest.raises(InsufficientCredits):
            accounts.spend(tx, key.key_id, 1)
        accounts.refund(tx, key.key_id, 4)
        accounts.spend(tx, key.key_id, 4)
        [record] = accounts.list_keys(tx, workspace_id)
    assert record.spent_micros == 10


def test_a_refund_changes_nothing_for_a_key_without_a_cap(database: Database) -> None:
    workspace_id, key = make(database)
    with database.transaction() as tx:
        accounts.refund(tx, key.key_id, 5)
        [record] = accounts.list_keys(tx, workspace_id)
    assert (record.spending_cap_micros, record.spent_micros) == (None, 0)


@pytest.mark.parametrize(("role", "may"), [("owner", True), ("editor", True), ("viewer", False)])
def test_a_viewer_may_not_edit(database: Database, role: str, may: bool) -> None:
    _, key = make(database, role=role)
    with database.transaction() as tx:
        caller = accounts.authenticate(tx, key.api_key)
    if may:
        caller.require_editor()
    else:
        with pytest.raises(Forbidden):
            caller.require_editor()


def test_another_workspace_is_not_found(database: Database) -> None:
    workspace_id, key = make(database)
    other, _ = make(database)
    with database.transaction() as tx:
        caller = accounts.authenticate(tx, key.api_key)
    caller.require_workspace(workspace_id)
    with pytest.raises(NotFound):
        caller.require_workspace(other)
