"""Bring a result tree of the old system into the store, as often as one likes.

The tree is only read. Its files are copied beside the other results, each take
in a folder with a manifest; what is in the store already is left as it is. The
same date with other files is the next revision of its take; the same files in a
folder of another layout are the same take.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from background_executor import queries
from background_executor.config import SiteConfig
from background_executor.decisions import decision_queries
from background_executor.errors import CommandError
from background_executor.imported import (
    IMPORTED_FILE,
    ImportedFile,
    ImportedPlan,
    ImportedRecord,
    ImportedResult,
    OldVoltage,
)
from background_executor.old_data.copies import Copy, KnownElsewhere, most_telling_first
from background_executor.old_data.files import printable
from background_executor.old_data.numbering import TakeNumbers
from background_executor.old_data.report import ImportReport, ScanCount
from background_executor.old_data.tree import OldRemark, OldScan, OldTake, OldTree, Unread
from background_executor.records import ScanState
from background_executor.store import Store
from background_executor.writing.imports import OldScanState, place_in_order
from server_side.errors import ManifestError, PublishError
from server_side.layout import MANIFEST_FILE, take_folder_name
from server_side.publish import (
    NewFile,
    Published,
    manifest_sha256,
    publish_folder,
    verify_folder,
)
from server_side.scan import Take

SHOWN_UNREAD = 100
"""So many of what was not read stand in a command's answer; the command line shows all."""


def import_tree(
    store: Store, config: SiteConfig, folder: Path, operator: str, now: datetime
) -> ImportReport:
    """Read a tree into the store; each scan is there whole or not at all.

    Raises
    ------
    CommandError
        When there is no such folder.
    """
    root = _find(folder)
    tree = OldTree(root, config.site.flag_folder, config.site.archive_folder)
    takes: dict[OldScan, list[OldTake]] = defaultdict(list)
    for take in tree.takes():
        takes[take.scan].append(take)
    remarks: dict[OldScan, list[OldRemark]] = defaultdict(list)
    for remark in tree.remarks:
        remarks[remark.scan].append(remark)
    counts = [
        _ScanImport(store, config, scan, operator, now).run(
            takes.get(scan, []), remarks.get(scan, []), tree.unread
        )
        for scan in most_telling_first(dict.fromkeys([*takes, *remarks]))
    ]
    report = ImportReport(
        folder=root,
        scans=len(takes) - sum(count.is_copy for count in counts),
        new_takes=sum(count.new for count in counts),
        known_takes=sum(count.known for count in counts),
        copies=tuple(copy for count in counts for copy in count.copies),
        unread=tuple(tree.unread),
    )
    with store.writing(now) as writer:
        summary, *details = report.lines(SHOWN_UNREAD)
        subject, reason = f"tree {printable(root)}", "; ".join(details)
        writer.add_event(
            config.site.name, operator, subject, "tree imported", after=summary, reason=reason
        )
    return report


