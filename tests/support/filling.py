"""Many records at once, written by SQL: what a server has after some years."""

import sqlalchemy as sa

from support.server import Account
from terrarium_server import accounts, canvas
from terrarium_server.store import Database

# The oldest runs of the account, so many in each of three states; all other runs are completed.
RARE = 260
OTHER_PROJECTS = OTHER_WORKSPACES = 3000
_EPOCH_MS = 1_790_000_000_000
_OUTPUT_INDEX = canvas.nodes.c.output_index.name
# Runs per statement.
_CHUNK = 200_000

_SERIES = {
    "sqlite": "WITH RECURSIVE series(n) AS"
    " (SELECT :first UNION ALL SELECT n + 1 FROM series WHERE n < :last)",
    "postgresql": "WITH series AS"
    " (SELECT generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n)",
}
_RUN, _OUTPUT, _MEDIUM, _LINK = (
    f"'{prefix}_0000000000000000' || (1000000000 + n) || '{suffix}'"
    for prefix, suffix in (("run", ""), ("out", ""), ("med", ""), ("lnk", ".png"))
)
# Half of the runs are in the account's project, a quarter in other projects of its workspace.
_PLACE = {
    "project": "CASE WHEN n % 4 < 2 THEN :project WHEN n % 4 = 2 THEN 'prj_more_' || (n / 4 % :projects)"
    " ELSE 'prj_other_' || (n / 4 % :workspaces) END",
    "workspace": "CASE WHEN n % 4 < 3 THEN :workspace ELSE 'ws_other_' || (n / 4 % :workspaces) END",
}
_STATE = (
    "CASE WHEN n <= :rare THEN 'failed' WHEN n <= 2 * :rare THEN 'pending'"
    " WHEN n <= 3 * :rare THEN 'running' ELSE 'completed' END"
)
_PROJECTS = (
    "INSERT INTO projects (project_id, workspace_id, name, created_at, last_modified)"
    " {series} SELECT {id}, {workspace}, 'Project number ' || n, 1, n + 1 FROM series"
)
_TENANTS = [
    "INSERT INTO workspaces (workspace_id, name, webhook_secret, created_at)"
    " {series} SELECT 'ws_other_' || n, 'Workspace ' || n, 'secret', 1 FROM series",
    "INSERT INTO ledger_balances (workspace_id, balance_micros)"
    " {series} SELECT 'ws_other_' || n, 1000000 FROM series",
    _PROJECTS.format(series="{series}", id="'prj_other_' || n", workspace="'ws_other_' || n"),
]
_RECORDS = [
    "INSERT INTO runs (run_id, workspace_id, project_id, node_id, run_type, type, subject, subject_version,"
    " engine, prompt, input, seed, root_run_id, state, worker_id, claim, held_micros, cost_micros, actor,"
    " created_at, started_at, completed_at)"
    f" {{series}} SELECT {_RUN}, {_PLACE['workspace']}, {_PLACE['project']}, 'node_' || n, 'generation',"
    " 'image', CASE WHEN n % 2 = 0 THEN :subject ELSE 't2i-model-' || n % 20 END, 'version', 'elsewhere',"
    " 'a lighthouse at dusk, number ' || n,"
    """ '{{"aspect_ratio": "16:9", "resolution": "1k"}}', n,"""
    f" {_RUN}, {_STATE}, CASE WHEN n > 2 * :rare THEN 'wrk_gone' END, 1, 1000, 1000, 'key:key_1',"
    " :epoch + n * 60000, :epoch + n * 60000 + 10, CASE WHEN n > 3 * :rare THEN :epoch + n * 60000 + 5000 END"
    " FROM series",
    f"INSERT INTO canvas_nodes (node_id, project_id, place, {_OUTPUT_INDEX}, type, label, run_id, output_id,"
    " width, height, x, y, created_at)"
    f" {{series}} SELECT 'node_' || n, {_PLACE['project']}, n, 0, 'image', 'a lighthouse', {_RUN},"
    f" CASE WHEN n > 3 * :rare THEN {_OUTPUT} END, 1024, 576, 0, 0, :epoch FROM series",
    "INSERT INTO run_outputs (output_id, run_id, position, type, link, created_at)"
    f" {{series}} SELECT {_OUTPUT}, {_RUN}, 0, 'image', {_LINK}, :epoch FROM series WHERE n > 3 * :rare",
    "INSERT INTO media_links (token, media_id, created_at)"
    f" {{series}} SELECT {_LINK}, {_MEDIUM}, :epoch FROM series WHERE n > 3 * :rare",
    "INSERT INTO media (media_id, workspace_id, sha256, content_type, size_bytes, blob, created_at)"
    f" {{series}} SELECT {_MEDIUM}, {_PLACE['workspace']}, 'digest of content number ' || n, 'image/png',"
    " 1000, 'blob_' || n, :epoch FROM series WHERE n > 3 * :rare",
    "INSERT INTO run_progress (run_id, worker_id, claim, percent, updated_at)"
    f" {{series}} SELECT {_RUN}, 'wrk_gone', 1, 50, :epoch FROM series"
    " WHERE n % 20 = 0",
    "INSERT INTO run_edges (from_run_id, to_run_id, slot, on_failure)"
    f" {{series}} SELECT {_RUN}, {_RUN} || '_later', '', 'continue' FROM series WHERE n % 20 = 0",
]
# Every workspace has a turn, and waits if it has a pending run.
_TURNS = (
    "INSERT INTO turns (engine, workspace_id, last_served, since, waiting)"
    " SELECT engine, workspace_id, 0, 1, max(CASE state WHEN 'pending' THEN 1 ELSE 0 END) FROM runs"
    " WHERE true GROUP BY engine, workspace_id ON CONFLICT DO NOTHING"
)
# Numbered in the order of the runs; they have expired.
_EVENTS = [
    "INSERT INTO events (stream, number, type, run_id, root_run_id, actor, data, created_at)"
    " SELECT project_id, row_number() OVER (PARTITION BY project_id ORDER BY run_id), 'run.created', run_id,"
    """ run_id, 'key:key_1', '{{"status": "pending"}}', 0 FROM runs""",
    "INSERT INTO event_streams (stream, last_number) SELECT stream, max(number) FROM events GROUP BY stream",
]

