"""What was before: decisions about a point, and results that were read from an old tree."""

from dataclasses import dataclass
from pathlib import Path

from background_executor.decisions.decision_records import PastDecision
from background_executor.imported import ImportedRecord
from dashboard.views.wording import NO_NUMBER, file_size, gain_with_error, local_time
from server_side.result import Quantity

Cells = tuple[str, ...]


@dataclass(frozen=True)
class OldResult:
    """One imported result of a point."""

    title: str
    gain: str
    """Without an error: the old system wrote none for position scans."""
    origin: tuple[tuple[str, str], ...]
    plot: Path | None


def show_decision(past: PastDecision, zone: str) -> Cells:
    """Show one step of the history: take, decision, why, who, when."""
    return (
        f"take {past.take}",
        past.decision.value if past.decision is not None else "taken back",
        " — ".join(text for text in (past.reason, past.comment) if text),
        past.operator,
        local_time(past.decided_at, zone),
    )


def show_old_result(record: ImportedRecord, zone: str) -> OldResult:
    """Show what the old tree holds of one take."""
    result = record.result
    files = (f"{file.name} ({file_size(file.size_bytes)})" for file in result.files)
    return OldResult(
        title=f"take {result.take.take}, {local_time(result.measured_at, zone)}",
        gain=_gain(record),
        origin=(
            ("provenance", "imported from an old tree; never judged here"),
            ("stamp", result.stamp),
            ("read from", result.source_folder),
            ("files", ", ".join(files)),
            ("copy", str(record.folder)),
        ),
        plot=record.folder / result.charge_plot if result.charge_plot else None,
    )


def _gain(record: ImportedRecord) -> str:
    gain = record.result.gain
    if isinstance(gain, Quantity):
        return f"gain {gain_with_error(gain.value, gain.error)}, as the old system wrote it"
    return f"{NO_NUMBER} no gain: {gain.reason}"
