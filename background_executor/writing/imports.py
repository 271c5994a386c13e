"""Scans and takes read from old trees: there at once, finished, and judged by nobody."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from background_executor import tables
from background_executor.decisions.decision_records import DecisionKind
from background_executor.errors import StoreError
from background_executor.imported import (
    OLD_GAIN_METHOD,
    OLD_MODEL,
    OLD_OPERATOR,
    ImportedPlan,
    ImportedResult,
    Provenance,
)
from background_executor.judging.verdict import Judgement
from background_executor.records import GainRecord, PointState, ScanState, Verdict, VerdictRecord
from background_executor.writing.results import ResultWriting
from background_executor.writing.scans import scan_subject
from background_executor.writing.transaction import point_subject
from server_side.result import Missing
from server_side.scan import Point, ScanKind

RULE = "none: the old system kept a gain and nothing to judge it by"


@dataclass(frozen=True)
class OldScanState:
    """An imported scan as far as its tree tells."""

    plan: ImportedPlan
    state: ScanState
    began_at: datetime
    """Its first date."""
    ended_at: datetime
    """Its last one."""
    message: str

    def values(self) -> dict[str, object]:
        """Return what may grow with the tree, as the table has it."""
        return {
            "state": self.state,
            "started_at": self.began_at,
            "ended_at": self.ended_at,
            "message": self.message,
            "plan": self.plan.model_dump_json(),
        }


class ImportWriting(ResultWriting):
    """Changes of imported scans; everything else about them is as with measured ones."""

    def set_imported_scan(self, scan: OldScanState, operator: str) -> bool:
        """Add an imported scan or what was found of it since; tells whether anything is new.

        Raises
        ------
        StoreError
            When a measured scan has its id.
        """
        plan, key = scan.plan, {"scan_id": scan.plan.scan_id}
        row = self.find(tables.scans, key)
        if row is not None and row.provenance is not Provenance.IMPORTED:
            raise StoreError(f"scan {plan.scan_id} was measured; nothing is imported into it")
        values = scan.values()
        known = {} if row is None else row._asdict()
        if all(known.get(name) == value for name, value in values.items()):
            return False
        if row is None:
            self.insert(tables.scans, key | values | self._fixed_values(plan))
        else:
            self.update(tables.scans, key, values | {"updated_at": self.now})
        before = "" if row is None else row.state.value
        what = f"{plan.container or 'no folder of a scan'}, {len(plan.points)} points"
        subject, after = scan_subject(plan.scan_id), scan.state.value
        words = {"before": before, "after": after, "reason": what}
        self.add_event(plan.site, operator, subject, "scan imported", **words)
        return True

    def _fixed_values(self, plan: ImportedPlan) -> dict[str, object]:
        """Return what never changes of an imported scan."""
        return {
            "site": plan.site,
            "kind": plan.kind,
            "serial_number": plan.serial_number,
            "slot": None,
            "provenance": Provenance.IMPORTED,
            "updated_at": self.now,
        }

    def add_imported(
        self, result: ImportedResult, folder: Path, manifest_sha256: str, operator: str
    ) -> int:
        """Add what an old tree holds of a take; the point is stored with it."""
        point, take = result.take.point, result.take.take
        place: dict[str, object] = {"scan_id": result.scan_id, "point": point.name}
        if self.find(tables.takes, place | {"take": take}) is None:
            origin = {"folder": result.source_folder, "generation": result.stamp}
            new = {"take": take, "site": result.site, "seen_at": self.now}
            self.insert(tables.takes, place | origin | new)
        key = place | {"take": take, "revision": result.take.revision}
        values = {
            "site": result.site,
            "measured_at": result.measured_at,
            "acquired_at": None,
            "stored_at": self.now,
            "manifest_sha256": manifest_sha256,
            "folder": self._below_results(folder),
            "document": result.model_dump_json(),
            "provenance": Provenance.IMPORTED,
        }
        result_id = self.insert(tables.results, key | values)
        self._store_imported_point(result, place)
        after = f"{result.take.name}, manifest {manifest_sha256}"
        subject = point_subject(result.scan_id, point.name)
        why = f"{result.stamp} in {result.source_folder}"
        self.add_event(result.site, operator, subject, "take imported", after=after, reason=why)
        self.add_verdict(result_id, self._not_judged(result))
        return result_id

    def _store_imported_point(self, result: ImportedResult, place: dict[str, object]) -> None:
        """Make a point stored, or let a stored one show its newest date, whichever came last."""
        take = self._newest_date(place)
        row = self.find(tables.points, place)
        if row is None:
            values = {
                "site": result.site,
                "ordinal": place_in_order(result.take.point),
                "state": PointState.STORED,
                "take": take,
                "updated_at": self.now,
            }
            self.insert(tables.points, place | values)
            subject = point_subject(result.scan_id, result.take.point.name)
            act, after = "point stored", PointState.STORED.value
            self.add_event(result.site, "executor", subject, act, before="expected", after=after)
        else:
            self.update(tables.points, place, {"take": take, "updated_at": self.now})

    def _newest_date(self, place: dict[str, object]) -> int:
        """Return the take of a point that was measured last; numbers tell what was read first."""
        results = tables.results.c
        of_point = [results[name] == value for name, value in place.items()]
        newest_first = (results.measured_at.desc(), results.take.desc())
        statement = sa.select(results.take).where(*of_point).order_by(*newest_first)
        return int(self.select(statement.limit(1)).scalar_one())

    def _not_judged(self, result: ImportedResult) -> Judgement:
        """Give the old number as it is, with a verdict that says that there is none."""
        if isinstance(result.gain, Missing):
            gain, missing = None, result.gain.reason
            words = f"no gain, {missing}"
        else:
            number = result.gain
            gain = GainRecord(number.value, number.error, OLD_GAIN_METHOD, OLD_MODEL, None, None)
            missing, words = "", "gain as the old system wrote it"
            words += "" if number.error is not None else ", its error is unknown"
        summary = f"imported, not judged: {words}"
        verdict = VerdictRecord(Verdict.IMPORTED, summary, RULE, (), self.now)
        return Judgement(verdict, gain, missing)

    def note_place(self, scan_id: str, point: Point, take: int, folder: str, operator: str) -> None:
        """Note where files of a take lie outside the archive of the old system."""
        key = {"scan_id": scan_id, "point": point.name, "take": take}
        row = self.get(tables.takes, key)
        self.update(tables.takes, key, {"folder": folder})
        subject, act = point_subject(scan_id, point.name), f"take {take} found outside the archive"
        self.add_event(row.site, operator, subject, act, before=row.folder, after=folder)

    def flag_imported(self, scan_id: str, point: Point, take: int, folder: str) -> bool:
        """Note once that a take lay among the flagged of the old system; tells whether it is new.

        What somebody decided here since stays in force.
        """
        key = {"scan_id": scan_id, "point": point.name, "take": take}
        if self.find(tables.decisions, key) is not None:
            return False
        self.add_decision(
            scan_id,
            point,
            take,
            DecisionKind.FLAGGED,
            reason="flagged in the old system",
            comment=f"lies in {folder}",
            operator=OLD_OPERATOR,
        )
        return True


def place_in_order(point: Point) -> int:
    """Return where a point stands among others of its kind, whichever of them are there."""
    if point.kind == ScanKind.POSITION.value:
        return point.theta_deg * 1000 + point.phi_deg
    return point.voltage_v
