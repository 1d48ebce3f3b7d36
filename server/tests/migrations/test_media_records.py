"""Upgrading outputs with media columns: links keep their addresses, equal content becomes one row."""

import sqlalchemy as sa

from terrarium_server import assets, migrations
from terrarium_server.migrations import Facts
from terrarium_server.store import Database

# Of two runs of one workspace, as of two with the same model, prompt and seed.
_AGAIN = sa.text("""
    INSERT INTO run_outputs
    SELECT 'out_zzz', run_id, 1, type, text, 'out_zzz.png', content_type, size_bytes, sha256, NULL, NULL, 9
    FROM run_outputs WHERE output_id = :output
""")


def test_every_output_keeps_its_data(recorded: Database, facts: Facts) -> None:
    with recorded.transaction() as tx:
        before = tx.execute(sa.text("SELECT * FROM run_outputs ORDER BY output_id")).mappings().all()
        runs = dict(map(tuple, tx.execute(sa.text("SELECT run_id, workspace_id FROM runs"))))
    migrations.upgrade(recorded, facts)
    with recorded.transaction() as tx:
        after = assets.outputs_by_id(tx, [row["output_id"] for row in before])
        assert len(after) == len(before) > 3
        for row in before:
            output = after[row["output_id"]]
            assert (output.run_id, output.position) == (row["run_id"], row["position"])
            assert (output.text, output.link) == (row["text"], row["blob"])
            if output.link is None:
                assert output.medium is None
                continue
            medium = assets.find_medium(tx, output.link)
            assert medium == output.medium
            assert medium.workspace_id == runs[output.run_id]
            same = ("blob", "content_type", "size_bytes", "sha256", "width", "height", "created_at")
            assert all(getattr(medium, name) == row[name] for name in same)


def test_equal_content_of_a_workspace_becomes_one_row(recorded: Database, facts: Facts) -> None:
    with recorded.transaction() as tx:
        first = tx.execute(
            sa.text("SELECT output_id, blob FROM run_outputs WHERE blob IS NOT NULL ORDER BY output_id")
        ).first()
        assert first is not None
        tx.execute(_AGAIN, {"output": first.output_id})
    migrations.upgrade(recorded, facts)
    with recorded.transaction() as tx:
        older, newer = assets.find_medium(tx, first.blob), assets.find_medium(tx, "out_zzz.png")
        # The older file is kept, because it has certainly reached the disk.
        assert older == newer and older.blob == first.blob
        assert (newer.width, newer.height) == (8, 8)
