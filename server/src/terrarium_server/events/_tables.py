"""The tables of events and of the numbers that each stream has reached."""

import sqlalchemy as sa

from terrarium_server.store import metadata

# A stream is a project, or the root of a graph of runs that belongs to no project. Whoever writes events
# locks the stream's row as the last thing before the commit, so numbers are in the order of the commits.
event_streams = sa.Table(
    "event_streams",
    metadata,
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("last_number", sa.BigInteger, nullable=False),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("stream", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("run_id", sa.Text, nullable=False),
    sa.Column("root_run_id", sa.Text, nullable=False),
    # What caused it: "key:key_…" or "system".
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("data", sa.JSON, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Index("ix_events_root", "root_run_id", "number"),
)
