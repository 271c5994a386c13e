"""Entry point that Alembic calls: runs the steps on the connection it is handed.

The caller has begun the transaction and ends it, so that a failing step leaves
the store as it was; SQLite takes back changes of tables too.
"""

from alembic import context

from background_executor.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
