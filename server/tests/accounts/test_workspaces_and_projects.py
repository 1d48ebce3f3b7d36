"""Workspaces, their members, and their projects in the order of use."""

import pytest

from terrarium_server import accounts
from terrarium_server.problems import InvalidInput, NotFound
from terrarium_server.store import Database


@pytest.fixture
def workspace_id(database: Database) -> str:
    with database.transaction() as tx:
        return accounts.create_workspace(tx, "Studio").workspace_id


def test_workspaces_are_counted_listed_and_found(database: Database) -> None:
    with database.transaction() as tx:
        assert accounts.count_workspaces(tx) == 0
        created = [accounts.create_workspace(tx, name) for name in ("a", "b")]
        assert accounts.count_workspaces(tx) == 2
        assert sorted(accounts.list_workspaces(tx), key=lambda workspace: workspace.name) == created
        assert accounts.find_workspace(tx, created[0].workspace_id) == created[0]
        with pytest.raises(NotFound):
            accounts.find_workspace(tx, "ws_none")
    assert created[0].webhook_secret != created[1].webhook_secret


def test_a_rate_limit_is_set_and_removed(database: Database, workspace_id: str) -> None:
    for limit in (5, None):
        with database.transaction() as tx:
            accounts.set_rate_limit(tx, workspace_id, limit)
            assert accounts.find_workspace(tx, workspace_id).rate_limit == limit
    with database.transaction() as tx, pytest.raises(NotFound):
        accounts.set_rate_limit(tx, "ws_none", 5)


def test_a_person_is_a_member_once(database: Database, workspace_id: str) -> None:
    with database.transaction() as tx:
        ada = accounts.add_member(tx, workspace_id, "ada@example.com", "owner")
        with pytest.raises(InvalidInput, match="member of this workspace already"):
            accounts.add_member(tx, workspace_id, "ada@example.com", "viewer")
        with pytest.raises(NotFound):
            accounts.add_member(tx, "ws_none", "ada@example.com", "viewer")
        assert accounts.list_members(tx, workspace_id) == [ada]


def test_a_project_is_found_only_in_its_workspace(database: Database, workspace_id: str) -> None:
    with database.transaction() as tx:
        project = accounts.create_project(tx, workspace_id, "Mugs")
        other = accounts.create_workspace(tx, "Other").workspace_id
        assert accounts.find_project(tx, workspace_id, project.project_id) == project
        for owner in (other, "ws_none"):
            with pytest.raises(NotFound):
                accounts.find_project(tx, owner, project.project_id)
            with pytest.raises(NotFound):
                accounts.touch_project(tx, owner, project.project_id)
        assert accounts.list_projects(tx, other, limit=10) == []


def test_projects_are_listed_in_the_order_of_their_use(migrated_url: str) -> None:
    now = 1_000
    database = Database(migrated_url, clock_ms=lambda: now)
    with database.transaction() as tx:
        workspace_id = accounts.create_workspace(tx, "Studio").workspace_id
        ids = {name: accounts.create_project(tx, workspace_id, name).project_id for name in "abc"}
    for step, name in enumerate("cab"):
        now = 5_000 + 2_000 * step
        with database.transaction() as tx:
            accounts.touch_project(tx, workspace_id, ids[name])
    with database.transaction() as tx:
        listed = accounts.list_projects(tx, workspace_id, limit=10)
        assert [project.name for project in listed] == ["b", "a", "c"]
        first = listed[0]
        rest = accounts.list_projects(
            tx, workspace_id, limit=10, before=(first.last_modified, first.project_id)
        )
        assert rest == listed[1:]
    database.close()


def order(database: Database, workspace_id: str) -> list[str]:
    """The names of a workspace's projects, the most recent one first."""
    with database.transaction() as tx:
        return [project.name for project in accounts.list_projects(tx, workspace_id, limit=100)]


@pytest.mark.parametrize("step_ms", [-30_000, 0, 1, 2_000])
def test_the_last_used_project_is_first_whatever_the_clocks_say(migrated_url: str, step_ms: int) -> None:
    now = 1_000_000
    database = Database(migrated_url, clock_ms=lambda: now)
    with database.transaction() as tx:
        workspace_id = accounts.create_workspace(tx, "Studio").workspace_id
        other = accounts.create_project(tx, accounts.create_workspace(tx, "Other").workspace_id, "z")
        ids = {name: accounts.create_project(tx, workspace_id, name).project_id for name in "abc"}
    for name in "cabbacbaacc":
        now += step_ms
        with database.transaction() as tx:
            accounts.touch_project(tx, workspace_id, ids[name])
        assert order(database, workspace_id)[0] == name
    now += step_ms
    with database.transaction() as tx:
        accounts.create_project(tx, workspace_id, "new")
    assert order(database, workspace_id) == ["new", "c", "a", "b"]
    with database.transaction() as tx:
        assert accounts.find_project(tx, other.workspace_id, other.project_id) == other
    database.close()


def test_a_project_that_is_first_already_is_written_once_a_second(migrated_url: str) -> None:
    now = 1_000_000
    database = Database(migrated_url, clock_ms=lambda: now)
    with database.transaction() as tx:
        workspace_id = accounts.create_workspace(tx, "Studio").workspace_id
        project_id = accounts.create_project(tx, workspace_id, "a").project_id
    times: list[int] = []
    for _ in range(5):
        now += 500
        with database.transaction() as tx:
            accounts.touch_project(tx, workspace_id, project_id)
            times.append(accounts.find_project(tx, workspace_id, project_id).last_modified)
    assert [time - 1_000_000 for time in times] == [0, 0, 1_500, 1_500, 1_500]
    database.close()


@pytest.mark.parametrize(
    ("query", "names"),
    [("mug", ["Mugs"]), ("MUG", ["Mugs"]), ("%", ["100%"]), ("_", ["a_b"]), ("\\", ["c\\d"]), ("z", [])],
)
def test_a_project_is_found_by_a_part_of_its_name(
    database: Database, workspace_id: str, query: str, names: list[str]
) -> None:
    with database.transaction() as tx:
        for name in ("Mugs", "100%", "a_b", "c\\d"):
            accounts.create_project(tx, workspace_id, name)
        listed = accounts.list_projects(tx, workspace_id, limit=10, query=query)
    assert [project.name for project in listed] == names
