"""Alembic's entry: the connection comes from wxbot.db.migrate, which also says when."""

from alembic import context

from wxbot.db.models import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
    # On SQLite, too, DDL is part of the transaction: a failed or raced upgrade leaves nothing behind.
    # On MySQL it never is (wxbot/db/schema.py).
    transactional_ddl=connection.dialect.name != "mysql",
)
with context.begin_transaction():
    context.run_migrations()
