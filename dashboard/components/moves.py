"""What would move where, before it is asked for."""

from collections.abc import Iterable

from background_executor.decisions.offers import PlannedMove
from dashboard.components.markup import facts


def planned_moves(moves: Iterable[PlannedMove], *, is_back: bool = False) -> str:
    """Name the folders that would move, those between the same two places together.

    Parameters
    ----------
    is_back
        They move from where a decision had put them to where they came from.
    """
    names: dict[tuple[str, str], list[str]] = {}
    for move in moves:
        source, target = (move.target, move.source) if is_back else (move.source, move.target)
        names.setdefault((str(source.parent), str(target.parent)), []).append(source.name)
    rows = [
        row
        for (source_folder, target_folder), moved in names.items()
        for row in (
            (f"{len(moved)} to move" if len(moved) > 1 else "moves", ", ".join(moved)),
            ("from", source_folder),
            ("to", target_folder),
        )
    ]
    return facts(rows)
