"""Published folders, the results they hold, their judgements and what people decide."""

from datetime import datetime
from pathlib import Path

import sqlalchemy as sa
from pydantic import TypeAdapter

from background_executor import tables
from background_executor.decisions.decision_records import DecisionKind
from background_executor.errors import StoreError
from background_executor.following import PublicationState
from background_executor.judging.verdict import Judgement
from background_executor.records import (
    CheckRecord,
    PointState,
)
from background_executor.writing.scans import ScanWriting, is_in_hand
from background_executor.writing.transaction import Values, point_subject
from server_side.layout import take_folder_name
from server_side.result import PointResult
from server_side.scan import Point, Take

CHECKS: TypeAdapter[tuple[CheckRecord, ...]] = TypeAdapter(tuple[CheckRecord, ...])


class ResultWriting(ScanWriting):
    """Changes of publications, and the rows that are never changed again."""

    def __init__(self, connection: sa.Connection, now: datetime, results_folder: Path) -> None:
        super().__init__(connection, now)
        self._results_folder = results_folder

    def add_publication(
        self,
        scan_id: str,
        take: Take,
        folder: str,
        manifest_sha256: str | None,
        job: str | None = None,
    ) -> None:
        """Note a published folder on the server, to be fetched; the first word about it stays."""
        key = _take_key(scan_id, take)
        known = self.find(tables.publications, key)
        if known is not None:
            if known.manifest_sha256 is None and manifest_sha256 is not None:
                self.update(tables.publications, key, {"manifest_sha256": manifest_sha256})
            return
        self.upsert_take(scan_id, take.point, take.take)
        point = self.get(tables.points, {"scan_id": scan_id, "point": take.point.name})
        values = {
            "site": point.site,
            "folder": folder,
            "manifest_sha256": manifest_sha256,
            "job": job,
            "state": PublicationState.WAITING,
            "seen_at": self.now,
            "next_try_at": self.now,
        }
        self.insert(tables.publications, key | values)
        subject, told = point_subject(scan_id, take.point.name), manifest_sha256 or "not told"
        after = f"{folder}, manifest {told}"
        self.add_event(point.site, "executor", subject, "folder announced", after=after, job=job)
        if is_in_hand(point, take.take):
            self.advance_point(scan_id, take.point, PointState.PUBLISHED, error="", job=job)

    def retry_publication(
        self, scan_id: str, take: Take, error: str, next_try_at: datetime
    ) -> None:
        """Note a failed fetch that will be tried again; the same error is not told twice."""
        key = _take_key(scan_id, take)
        row = self.get(tables.publications, key)
        values = {"tries": row.tries + 1, "error": error, "next_try_at": next_try_at}
        self.update(tables.publications, key, values)
        if error == row.error:
            return
        point = self.get(tables.points, {"scan_id": scan_id, "point": take.point.name})
        is_shown = is_in_hand(point, take.take) and point.state is PointState.PUBLISHED
        if is_shown and point.error in ("", row.error):  # another error is the more telling one
            self.advance_point(scan_id, take.point, PointState.PUBLISHED, error=error, job=row.job)
        subject, tried = point_subject(scan_id, take.point.name), f"try {row.tries + 1}"
        after = f"{row.folder}, {tried}"
        self.add_event(
            row.site, "executor", subject, "fetch failed", after=after, reason=error, job=row.job
        )

    def refuse_publication(self, scan_id: str, take: Take, error: str) -> None:
        """Note a folder that must not be trusted; its point fails with that error."""
        key = _take_key(scan_id, take)
        row = self.get(tables.publications, key)
        if row.state is not PublicationState.WAITING:
            return
        values = {"state": PublicationState.REFUSED, "tries": row.tries + 1, "error": error}
        self.update(tables.publications, key, values)
        subject, act = point_subject(scan_id, take.point.name), "folder refused"
        self.add_event(
            row.site, "executor", subject, act, after=row.folder, reason=error, job=row.job
        )
        point = self.get(tables.points, {"scan_id": scan_id, "point": take.point.name})
        if is_in_hand(point, take.take):
            self.advance_point(scan_id, take.point, PointState.FAILED, error=error, job=row.job)

    def add_result(
        self,
        result: PointResult,
        folder: Path,
        manifest_sha256: str,
        judgement: Judgement | None = None,
    ) -> int:
        """Store a verified result and return its number; the same one again changes nothing.

        Parameters
        ----------
        folder
            Verified local copy, below the store's results folder.

        Raises
        ------
        StoreError
            When the folder lies elsewhere, or another result has the same key.
        """
        key = _take_key(result.scan_id, result.take)
        known = self.find(tables.results, key)
        if known is not None:
            _check_same(result, known.manifest_sha256, manifest_sha256)
            return int(known.result_id)
        self.add_publication(
            result.scan_id, result.take, take_folder_name(result.take), manifest_sha256
        )
        fetch_error = self.get(tables.publications, key).error
        fetched = {"state": PublicationState.FETCHED, "error": ""}
        self.update(tables.publications, key, fetched)
        result_id = self.insert(tables.results, key | self._values(result, folder, manifest_sha256))
        self._store_point(result, manifest_sha256, fetch_error)
        if judgement is not None:
            self.add_verdict(result_id, judgement)
        return result_id

    def _values(self, result: PointResult, folder: Path, manifest_sha256: str) -> dict[str, object]:
        provenance = result.provenance
        return {
            "site": result.site,
            "measured_at": provenance.measured_at,
            "acquired_at": provenance.acquisition.ended_at,
            "stored_at": self.now,
            "manifest_sha256": manifest_sha256,
            "folder": self._below_results(folder),
            "document": result.model_dump_json(),
        }

    def _below_results(self, folder: Path) -> str:
        """Keep a folder relative to the store's own, so that both can be moved together."""
        try:
            return (self._results_folder / folder).relative_to(self._results_folder).as_posix()
        except ValueError as error:
            raise StoreError(
                f"result folder {folder} lies outside the store's results {self._results_folder}: "
                "put the verified copy there first"
            ) from error

    def _store_point(self, result: PointResult, manifest_sha256: str, fetch_error: str) -> None:
        point, job = result.take.point, result.provenance.job
        row = self.get(tables.points, {"scan_id": result.scan_id, "point": point.name})
        if is_in_hand(row, result.take.take):
            # What failed since the folder was published is to be seen beside its result, but
            # not that it could not be fetched for a while.
            is_lasting = row.state is PointState.PUBLISHED and row.error != fetch_error
            error = None if is_lasting else ""
            self.advance_point(result.scan_id, point, PointState.PUBLISHED, error=error, job=job)
            self.advance_point(result.scan_id, point, PointState.STORED, job=job)
        self.add_event(
            result.site,
            "executor",
            point_subject(result.scan_id, point.name),
            "result stored",
            after=f"{result.take.name}, manifest {manifest_sha256}",
            job=job,
        )

    def add_verdict(self, result_id: int, judgement: Judgement) -> None:
        """Add a judgement of a result; the newest one is in force, the others stay."""
        row = self.get(tables.results, {"result_id": result_id})
        verdict, gain = judgement.verdict, judgement.gain
        values = {
            "site": row.site,
            "result_id": result_id,
            "verdict": verdict.verdict,
            "summary": verdict.summary,
            "rule": verdict.rule,
            "gain": gain and gain.gain,
            "gain_err": gain and gain.gain_err,
            "gain_method": gain and gain.method,
            "gain_model": gain and gain.model,
            "chi2": gain and gain.chi2,
            "ndf": gain and gain.ndf,
            "gain_missing": judgement.gain_missing,
            "checks": CHECKS.dump_json(verdict.checks).decode(),
            "judged_at": verdict.judged_at,
        }
        self.insert(tables.verdicts, values)
        self.add_event(
            row.site,
            "executor",
            point_subject(row.scan_id, row.point),
            "judged",
            after=verdict.verdict.value,
            reason=verdict.summary,
        )

    def add_decision(
        self,
        scan_id: str,
        point: Point,
        take: int,
        decision: DecisionKind | None,
        *,
        reason: str,
        comment: str,
        operator: str,
    ) -> None:
        """Add a decision about a take; the newest one is in force, None takes the last one back."""
        key = {"scan_id": scan_id, "point": point.name, "take": take}
        before = self._decision_in_force(key)
        row = self.get(tables.points, {"scan_id": scan_id, "point": point.name})
        words = {"reason": reason, "comment": comment, "operator": operator}
        moment = {"site": row.site, "decision": decision, "decided_at": self.now}
        self.insert(tables.decisions, key | words | moment)
        self.add_event(
            row.site,
            operator,
            point_subject(scan_id, point.name),
            f"take {take} {decision.value}" if decision else f"decision on take {take} withdrawn",
            before=before,
            after=decision.value if decision else "",
            reason=f"{reason}: {comment}" if comment else reason,
        )

    def _decision_in_force(self, key: Values) -> str:
        columns = tables.decisions.c
        statement = (
            sa.select(columns.decision)
            .where(*[columns[name] == value for name, value in key.items()])
            .order_by(columns.decision_id.desc())
            .limit(1)
        )
        decision = self.select(statement).scalar()
        return decision.value if decision is not None else ""


def _take_key(scan_id: str, take: Take) -> dict[str, object]:
    return {
        "scan_id": scan_id,
        "point": take.point.name,
        "take": take.take,
        "revision": take.revision,
    }


def _check_same(result: PointResult, known_sha256: str, manifest_sha256: str) -> None:
    if known_sha256 != manifest_sha256:
        raise StoreError(
            f"result {result.take.name} of scan {result.scan_id} is stored with manifest "
            f"{known_sha256[:12]}, now comes {manifest_sha256[:12]}: a published folder never "
            "changes; look at it on the server"
        )
