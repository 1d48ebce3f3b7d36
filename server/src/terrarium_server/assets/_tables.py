"""The tables of media, links to them, outputs of runs and blobs to delete."""

import sqlalchemy as sa

from terrarium_server.store import metadata

# Content, once per workspace however often it was generated there. The sweep deletes a row without a link.
media = sa.Table(
    "media",
    metadata,
    sa.Column("media_id", sa.Text, primary_key=True),
    sa.Column("workspace_id", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("content_type", sa.Text, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    # Pixels and milliseconds, if the engine reported them.
    sa.Column("width", sa.Integer),
    sa.Column("height", sa.Integer),
    sa.Column("duration_ms", sa.BigInteger),
    sa.Column("blob", sa.Text, nullable=False, unique=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("workspace_id", "sha256", "content_type", name="uq_media_content"),
)

# Each reference to a medium has its own link, so that one can be revoked without the others.
media_links = sa.Table(
    "media_links",
    metadata,
    # The last part of the address; everybody who knows it may read the medium.
    sa.Column("token", sa.Text, primary_key=True),
    sa.Column("media_id", sa.Text, nullable=False, index=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
)

outputs = sa.Table(
    "run_outputs",
    metadata,
    sa.Column("output_id", sa.Text, primary_key=True),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    # Either the text itself, or the token of a link.
    sa.Column("text", sa.Text),
    sa.Column("link", sa.Text, unique=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.CheckConstraint("(text IS NULL) <> (link IS NULL)", name="ck_run_outputs_content"),
    sa.UniqueConstraint("run_id", "position", name="uq_run_outputs_position"),
)

# Blobs without a medium, and when they were first seen. They are kept for a day, because a blob that is being
# stored looks the same, and because somebody may still be reading one.
orphaned_blobs = sa.Table(
    "orphaned_blobs",
    metadata,
    sa.Column("blob", sa.Text, primary_key=True),
    sa.Column("since", sa.BigInteger, nullable=False, index=True),
)
