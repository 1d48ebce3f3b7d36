import sqlalchemy as sa

from terrarium_server.store import metadata

# Content, once per workspace however often it was made there. A row that no link names is not referred to by
# anything, and goes.
media = sa.Table(
    "media",
    metadata,
    sa.Column("media_id", sa.Text, primary_key=True),
    sa.Column("workspace_id", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("content_type", sa.Text, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    # Pixels and milliseconds, where whoever made it said so.
    sa.Column("width", sa.Integer),
    sa.Column("height", sa.Integer),
    sa.Column("duration_ms", sa.BigInteger),
    sa.Column("blob", sa.Text, nullable=False, unique=True),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("workspace_id", "sha256", "content_type", name="uq_media_content"),
)

# Who refers to a medium has a link of its own: taking it back leaves the others as they are.
media_links = sa.Table(
    "media_links",
    metadata,
    # The last part of the address; whoever knows it may read.
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

# Blobs that no medium names, and since when that is known. They are kept for a while: what is being stored
# right now looks the same, and somebody may be reading.
orphaned_blobs = sa.Table(
    "orphaned_blobs",
    metadata,
    sa.Column("blob", sa.Text, primary_key=True),
    sa.Column("since", sa.BigInteger, nullable=False, index=True),
)
