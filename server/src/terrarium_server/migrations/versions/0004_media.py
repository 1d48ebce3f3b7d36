"""Media: one row per content and workspace instead of columns of the outputs, and links as rows.

Links keep their addresses. If a workspace has the same content several times, the oldest file stays.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# One row for each distinct content of outputs that are not text.
_MEDIA = """
    INSERT INTO media (
        media_id, workspace_id, sha256, content_type, size_bytes, width, height, blob, created_at
    )
    SELECT
        'med_' || substr(output_id, 5), workspace_id, sha256, content_type, size_bytes, width, height, blob,
        created_at
    FROM (
        SELECT o.*, r.workspace_id, row_number() OVER (
            PARTITION BY r.workspace_id, o.sha256, o.content_type ORDER BY o.output_id
        ) AS number
        FROM run_outputs_0003 o JOIN runs r ON r.run_id = o.run_id WHERE o.blob IS NOT NULL
    ) AS contents
    WHERE number = 1
"""
_LINKS = """
    INSERT INTO media_links (token, media_id, created_at)
    SELECT o.blob, m.media_id, o.created_at
    FROM run_outputs_0003 o
    JOIN runs r ON r.run_id = o.run_id
    JOIN media m
        ON m.workspace_id = r.workspace_id AND m.sha256 = o.sha256 AND m.content_type = o.content_type
    WHERE o.blob IS NOT NULL
"""
_OUTPUTS = """
    INSERT INTO run_outputs (output_id, run_id, position, type, text, link, created_at)
    SELECT output_id, run_id, position, type, text, blob, created_at FROM run_outputs_0003
"""


def upgrade() -> None:
    """Apply."""
    op.rename_table("run_outputs", "run_outputs_0003")
    if op.get_bind().dialect.name == "postgresql":
        # The new table needs these names.
        for constraint in ("run_outputs_pkey", "run_outputs_blob_key", "uq_run_outputs_position"):
            op.drop_constraint(constraint, "run_outputs_0003")
    _create()
    for statement in (_MEDIA, _LINKS, _OUTPUTS):
        op.execute(statement)
    op.drop_table("run_outputs_0003")
    op.create_index("ix_media_links_media_id", "media_links", ["media_id"], unique=False)


def _create() -> None:
    op.create_table(
        "media",
        sa.Column("media_id", sa.Text(), nullable=False),
        sa.Column("workspace_id", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("duration_ms", sa.BigInteger(), nullable=True),
        sa.Column("blob", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("media_id"),
        sa.UniqueConstraint("blob"),
        sa.UniqueConstraint("workspace_id", "sha256", "content_type", name="uq_media_content"),
    )
    op.create_table(
        "media_links",
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("media_id", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token"),
    )
    op.create_table(
        "run_outputs",
        sa.Column("output_id", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("link", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("(text IS NULL) <> (link IS NULL)", name="ck_run_outputs_content"),
        sa.PrimaryKeyConstraint("output_id"),
        sa.UniqueConstraint("link"),
        sa.UniqueConstraint("run_id", "position", name="uq_run_outputs_position"),
    )
    op.create_table(
        "orphaned_blobs",
        sa.Column("blob", sa.Text(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("blob"),
    )
    op.create_index("ix_orphaned_blobs_since", "orphaned_blobs", ["since"], unique=False)
