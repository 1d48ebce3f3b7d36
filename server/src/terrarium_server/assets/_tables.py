import sqlalchemy as sa

from terrarium_server.store import metadata

outputs = sa.Table(
    "run_outputs",
    metadata,
    sa.Column("output_id", sa.Text, primary_key=True),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    # Either the text itself, or the name of a blob; the name is the secret in its link.
    sa.Column("text", sa.Text),
    sa.Column("blob", sa.Text, unique=True),
    sa.Column("content_type", sa.Text, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("width", sa.Integer),
    sa.Column("height", sa.Integer),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("run_id", "position", name="uq_run_outputs_position"),
)
