"""Guards of append-only tables, for the steps that make one."""

from string import Template

from alembic import op

_NO_REPLACING = Template(
    "CREATE TRIGGER ${table}_refuse_replace BEFORE INSERT ON $table "
    "WHEN EXISTS (SELECT 1 FROM $table WHERE $same) "
    "BEGIN SELECT RAISE(ABORT, '$table is append-only: REPLACE refused'); END"
)


def refuse_changes(table: str) -> None:
    """Make the database refuse to change or delete a row."""
    if op.get_context().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_refuse_{act.lower()} BEFORE {act} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only: {act} refused'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only: % refused', TG_OP; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_refuse BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_refuse()"
    )


def refuse_replacing(table: str, *keys: tuple[str, ...]) -> None:
    """Make the database refuse what would take a row away without deleting or changing it.

    SQLite's INSERT OR REPLACE deletes the row that has one of the keys and asks
    no trigger for DELETE; PostgreSQL's TRUNCATE asks none for single rows.
    """
    if op.get_context().dialect.name == "sqlite":
        same = " OR ".join(
            "(" + " AND ".join(f"{column} = NEW.{column}" for column in key) + ")" for key in keys
        )
        op.execute(_NO_REPLACING.substitute(table=table, same=same))
        return
    op.execute(
        f"CREATE TRIGGER {table}_refuse_truncate BEFORE TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse()"
    )
