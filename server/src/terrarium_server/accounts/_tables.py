"""The tables of workspaces, members, projects and API keys."""

import sqlalchemy as sa

from terrarium_server.store import metadata

_ROLE = "role IN ('owner', 'editor', 'viewer')"

workspaces = sa.Table(
    "workspaces",
    metadata,
    sa.Column("workspace_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("rate_limit", sa.Integer),
    # In plain text because signing needs it; it leaves the server only when a key is created.
    sa.Column("webhook_secret", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    # The highest priority that its runs can have; null means no limit.
    sa.Column("max_priority", sa.Integer),
)

members = sa.Table(
    "members",
    metadata,
    sa.Column("member_id", sa.Text, primary_key=True),
    sa.Column("workspace_id", sa.Text, sa.ForeignKey("workspaces.workspace_id"), nullable=False),
    sa.Column("email", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("workspace_id", "email", name="uq_members_workspace_email"),
    sa.CheckConstraint(_ROLE, name="ck_members_role"),
)

projects = sa.Table(
    "projects",
    metadata,
    sa.Column("project_id", sa.Text, primary_key=True),
    sa.Column("workspace_id", sa.Text, sa.ForeignKey("workspaces.workspace_id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("origin", sa.Text),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("last_modified", sa.BigInteger, nullable=False),
    sa.Index("ix_projects_recent", "workspace_id", "last_modified", "project_id"),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("key_id", sa.Text, primary_key=True),
    sa.Column("workspace_id", sa.Text, sa.ForeignKey("workspaces.workspace_id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("hint", sa.Text, nullable=False),
    sa.Column("spending_cap_micros", sa.BigInteger),
    sa.Column("spent_micros", sa.BigInteger, nullable=False),
    sa.Column("created_at", sa.BigInteger, nullable=False),
    sa.Column("expires_at", sa.BigInteger),
    sa.Column("revoked_at", sa.BigInteger),
    sa.CheckConstraint(_ROLE, name="ck_api_keys_role"),
    sa.Index("ix_api_keys_workspace", "workspace_id"),
)
