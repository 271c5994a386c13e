"""References: every one made is a new version, none is ever changed."""

import sqlalchemy as sa

from background_executor import tables
from background_executor.reference import ReferenceContent, ReferenceKind
from background_executor.writing.transaction import Transaction


class ReferenceWriting(Transaction):
    """Changes of references."""

    def add_reference(
        self,
        site: str,
        kind: ReferenceKind,
        subject: str,
        content: ReferenceContent,
        *,
        comment: str,
        operator: str,
    ) -> int:
        """Add the next version of a reference and return its number; it is in force at once."""
        columns = tables.reference_versions.c
        key = {"site": site, "kind": kind, "subject": subject}
        known = sa.select(sa.func.max(columns.version)).where(
            *[columns[name] == value for name, value in key.items()]
        )
        before = int(self.select(known).scalar() or 0)
        values = {
            "version": before + 1,
            "content": content.model_dump_json(),
            "comment": comment,
            "operator": operator,
            "made_at": self.now,
        }
        self.insert(tables.reference_versions, key | values)
        self.add_event(
            site,
            operator,
            f"reference {kind.value} {subject}",
            "reference made",
            before=f"version {before}" if before else "",
            after=f"version {before + 1}: {content.origin}",
            reason=comment,
        )
        return before + 1
