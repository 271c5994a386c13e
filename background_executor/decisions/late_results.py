"""Results that come of a take after it was flagged: a flag is about the take, so they follow it."""

from collections.abc import Sequence
from datetime import datetime

from background_executor import queries
from background_executor.decisions import decision_queries
from background_executor.decisions.decision_records import DecidedTake, MoveAct, MoveRecord
from background_executor.decisions.intents import Asked, Journey, new_move
from background_executor.decisions.take_acts import parts_of
from background_executor.records import ScanState
from background_executor.site import Site

EXECUTOR = "executor"
"""Who acts where nobody asked."""


def intend_late_flags(site: Site, now: datetime) -> None:
    """Let results follow that were made of a take after it was flagged: a flag is about all."""
    for take in decision_queries.late_results(site.store, site.name):
        scan = queries.scan(site.store, take.scan_id)
        decision = take.decision
        moving = decision_queries.moves_in_progress(site.store, site.name)
        if scan is None or scan.state is ScanState.ARCHIVED or decision is None or take.is_coming:
            continue
        if _is_in_hand(moving, take.scan_id):
            continue
        layout = site.layout(take.scan_id)
        there = layout.flagged_folder(site.config.site.flag_folder)
        move = new_move(
            site,
            Asked(0, EXECUTOR, now),
            scan,
            MoveAct.FLAG,
            Journey(layout.results_folder, there, parts_of(site, scan, [take])),
            takes=(DecidedTake(take.point, take.take),),
            reason=decision.reason,
            comment=f"revision {take.revision} came after {decision.operator} flagged the take",
        )
        with site.store.writing(now) as writer:
            writer.intend_move(move)


def _is_in_hand(moving: Sequence[MoveRecord], scan_id: str) -> bool:
    return any(move.scan_id == scan_id for move in moving)
