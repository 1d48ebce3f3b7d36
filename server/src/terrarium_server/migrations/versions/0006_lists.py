"""Lists: the two indexes of runs that lists read contain the state, and only what is listed.

PostgreSQL builds them while other transactions wait: an index cannot be built concurrently inside the one
transaction of the upgrade.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_LISTED = sa.text("run_type = 'generation' AND parent_run_id IS NULL")


def upgrade() -> None:
    """Apply."""
    for name in ("workspace", "project"):
        op.drop_index(f"ix_runs_{name}", "runs")
        op.create_index(
            f"ix_runs_{name}",
            "runs",
            [f"{name}_id", "state", "run_id"],
            unique=False,
            sqlite_where=_LISTED,
            postgresql_where=_LISTED,
        )
