"""Runs migrations on the connection that Alembic's configuration carries. See `api/migrating.py`."""

from alembic import context
from sqlmodel import SQLModel

import api.domain.models  # noqa: F401 - it fills the metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=SQLModel.metadata, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
