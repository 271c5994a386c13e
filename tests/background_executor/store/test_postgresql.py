"""The same tables and questions in the words of PostgreSQL, as far as no server is needed."""

import importlib
import io
import pkgutil

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy.dialects import postgresql

from background_executor import selections, tables
from background_executor.migrations import versions


def _written_steps() -> str:
    written = io.StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql", opts={"as_sql": True, "output_buffer": written}
    )
    names = sorted(step.name for step in pkgutil.iter_modules(versions.__path__))
    with Operations.context(context):
        for name in names:
            importlib.import_module(f"{versions.__name__}.{name}").upgrade()
    return written.getvalue()


def test_every_step_can_be_written_for_postgresql() -> None:
    written = _written_steps()
    for table in tables.METADATA.tables:
        assert f"CREATE TABLE {table} (" in written
    assert "TIMESTAMP WITH TIME ZONE" in written
    assert "ALTER TABLE scans ALTER COLUMN slot DROP NOT NULL" in written
    for table in tables.APPEND_ONLY:
        assert f"BEFORE UPDATE OR DELETE ON {table.name} FOR EACH ROW" in written
        assert f"BEFORE TRUNCATE ON {table.name} FOR EACH STATEMENT" in written


@pytest.mark.parametrize(
    "statement",
    [selections.scan_select(), selections.point_select(), selections.result_select()],
    ids=["scans", "points", "results"],
)
def test_the_joins_can_be_asked_of_postgresql(statement: sa.Select[object]) -> None:
    assert str(statement.compile(dialect=postgresql.dialect())).startswith("SELECT")
