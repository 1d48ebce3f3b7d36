"""The tables of boards and nodes."""

import sqlalchemy as sa

from terrarium_server.store import metadata

# How many places of a project's canvas are taken; this is the number of the next node's place.
boards = sa.Table(
    "canvas_boards",
    metadata,
    sa.Column("project_id", sa.Text, primary_key=True),
    sa.Column("places", sa.Integer, nullable=False),
)

nodes = sa.Table(
    "canvas_nodes",
    metadata,
    sa.Column("node_id", sa.Text, primary_key=True),
    sa.Column("project_id", sa.Text, nullable=False),
    # The place's number in the project, from 0: the order of the list, n1, n2 … in Mermaid.
    sa.Column("place", sa.Integer, nullable=False),
    # 0 for the run's first output; further outputs share its place and are drawn next to it.
    sa.Column("beside", sa.Integer, key="output_index", nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("label", sa.Text),
    sa.Column("run_id", sa.Text),
    sa.Column("output_id", sa.Text),
    sa.Column("width", sa.Integer),
    sa.Column("height", sa.Integer),
    sa.Column("x", sa.Integer, nullable=False),
    sa.Column("y", sa.Integer, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("project_id", "place", "output_index", name="uq_canvas_nodes_place"),
)
