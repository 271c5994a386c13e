"""References: every one made is a new version, none is ever changed."""

import sqlalchemy as sa

from background_executor import tables
from background_executor.judging.reference import ReferenceContent, ReferenceKind
from background_executor.writing.transaction import Transaction, Values


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
        version: int | None = None,
    ) -> int:
        """Add a version of a reference and return its number; the highest one is in force.

        Parameters
        ----------
        version
            Of a reference that was lost and comes back; the next one when absent.
        """
        key = {"site": site, "kind": kind, "subject": subject}
        before = self._newest_version(key)
        version = version or before + 1
        values = {
            "version": version,
            "content": content.model_dump_json(),
            "comment": comment,
            "operator": operator,
            "made_at": self.now,
        }
        self.insert(tables.reference_versions, key | values)
        words = {
            "before": f"version {before}" if before else "",
            "after": f"version {version}: {content.origin}",
            "reason": comment,
        }
        what = f"reference {kind.value} {subject}"
        self.add_event(site, operator, what, "reference made", **words)
        return version

    def _newest_version(self, key: Values) -> int:
        columns = tables.reference_versions.c
        same = [columns[name] == value for name, value in key.items()]
        return int(self.select(sa.select(sa.func.max(columns.version)).where(*same)).scalar() or 0)
