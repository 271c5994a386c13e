"""The live file of a job: what it does at this moment."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from server_side.journal import LiveProgress
from server_side.journal_writer import Now, utc_now, write_live
from server_side.result import FitOutcome, Spectrum, ValidFit
from server_side.scan import PositionPoint, VoltagePoint

Stage = Literal["waiting", "acquiring", "reading", "fitting", "publishing"]


@dataclass(frozen=True)
class LiveFile:
    """Where a job shows its progress."""

    path: Path
    job: str
    expected_events: int | None
    now: Now = utc_now

    def show_waiting(self) -> None:
        """Show that there is nothing to do."""
        write_live(self.path, LiveProgress(job=self.job, at=self.now(), stage="waiting"))

    def show(
        self,
        stage: Stage,
        point: PositionPoint | VoltagePoint,
        take: int,
        *,
        events: int,
        spectrum: Spectrum | None = None,
        fit: FitOutcome | None = None,
    ) -> None:
        """Show how far a point is, with what is known of its gain so far."""
        valid = fit if isinstance(fit, ValidFit) else None
        write_live(
            self.path,
            LiveProgress(
                job=self.job,
                at=self.now(),
                stage=stage,
                point=point,
                take=take,
                events=events,
                expected_events=self.expected_events,
                spectrum=spectrum,
                gain_peak=valid.gain_peak if valid else None,
                gain_peak_err=valid.gain_peak_err if valid else None,
                gain_note=_note(fit),
            ),
        )


def _note(fit: FitOutcome | None) -> str:
    if fit is None:
        return ""
    if isinstance(fit, ValidFit):
        return f"preliminary, {fit.model}"
    return f"no gain yet: {fit.message}"
