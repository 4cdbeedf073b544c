"""Alembic's environment: it migrates over the connection that `backroom.store.migrate` hands it."""

from alembic import context

from backroom.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=connection.dialect.name == "sqlite",
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