def _find(folder: Path) -> Path:
    try:
        root = folder.resolve(strict=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise CommandError(f"nothing to import: {folder} cannot be found: {error}") from error
    if not root.is_dir():
        raise CommandError(f"nothing to import: {folder} is no folder on this machine")
    return root


@dataclass(frozen=True)
class _ScanImport:
    """One scan on its way into the store."""

    store: Store
    config: SiteConfig
    scan: OldScan
    operator: str
    now: datetime

    @property
    def scan_id(self) -> str:
        """The same for the same scan, wherever its tree lies."""
        scan = self.scan
        words = [self.config.site.name, scan.kind, scan.serial_number, scan.container]
        return hashlib.sha256(json.dumps(words).encode()).hexdigest()[:12]

    def run(
        self, takes: Sequence[OldTake], remarks: Sequence[OldRemark], unread: list[Unread]
    ) -> ScanCount:
        """Import what is new, and what lies twice once."""
        known, elsewhere = self._known_results(), self._known_elsewhere()
        numbers = TakeNumbers(known)
        copied: list[tuple[OldTake, ImportedResult, Published]] = []
        copies: list[Copy] = []
        count_known = 0
        for old in sorted(takes, key=lambda t: (place_in_order(t.point), t.stamp, str(t.folder))):
            number = numbers.number(old)
            if number is None:
                count_known += 1
                continue
            if copy := elsewhere.find_copy(old):
                copies.append(copy)
                continue
            result = self._describe(old, number)
            try:
                copied.append((old, result, self._copy(old, result)))
            except (OSError, PublishError, ManifestError) as error:
                unread.append(Unread(old.folder, f"{old.stamp} cannot be copied: {error}"))
            else:
                numbers.note(old, number)
        if known or copied:
            voltages = [remark.voltage for remark in remarks if remark.voltage is not None]
            self._store(takes, voltages, known, copied, numbers)
            self._note_places(takes, numbers)
        else:
            why = "tells of a scan of which no take was read"
            if copies:
                why = f"tells of a copy: its takes are those of scan {copies[0].known.scan_id}"
            unread.extend(Unread(remark.path, why) for remark in remarks)
        self._flag_copies(copies)
        return ScanCount(len(copied), count_known, tuple(copies))

    def _known_elsewhere(self) -> KnownElsewhere:
        site, scan = self.config.site.name, self.scan
        records = queries.imported_results_of_pmt(self.store, site, scan.kind, scan.serial_number)
        return KnownElsewhere(records, self.scan_id)

    def _flag_copies(self, copies: Iterable[Copy]) -> None:
        """Let a take be flagged whose copy lies among the flagged."""
        flagged = [copy for copy in copies if copy.old.is_flagged]
        if not flagged:
            return
        with self.store.writing(self.now) as writer:
            for copy in flagged:
                known, folder = copy.known, printable(copy.old.folder)
                writer.flag_imported(known.scan_id, copy.old.point, known.take.take, folder)

    def _known_results(self) -> tuple[ImportedRecord, ...]:
        points = queries.points(self.store, self.scan_id)
        return tuple(
            record
            for point in points
            for record in queries.imported_results_of_point(self.store, self.scan_id, point.point)
        )

    def _describe(self, old: OldTake, take: Take) -> ImportedResult:
        moment = datetime.strptime(old.stamp, "%Y%m%d_%H%M%S")  # noqa: DTZ007 - zone follows
        return ImportedResult(
            site=self.config.site.name,
            scan_id=self.scan_id,
            kind=self.scan.kind,
            serial_number=self.scan.serial_number,
            take=take,
            stamp=old.stamp,
            measured_at=moment.replace(tzinfo=ZoneInfo(self.config.site.zone)),
            gain=old.gain,
            source_folder=printable(old.folder),
            files=tuple(
                ImportedFile(name=file.name, size_bytes=file.size_bytes, sha256=file.sha256)
                for file in old.files
            ),
            charge_plot=old.charge_plot,
            gain_file=old.gain_file,
        )

    def _copy(self, old: OldTake, result: ImportedResult) -> Published:
        """Copy the files of a take; what an import left that was killed is used, once checked."""
        results = self.store.results_folder / f"imported_{self.scan_id}" / result.serial_number
        document = NewFile(IMPORTED_FILE, result.model_dump_json().encode())
        target = results / take_folder_name(result.take)
        if target.exists():
            verify_folder(target)
            if (target / IMPORTED_FILE).read_bytes() != document.content:
                raise PublishError(f"{target} is in the way: it holds something else")
            return Published(target, manifest_sha256((target / MANIFEST_FILE).read_bytes()))
        return publish_folder(
            results,
            scan_id=self.scan_id,
            serial_number=result.serial_number,
            take=result.take,
            files=[document, *(NewFile(file.name, file.read_again()) for file in old.files)],
        )

    def _store(
        self,
        takes: Sequence[OldTake],
        voltages: Sequence[OldVoltage],
        known: Iterable[ImportedRecord],
        copied: Sequence[tuple[OldTake, ImportedResult, Published]],
        numbers: TakeNumbers,
    ) -> None:
        results = [record.result for record in known] + [result for _, result, _ in copied]
        scan = self._sum_up(takes, voltages, results)
        with self.store.writing(self.now) as writer:
            writer.set_imported_scan(scan, self.operator)
            for _, result, published in copied:
                writer.add_imported(
                    result, published.folder, published.manifest_sha256, self.operator
                )
            for old in takes:
                take = numbers.take_of(old)
                if old.is_flagged and take is not None:
                    writer.flag_imported(self.scan_id, old.point, take, printable(old.folder))

    def _sum_up(
        self,
        takes: Sequence[OldTake],
        voltages: Sequence[OldVoltage],
        results: Sequence[ImportedResult],
    ) -> OldScanState:
        """Say what the scan is, of what was known and what was found now."""
        plan = ImportedPlan(
            scan_id=self.scan_id,
            site=self.config.site.name,
            kind=self.scan.kind,
            serial_number=self.scan.serial_number,
            container=self.scan.container,
            zone=self.config.site.zone,
            points=tuple(sorted({result.take.point for result in results}, key=place_in_order)),
            old_voltages=self._all_voltages(voltages),
        )
        dates = [result.measured_at for result in results]
        said = map(_say_voltage, plan.old_voltages)
        message = "; ".join(["imported from the old system", *said])
        state = self._state(takes, results)
        return OldScanState(plan, state, min(dates), max(dates), message)

    def _state(self, takes: Sequence[OldTake], results: Sequence[ImportedResult]) -> ScanState:
        """Say whether all of a scan lies in the archive, and in the archive alone.

        A part of it cannot tell that, nor can the archive where a copy of it lies outside.
        """
        if not all(take.is_archived for take in takes):
            return ScanState.COMPLETE
        before = queries.scan(self.store, self.scan_id)
        if before is None or before.state is ScanState.ARCHIVED:
            return ScanState.ARCHIVED
        seen = {(take.point, take.stamp) for take in takes}
        is_whole = all((result.take.point, result.stamp) in seen for result in results)
        return before.state if self._lies_outside(results) or not is_whole else ScanState.ARCHIVED

    def _lies_outside(self, results: Sequence[ImportedResult]) -> bool:
        """Tell whether files of a take lie where they were once seen outside the archive."""
        stamps = {(result.take.point, result.take.take): result.stamp for result in results}
        return any(
            self._is_outside(take.raw_folder, stamps[take.point, take.take])
            for take in decision_queries.takes_of_scan(self.store, self.scan_id)
        )

    def _is_outside(self, name: str, stamp: str) -> bool:
        """Tell whether files of a date lie in a folder that is not in the archive."""
        folder, archive = Path(name), self.config.site.archive_folder
        return archive not in folder.parts and any(folder.glob(f"*{stamp}*"))

    def _note_places(self, takes: Sequence[OldTake], numbers: TakeNumbers) -> None:
        """Note where takes lie outside the archive that were known from there alone."""
        stored = decision_queries.takes_of_scan(self.store, self.scan_id)
        known = {(take.point, take.take): take.raw_folder for take in stored}
        for old in takes:
            take = numbers.take_of(old)
            if take is None or old.is_archived:
                continue
            if not self._is_outside(known.get((old.point, take), ""), old.stamp):
                folder = known[old.point, take] = printable(old.folder)
                with self.store.writing(self.now) as writer:
                    writer.note_place(self.scan_id, old.point, take, folder, self.operator)

    def _all_voltages(self, found: Sequence[OldVoltage]) -> tuple[OldVoltage, ...]:
        """Join voltages found now with those of an earlier import of more of the tree."""
        scan = queries.scan(self.store, self.scan_id)
        known = scan.plan.old_voltages if scan and isinstance(scan.plan, ImportedPlan) else ()
        both = {*known, *found}
        return tuple(sorted(both, key=lambda each: (each.target_gain, each.file, each.voltage_v)))


def _say_voltage(voltage: OldVoltage) -> str:
    said = f"{voltage.voltage_v:g} V for gain {voltage.target_gain:g}"
    return f"it wrote {said}, which was not checked"
