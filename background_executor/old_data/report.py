"""What an import did, in words: what is new, what was known, what lies twice, what was not read."""

from dataclasses import dataclass
from pathlib import Path

from background_executor.old_data.copies import Copy
from background_executor.old_data.files import printable
from background_executor.old_data.tree import Unread
from background_executor.terminal import visible


@dataclass(frozen=True)
class ScanCount:
    """What an import did with one scan."""

    new: int
    known: int
    copies: tuple[Copy, ...]

    @property
    def is_copy(self) -> bool:
        """Whether nothing of the scan is its own."""
        return bool(self.copies) and self.new == self.known == 0


@dataclass(frozen=True)
class ImportReport:
    """What an import did."""

    folder: Path
    scans: int
    """In the tree; without those of which every take lies in another one, too."""
    new_takes: int
    known_takes: int
    """In the store already, with the same files."""
    copies: tuple[Copy, ...]
    """Takes that are in the store as those of another scan, with the same files."""
    unread: tuple[Unread, ...]

    def lines(self, limit: int | None = None) -> list[str]:
        """Say it, in lines that steer no terminal; of what was left out, up to a limit."""
        first = (
            f"{self.scans} scans in {shown(self.folder)}: {self.new_takes} takes imported, "
            f"{self.known_takes} known already, {len(self.unread)} files or folders not read"
        )
        if self.copies:
            first = f"{first}, {len(self.copies)} takes lie there in another layout, too"
        left_out = [
            *(f"not read: {each.path}: {each.reason}" for each in self.unread),
            *(f"taken once: {each.words}" for each in self.copies),
        ]
        more = len(left_out) - len(left_out[:limit])
        said = [shown(words) for words in left_out[:limit]]
        return [first, *said, *([f"and {more} more"] if more else [])]


def shown(words: str | Path) -> str:
    """Return words with paths in them as a terminal may have them."""
    return visible(printable(words))
