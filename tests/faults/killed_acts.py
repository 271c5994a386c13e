"""Acts over a real sshd and SLURM that are killed -9 at every step, and what must hold then."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from background_executor import queries
from background_executor.commands import Command
from background_executor.crash_points import CrashPoint, MoveCrashPoint
from background_executor.decisions import decision_queries
from background_executor.records import CommandRecord, ScanRecord
from tests.background_executor.decisions import agreement
from tests.background_executor.decisions.shift import Shift, take_folders
from tests.background_executor.decisions.truth import TruePoint, TrueScan, TrueTake
from tests.faults.cluster_bench import ClusterBench
from tests.lives import Lives


class KilledActs:
    """A site, what is true of its scans, and an executor that dies again and again."""

    def __init__(self, bench: ClusterBench) -> None:
        self.bench = bench
        self.shift = Shift(bench)
        self.lives = Lives(bench.settings)
        self.truths: list[TrueScan] = []

    def note(self, scan: ScanRecord, *, failed: Sequence[str] = ()) -> TrueScan:
        """Begin to know what is true of a scan that has just become complete."""
        names = [point.name for point in scan.plan.points]
        takes = [TrueTake(1, is_healthy=False, revisions=int(n not in failed)) for n in names]
        points = [TruePoint(name, [take]) for name, take in zip(names, takes, strict=True)]
        self.truths.append(TrueScan(scan.scan_id, len(self.truths), points, "complete"))
        return self.truths[-1]

    def enqueue(self, wish: Command, operator: str = "anna") -> int:
        """Ask for something that the next life of the executor finds."""
        newest = queries.commands(self.bench.store, "here", limit=1)
        key = f"{operator} {newest[0].command_id if newest else 0}"
        return self.bench.store.enqueue("here", wish, operator, key, self.bench.now)

    def answer(self, number: int) -> CommandRecord:
        """Let a life that does not die go on until a command is answered."""
        self.bench.until(lambda: self._answered(number) is not None)
        record = self._answered(number)
        assert record is not None
        return record

    def _answered(self, number: int) -> CommandRecord | None:
        record = queries.command(self.bench.store, number)
        return record if record is not None and record.answered_at is not None else None

    def done(self, wish: Command, moments: Iterable[CrashPoint | MoveCrashPoint]) -> None:
        """Ask for an act whose executors die one step later each time, until it is done."""
        record = self.killed(self.enqueue(wish), moments)
        assert record.state == "done", record.answer

    def killed(self, number: int, moments: Iterable[CrashPoint | MoveCrashPoint]) -> CommandRecord:
        """Kill the executors of an act at moments, each looked at, and return the answer."""
        before = self.files()
        for moment in moments:
            self.lives.end_at(moment)
            assert self.files() == before, moment
        # Those that died lived by the clock of the machine.
        self.bench.now = max(self.bench.now, datetime.now(UTC))
        self.bench.restart()
        record = self.answer(number)
        assert self.files() == before
        return record

    def files(self) -> list[tuple[str, int]]:
        """Return how often each whole take folder is on the server, and its copy here."""
        folders = (self.shift.base, self.bench.store.results_folder)
        return sorted(
            (name, len(places))
            for folder in folders
            for name, places in take_folders(folder).items()
        )

    def assert_consistent(self) -> None:
        """Check that folders, store, receipts and audit all say what is true."""
        store = self.bench.store
        found = agreement.folders_on_disk(self.shift.base)
        assert found == agreement.true_folders(self.bench, self.truths)
        assert all(count == 1 for _, count in self.files())
        for truth in self.truths:
            record = self.bench.scan_by_id(truth.scan_id)
            assert (record.state.value, record.is_kept_aside) == (truth.state, truth.is_aside)
            agreement.assert_points_agree(store, truth)
        agreement.assert_events_explain(store, self.truths)
        agreement.assert_receipts_agree(self.bench)
        self._assert_last_receipt_is_of_what_is_there()
        assert decision_queries.moves_in_progress(store, "here") == ()

    def _assert_last_receipt_is_of_what_is_there(self) -> None:
        receipt = self.shift.receipt()
        for part in receipt.parts:
            for file in part.files:
                content = Path(receipt.target, part.folder, file.path).read_bytes()
                assert hashlib.sha256(content).hexdigest() == file.sha256, file.path
