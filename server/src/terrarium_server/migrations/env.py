"""Alembic's entry point: runs the migrations on the connection of `upgrade`."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    render_as_batch=True,
    # The caller's transaction holds the lock and commits everything at once.
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
