"""One transaction on the store: its connection, its moment, and its events."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from background_executor import tables
from background_executor.errors import StoreError

Values = Mapping[str, object]


class Transaction:
    """What every subject's methods share.

    Attributes
    ----------
    now
        Moment of everything that this transaction writes.
    """

    def __init__(self, connection: sa.Connection, now: datetime) -> None:
        self.now = now
        self._connection = connection
        self._changed = False

    def add_event(
        self,
        site: str,
        actor: str,
        subject: str,
        act: str,
        *,
        before: str = "",
        after: str = "",
        reason: str = "",
        job: str | None = None,
    ) -> None:
        """Write one line of the audit; it can never be changed."""
        self.insert(
            tables.events,
            {
                "site": site,
                "actor": actor,
                "subject": subject,
                "act": act,
                "before": before,
                "after": after,
                "reason": reason,
                "job": job,
                "at": self.now,
            },
        )

    def add_move(
        self,
        site: str,
        subject: str,
        before: StrEnum,
        after: StrEnum,
        *,
        actor: str = "executor",
        reason: str = "",
        job: str | None = None,
    ) -> None:
        """Write into the audit that something went from one state to another."""
        act = f"{subject.split(maxsplit=1)[0]} {after.value}"
        self.add_event(
            site,
            actor,
            subject,
            act,
            before=before.value,
            after=after.value,
            reason=reason,
            job=job,
        )

    def find(self, table: sa.Table, key: Values) -> sa.Row[Any] | None:
        """Return the row with a key, or None."""
        return self._connection.execute(sa.select(table).where(*_matches(table, key))).first()

    def get(self, table: sa.Table, key: Values) -> sa.Row[Any]:
        """Return the row with a key.

        Raises
        ------
        StoreError
            When there is none.
        """
        row = self.find(table, key)
        if row is None:
            wanted = ", ".join(f"{name} {value!r}" for name, value in key.items())
            raise StoreError(f"nothing in table {table.name!r} of the store has {wanted}")
        return row

    def select(self, statement: sa.Executable) -> sa.Result[Any]:
        """Ask inside the transaction."""
        return self._connection.execute(statement)

    def insert(self, table: sa.Table, values: Values) -> int:
        """Add a row and return its number, where the table numbers its rows; else 0."""
        self._changed = True
        outcome = self._connection.execute(sa.insert(table).values(**values))
        key = outcome.inserted_primary_key
        return key[0] if key is not None and isinstance(key[0], int) else 0

    def update(self, table: sa.Table, key: Values, values: Values, *, quiet: bool = False) -> int:
        """Change the rows with a key and return how many; quietly, where pages need not know."""
        self._changed = self._changed or not quiet
        statement = sa.update(table).where(*_matches(table, key)).values(**values)
        return self._connection.execute(statement).rowcount

    def delete(self, table: sa.Table, key: Values) -> None:
        """Remove the rows with a key."""
        self._changed = True
        self._connection.execute(sa.delete(table).where(*_matches(table, key)))

    def count_change(self) -> None:
        """Move the counter that pages watch, when there is something new to see."""
        if self._changed:
            counter = tables.changes.c.counter
            self._connection.execute(sa.update(tables.changes).values(counter=counter + 1))


def _matches(table: sa.Table, key: Values) -> list[sa.ColumnElement[bool]]:
    return [table.c[name] == value for name, value in key.items()]


def point_subject(scan_id: str, point: str) -> str:
    """Name a point as the audit does."""
    return f"point {scan_id}/{point}"
