"""On which side of an act its folders lie, now."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from background_executor.decisions.contents import names_in
from background_executor.decisions.decision_records import MoveRecord
from background_executor.errors import RemoteFileError, UntrustedFileError
from background_executor.site import Site


@dataclass(frozen=True)
class Whereabouts:
    """On which side the parts of an act lie."""

    at_source: frozenset[str]
    at_target: frozenset[str]

    @property
    def on_both(self) -> tuple[str, ...]:
        """Names that are taken on both sides: one of them is not ours."""
        return tuple(sorted(self.at_source & self.at_target))

    def lacks(self, move: MoveRecord) -> tuple[str, ...]:
        """Return which parts of an act lie on neither side."""
        known = self.at_source | self.at_target
        return tuple(part.folder for part in move.parts if part.folder not in known)


def find_parts(site: Site, move: MoveRecord) -> Whereabouts:
    """Find the parts of an act by listing both sides.

    Raises
    ------
    TransportError
        When the server could not be asked.
    """
    if not move.parts:
        return Whereabouts(frozenset(), frozenset())
    names = frozenset(part.folder for part in move.parts)
    at_source = names & names_in(site, PurePosixPath(move.source))
    return Whereabouts(at_source, names & names_in(site, PurePosixPath(move.target)))


def refuse_astray(move: MoveRecord, where: Whereabouts) -> None:
    """Let nothing be overwritten, and nothing be missed.

    Raises
    ------
    RemoteFileError
        When a name is taken on both sides.
    UntrustedFileError
        When a part is on neither.
    """
    if where.on_both:
        raise RemoteFileError(
            f"{', '.join(where.on_both)} is in {move.target} already, and nothing is overwritten: "
            "look what that is, and move it away by hand"
        )
    if lost := where.lacks(move):
        raise UntrustedFileError(
            f"{', '.join(lost)} is neither in {move.source} nor in {move.target}: it was moved or "
            "removed by hand"
        )
