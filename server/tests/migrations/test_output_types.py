"""Outputs whose records name their type in FLORA's words get ours, and look the same over HTTP."""

from pathlib import Path

import sqlalchemy as sa

from support.application import open_application
from terrarium_server import accounts, migrations
from terrarium_server.migrations import Facts
from terrarium_server.store import Database

OUTPUTS = sa.text("SELECT output_id, run_id, type FROM run_outputs ORDER BY output_id")


def test_old_outputs_have_our_words_in_the_records_and_floras_over_http(
    recorded_url: str, recorded: Database, facts: Facts, tmp_path: Path
) -> None:
    with recorded.transaction() as tx:
        before = list(map(tuple, tx.execute(OUTPUTS)))
    migrations.upgrade(recorded, facts)
    words = {"imageUrl": "image", "videoUrl": "video", "audioUrl": "audio", "text": "text"}
    with recorded.transaction() as tx:
        after = list(map(tuple, tx.execute(OUTPUTS)))
        keys = {
            workspace.workspace_id: accounts.create_key(tx, workspace.workspace_id).api_key
            for workspace in accounts.list_workspaces(tx)
        }
        owners = dict(map(tuple, tx.execute(sa.text("SELECT run_id, workspace_id FROM runs"))))
    assert after == [(output_id, run_id, words[type]) for output_id, run_id, type in before]
    assert {type for _output_id, _run_id, type in after} == {"image", "text"}
    with open_application(tmp_path / "data", workers=False, database_url=recorded_url) as application:
        for output_id, run_id, type in before:
            run = application.client(keys[owners[run_id]]).get(f"/runs/{run_id}").json()
            shown = {output["output_id"]: output["type"] for output in run["outputs"]}
            assert shown[output_id] == type
