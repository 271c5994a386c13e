"""Bring a result tree of the old system into the store, as often as one likes.

The tree is only read. Its files are copied beside the other results, each take
in a folder with a manifest; what is in the store already is left as it is. The
same date with other files is the next revision of its take.
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
from background_executor.errors import CommandError
from background_executor.imported import (
    IMPORTED_FILE,
    ImportedFile,
    ImportedPlan,
    ImportedRecord,
    ImportedResult,
    OldVoltage,
)
from background_executor.old_data.files import printable
from background_executor.old_data.numbering import TakeNumbers
from background_executor.old_data.tree import OldRemark, OldScan, OldTake, OldTree, Unread
from background_executor.records import ScanState
from background_executor.store import Store
from background_executor.terminal import visible
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


@dataclass(frozen=True)
class ImportReport:
    """What an import did."""

    folder: Path
    scans: int
    """In the tree."""
    new_takes: int
    known_takes: int
    """In the store already, with the same files."""
    unread: tuple[Unread, ...]

    def lines(self, limit: int | None = None) -> list[str]:
        """Say it, in lines that steer no terminal; of what was not read, up to a limit."""
        first = (
            f"{self.scans} scans in {_shown(self.folder)}: {self.new_takes} takes imported, "
            f"{self.known_takes} known already, {len(self.unread)} files or folders not read"
        )
        shown = [_shown(f"not read: {each.path}: {each.reason}") for each in self.unread[:limit]]
        more = len(self.unread) - len(shown)
        return [first, *shown, *([f"and {more} more"] if more else [])]


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
        for scan in dict.fromkeys([*takes, *remarks])
    ]
    new, known = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
    report = ImportReport(root, len(takes), new, known, tuple(tree.unread))
    with store.writing(now) as writer:
        summary, *details = report.lines(SHOWN_UNREAD)
        subject, reason = f"tree {printable(root)}", "; ".join(details)
        writer.add_event(
            config.site.name, operator, subject, "tree imported", after=summary, reason=reason
        )
    return report


def _shown(words: str | Path) -> str:
    return visible(printable(words))


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
    ) -> tuple[int, int]:
        """Import what is new; returns how many takes were new and how many known."""
        known = self._known_results()
        numbers = TakeNumbers(known)
        copied: list[tuple[OldTake, ImportedResult, Published]] = []
        count_known = 0
        for old in sorted(takes, key=lambda t: (place_in_order(t.point), t.stamp, str(t.folder))):
            number = numbers.number(old)
            if number is None:
                count_known += 1
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
        else:
            why = "tells of a scan of which no take was read"
            unread.extend(Unread(remark.path, why) for remark in remarks)
        return len(copied), count_known

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
        """Say whether all of a scan lies in the archive, which a part of it cannot tell."""
        if not all(take.is_archived for take in takes):
            return ScanState.COMPLETE
        before = queries.scan(self.store, self.scan_id)
        if before is None or before.state is ScanState.ARCHIVED:
            return ScanState.ARCHIVED
        seen = {(take.point, take.stamp) for take in takes}
        is_whole = all((result.take.point, result.stamp) in seen for result in results)
        return ScanState.ARCHIVED if is_whole else before.state

    def _all_voltages(self, found: Sequence[OldVoltage]) -> tuple[OldVoltage, ...]:
        """Join voltages found now with those of an earlier import of more of the tree."""
        scan = queries.scan(self.store, self.scan_id)
        known = scan.plan.old_voltages if scan and isinstance(scan.plan, ImportedPlan) else ()
        both = {*known, *found}
        return tuple(sorted(both, key=lambda each: (each.target_gain, each.file, each.voltage_v)))


def _say_voltage(voltage: OldVoltage) -> str:
    said = f"{voltage.voltage_v:g} V for gain {voltage.target_gain:g}"
    return f"it wrote {said}, which was not checked"
