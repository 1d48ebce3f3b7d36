import sqlalchemy as sa

from terrarium_server.store import metadata

workers = sa.Table(
    "workers",
    metadata,
    sa.Column("worker_id", sa.Text, primary_key=True),
    # The machine it runs on, and the names of its engines with spaces between.
    sa.Column("machine", sa.Text, nullable=False),
    sa.Column("engines", sa.Text, nullable=False),
    sa.Column("started_at", sa.BigInteger, nullable=False),
    # By the database's clock.
    sa.Column("lease_until", sa.BigInteger, nullable=False),
)

# One row for each time that a run was given to an engine where that may cost something.
submissions = sa.Table(
    "submissions",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("engine", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    # What the provider is told to know it by.
    sa.Column("key", sa.Text, nullable=False),
    # What the engine finds it by if its ticket is never heard of.
    sa.Column("mark", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("ticket", sa.Text),
    # Who can follow the ticket (worker, machine, anyone), and the process that made the call.
    sa.Column("followers", sa.Text, nullable=False),
    sa.Column("worker_id", sa.Text, nullable=False),
    sa.Column("process", sa.Text, nullable=False),
    # Milliseconds by the database's clock.
    sa.Column("marked_at", sa.BigInteger, nullable=False),
    sa.CheckConstraint(
        "state IN ('marked', 'void', 'refused', 'open', 'over', 'cancelled', 'unknown')",
        name="ck_submissions_state",
    ),
    sa.Index("ix_submissions_age", "marked_at"),
    sa.Index(
        "ix_submissions_open",
        "run_id",
        sqlite_where=sa.text("state IN ('marked', 'open')"),
        postgresql_where=sa.text("state IN ('marked', 'open')"),
    ),
)
