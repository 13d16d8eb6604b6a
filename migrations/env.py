"""Alembic's entry: the connection comes from wxbot.db.migrate, which also says when."""

from alembic import context

from wxbot.db.models import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    # On SQLite, too, DDL is part of the transaction: a failed or raced upgrade leaves nothing behind.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
