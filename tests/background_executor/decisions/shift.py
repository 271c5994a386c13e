"""A site whose scans are measured at once, without a job: for tests of what people decide."""

import hashlib
from datetime import timedelta
from pathlib import Path

from background_executor import queries
from background_executor.commands import Command
from background_executor.decisions import decision_queries
from background_executor.decisions.decision_commands import (
    AcceptTakes,
    ArchiveScan,
    FlagTakes,
    SeenScan,
    SeenTake,
)
from background_executor.decisions.decision_records import MoveRecord
from background_executor.decisions.offers import takes_in_view
from background_executor.decisions.receipt import Receipt
from background_executor.decisions.rules import seen
from background_executor.records import CommandRecord, ScanRecord
from server_side.layout import MANIFEST_FILE, RESULT_FILE
from server_side.publish import NewFile, publish_folder, verify_folder
from server_side.result import PointResult
from server_side.scan import NewAcquisitions, Point, ScanKind, ScanPlan, Slot, Take
from tests.background_executor.bench import Bench
from tests.background_executor.fake_job import Behaviour
from tests.seed_results import Fate, make_result

GENERATION = "ab" * 32


class Shift:
    """What an operator has before her: scans, takes, and the executor that answers."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        # What a retake waits for is measured by the test and by nobody else.
        bench.behave(Behaviour(waits_after=0))
        self.base = Path(bench.config.site.base_folder)
        self._scans = 0

    def new_scan(
        self, serial_number: str = "KQ0146", slot: int = 1, kind: ScanKind = ScanKind.POSITION
    ) -> ScanRecord:
        """Begin a scan that no job works at."""
        self._scans += 1
        is_position = kind is ScanKind.POSITION
        config = self.bench.config
        points = config.position_points() if is_position else config.voltage_points(1800)
        plan = ScanPlan(
            scan_id=f"{self._scans:012x}",
            site="here",
            kind=kind,
            serial_number=serial_number,
            slot=Slot(slot),
            started_at=self.bench.now,
            points=points,
            raw=NewAcquisitions(began_after=self.bench.now - timedelta(minutes=1)),
        )
        with self.bench.store.writing(self.bench.now) as writer:
            writer.add_scan(plan, "tester")
        return self.bench.scan_by_id(plan.scan_id)

    def measure(
        self, scan: ScanRecord, point: Point, fate: Fate = Fate.HEALTHY, *, take: int = 0
    ) -> Take:
        """Publish a take of a point, its next unless told, and let it be stored."""
        published = self.publish(scan, point, fate, take=take)
        self.bench.step()
        return published

    def publish(
        self, scan: ScanRecord, point: Point, fate: Fate = Fate.HEALTHY, *, take: int = 0
    ) -> Take:
        """Publish a take of a point, and tell the store of it."""
        takes = decision_queries.takes_of_point(self.bench.store, scan.scan_id, point)
        number = take or (takes[0].take if takes else 0) + 1
        known = [each for each in takes if each.take == number]
        named = Take(point=point, take=number, revision=known[0].revisions + 1 if known else 1)
        layout = self.bench.layout(scan)
        plan = self.bench.site.plan(scan.scan_id)
        result = make_result(plan, named, self.bench.now, fate=fate, seed=number)
        published = publish_folder(
            Path(layout.results_folder),
            scan_id=scan.scan_id,
            serial_number=scan.serial_number,
            take=named,
            files=_files_of(result),
        )
        folder, digest = published.folder.name, published.manifest_sha256
        with self.bench.store.writing(self.bench.now) as writer:
            writer.add_data(scan.scan_id, point, number, f"/raw/{number}", GENERATION)
            writer.add_publication(scan.scan_id, named, folder, digest)
        return named

    def fail(self, scan: ScanRecord, point: Point) -> None:
        """Let the next take of a point fail for good."""
        takes = decision_queries.takes_of_point(self.bench.store, scan.scan_id, point)
        number = (takes[0].take if takes else 0) + 1
        with self.bench.store.writing(self.bench.now) as writer:
            writer.add_data(scan.scan_id, point, number, f"/raw/{number}", GENERATION)
            writer.add_failure(scan.scan_id, point, number, 3, "the file is torn", final=True)

    def complete_scan(self, *fates: Fate, **place: object) -> ScanRecord:
        """Make a scan whose points have these fates; healthy where none is given."""
        scan = self.new_scan(**place)  # type: ignore[arg-type]
        for number, point in enumerate(scan.plan.points):
            fate = fates[number] if number < len(fates) else Fate.HEALTHY
            if fate is Fate.FAILED:
                self.fail(scan, point)
            else:
                self.publish(scan, point, fate)
        self.bench.step()
        self.bench.step()
        return self.bench.scan(scan)

    def seen(self, scan: ScanRecord, *names: str) -> tuple[SeenTake, ...]:
        """Return the newest takes of points as a page shows them now."""
        points = queries.points(self.bench.store, scan.scan_id)
        takes = [seen(point) for point in points if not names or point.point.name in names]
        assert None not in takes
        return tuple(take for take in takes if take is not None)

    def seen_take(self, scan: ScanRecord, name: str, take: int) -> SeenTake:
        """Return one take of a point, of whichever number, as a page shows it now."""
        view = takes_in_view(self.bench.store, scan.scan_id)
        (point,) = (
            each
            for each in (*view.shown, *view.others)
            if (each.point.name, each.take) == (name, take)
        )
        found = seen(point)
        assert found is not None
        return found

    def seen_scan(self, scan: ScanRecord) -> SeenScan:
        """Return a scan as a page shows it now."""
        found = decision_queries.seen_scan(self.bench.store, scan.scan_id)
        assert found is not None
        return found

    def flag(self, scan: ScanRecord, *names: str, **changes: object) -> CommandRecord:
        """Flag the newest takes of points."""
        fields = {"takes": self.seen(scan, *names), "reason": "low gain", **changes}
        return self.bench.ask(FlagTakes.model_validate({"scan_id": scan.scan_id, **fields}))

    def accept(self, scan: ScanRecord, *names: str, reason: str = "known") -> CommandRecord:
        """Accept the newest takes of points."""
        takes = self.seen(scan, *names)
        return self.bench.ask(AcceptTakes(scan_id=scan.scan_id, takes=takes, reason=reason))

    def archive(self, scan: ScanRecord, **changes: object) -> CommandRecord:
        """Archive a scan."""
        fields = {"scan_id": scan.scan_id, "seen": self.seen_scan(scan), **changes}
        return self.bench.ask(ArchiveScan.model_validate(fields))

    def done(self, command: Command) -> str:
        """Ask for something that must be done, and return the answer."""
        record = self.bench.ask(command)
        assert record.state == "done", record.answer
        return record.answer

    def refused(self, command: Command) -> str:
        """Ask for something that must be refused, and return the answer."""
        record = self.bench.ask(command)
        assert record.state == "refused", record.answer
        return record.answer

    def last_move(self) -> MoveRecord:
        """Return the newest act on the server."""
        return decision_queries.moves(self.bench.store, "here", limit=1)[0]

    def receipt(self) -> Receipt:
        """Read the receipt of the newest act."""
        return Receipt.model_validate_json(Path(self.last_move().receipt).read_bytes())

    def take_folders(self) -> dict[str, list[str]]:
        """Return where each take folder on the server lies, by its scan, name and content."""
        return take_folders(self.base)

    def flagged_folder(self, scan: ScanRecord) -> Path:
        """Return where flagged takes of a scan lie."""
        return Path(self.bench.layout(scan).flagged_folder("FLAG"))

    def results_folder(self, scan: ScanRecord) -> Path:
        """Return where takes of a scan lie."""
        return Path(self.bench.layout(scan).results_folder)

    def decision(self, scan: ScanRecord, name: str) -> str:
        """Return the decision in force about the newest take of a point."""
        record = self.bench.points(scan)[name].decision
        return record.decision.value if record else ""

    def acts(self, scan: ScanRecord) -> list[str]:
        """Return what the audit says of a scan and its points, oldest first."""
        events = queries.events(self.bench.store, "here", limit=None)
        return [event.act for event in reversed(events) if scan.scan_id in event.subject]


def take_folders(base: Path) -> dict[str, list[str]]:
    """Return where each whole take folder below a base lies, by what it holds."""
    found: dict[str, list[str]] = {}
    for manifest in sorted(base.rglob(MANIFEST_FILE)):
        verify_folder(manifest.parent)
        digest = hashlib.sha256(manifest.read_bytes()).hexdigest()[:12]
        where = str(manifest.parent.parent.relative_to(base))
        found.setdefault(f"{manifest.parent.name} {digest}", []).append(where)
    return found


def _files_of(result: PointResult) -> list[NewFile]:
    """Return the files that are published with a result; what a plot looks like is elsewhere."""
    named = [name for name in (result.charge_plot, result.gain_file) if name is not None]
    others = [NewFile(name, f"{name} of {result.take.name}\n".encode()) for name in named]
    return [NewFile(RESULT_FILE, result.model_dump_json().encode()), *others]