_BOARD = (
    "INSERT INTO canvas_boards (project_id, places) VALUES (:project, :last + 1)"
    " ON CONFLICT (project_id) DO UPDATE SET places = excluded.places"
)


def run_id(number: int) -> str:
    """Return the id of the run of this number, from 1; the ids are in the order of the numbers."""
    return f"run_{0:016}{1_000_000_000 + number}"


def link(number: int) -> str:
    """Return the link to the output of the run of this number, which must be completed."""
    return f"lnk_{0:016}{1_000_000_000 + number}.png"


def add_runs(database: Database, account: Account, *, subject: str, first: int, last: int) -> None:
    """Record the runs of these numbers, with their nodes and outputs.

    Half of them are in the account's project, a quarter elsewhere in its workspace, and a quarter in other
    workspaces. The first `RARE` have failed, the next ones are pending, then running; the others are
    completed, with a picture. ``subject`` is the model of every second one, and every 20th has progress.
    """
    values = {
        "project": account.project_id,
        "workspace": account.workspace_id,
        "projects": OTHER_PROJECTS,
        "workspaces": OTHER_WORKSPACES,
        "rare": RARE,
        "epoch": _EPOCH_MS,
        "subject": subject,
    }
    for start in range(first, last + 1, _CHUNK):
        for statement in _RECORDS:
            span = {"first": start, "last": min(start + _CHUNK - 1, last)}
            _execute(database, statement, {**values, **span})
    _execute(database, _TURNS, {})
    # Where the next start places its node.
    _execute(database, _BOARD, {"project": account.project_id, "last": last})


def add_events(database: Database) -> None:
    """Record an event for every run; there must not be any yet."""
    for statement in _EVENTS:
        _execute(database, statement, {})


def add_tenants(database: Database, account: Account) -> None:
    """Record other workspaces, each with a key, a balance and a project, and the account's other projects."""
    for statement in _TENANTS:
        _execute(database, statement, {"first": 0, "last": OTHER_WORKSPACES - 1})
    keys = [
        {
            "key_id": f"key_other_{number}",
            "workspace_id": f"ws_other_{number}",
            "name": "key",
            "role": "editor",
            "digest": f"digest {number}".encode(),
            "hint": "hint",
            "spent_micros": 0,
            "created_at": 1,
        }
        for number in range(OTHER_WORKSPACES)
    ]
    with database.transaction() as tx:
        tx.execute(sa.insert(accounts.api_keys), keys)
    add_empty_projects(database, account, first=0, last=OTHER_PROJECTS - 1)


def add_empty_projects(database: Database, account: Account, *, first: int, last: int) -> None:
    """Record more projects of the account's workspace, named ``Project number`` and their number."""
    statement = _PROJECTS.format(series="{series}", id="'prj_more_' || n", workspace=":workspace")
    _execute(database, statement, {"workspace": account.workspace_id, "first": first, "last": last})


def _execute(database: Database, statement: str, values: dict[str, object]) -> None:
    with database.transaction() as tx:
        text = statement.format(series=_SERIES[tx.dialect])
        named = {name: value for name, value in values.items() if f":{name}" in text}
        tx.execute(sa.text(text), named)
