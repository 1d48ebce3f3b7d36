"""Outputs are recorded as `image`, `video` and `audio`, no longer in the wire's words `imageUrl` and so on.

No worker of an older version is alive while this runs, so no old word is written afterwards, except by a
worker that was stopped for longer than its lease. The API of this version understands both words. An API
process of an older version that still runs answers 500 where it would show such an output, and never a wrong
type, until it is replaced.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    for type in ("image", "video", "audio"):
        op.execute(f"UPDATE run_outputs SET type = '{type}' WHERE type = '{type}Url'")  # noqa: S608
