"""The tables of workers and submissions."""

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

# One row for each submission of a run to an engine that may charge for it.
submissions = sa.Table(
    "submissions",
    metadata,
    sa.Column("run_id", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("engine", sa.Text, nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    # The idempotency key that is sent to the provider.
    sa.Column("key", sa.Text, nullable=False),
    # The engine can find the submission by it if the ticket was lost.
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
