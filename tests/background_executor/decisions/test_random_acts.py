"""Random acts, line faults and deaths against a model of the truth.

No file is lost, none is doubled, the folders on disk agree with the store, and the
events explain it. How many acts, refused ones and new data among them:
``PMT_MONITOR_RANDOM_ACTS``, 200 without it; which ones: ``PMT_MONITOR_RANDOM_SEED``.
"""

import os
import tempfile
from collections import Counter
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from background_executor import queries
from background_executor.acts import do_next_command
from background_executor.commands import Command, PreviousScan, StartScan, StopScan
from background_executor.decisions import decision_queries
from background_executor.decisions.decision_commands import (
    AcceptTakes,
    AcknowledgeTakes,
    ArchiveScan,
    FlagTakes,
    KeepAside,
    NoLongerAside,
    RestoreScan,
    RetakeTakes,
    SeenTake,
    UnflagTakes,
    WithdrawDecisions,
)
from background_executor.decisions.late_results import intend_late_flags, late_parts
from background_executor.decisions.outcomes import conclude
from background_executor.decisions.pending_moves import PendingMoves
from background_executor.errors import UnreachableError
from background_executor.fetch import Fetches
from background_executor.records import CommandState, ScanState
from server_side.scan import Slot
from tests.background_executor.bench import Bench, make_site_folder
from tests.background_executor.decisions import agreement, truth
from tests.background_executor.decisions.faulty import Death, FaultyTransport
from tests.background_executor.decisions.shift import Shift, take_folders
from tests.background_executor.decisions.truth import TruePoint, TrueScan, TrueTake
from tests.seed_results import Fate

FEW_ACTS = 200
ACTS = int(os.environ.get("PMT_MONITOR_RANDOM_ACTS", FEW_ACTS))
ACTS_OF_ONE_SITE = 50
SITES_AT_ONCE = 5
FIRST_SEED = int(os.environ.get("PMT_MONITOR_RANDOM_SEED", "1"))
SERIES = (("KQ0146", 1), ("KQ0151", 2))

KINDS = (
    *("measure", "flag", "retake", "archive", "flag", "measure", "retake", "archive"),
    *("fail", "analyse again", "unflag", "accept", "acknowledge", "withdraw", "restore"),
    *("fail", "analyse again", "unflag", "accept", "acknowledge", "start", "both at once"),
    *("keep aside", "no longer aside", "stop"),
)
"""What may be done next; what stands here more often is done more often."""
PLACES = st.integers(min_value=0, max_value=7)
CHOSEN = st.sets(st.integers(min_value=0, max_value=2), min_size=1)
FAULTS = st.sampled_from(["", "", "", "break write", "break rename", "die write", "die rename"])
REASONS = st.sampled_from(["", "because"])

TakesWish = Callable[[str, tuple[SeenTake, ...]], Command]
MayDecide = Callable[[TruePoint, TrueTake], bool]
DECISIONS: dict[str, tuple[TakesWish, MayDecide, Callable[[TrueTake], None]]] = {
    "flag": (
        lambda scan, takes: FlagTakes(scan_id=scan, takes=takes, reason="noise"),
        truth.may_flag,
        TrueTake.flag,
    ),
    "unflag": (
        lambda scan, takes: UnflagTakes(scan_id=scan, takes=takes),
        truth.may_unflag,
        TrueTake.unflag,
    ),
    "accept": (
        lambda scan, takes: AcceptTakes(scan_id=scan, takes=takes, reason="known"),
        truth.may_accept,
        TrueTake.accept,
    ),
    "acknowledge": (
        lambda scan, takes: AcknowledgeTakes(scan_id=scan, takes=takes, reason="laser"),
        truth.may_acknowledge,
        TrueTake.acknowledge,
    ),
}


class RandomActs(RuleBasedStateMachine):
    """Two operators' worth of acts on one site."""

    done: Counter[str]

    @initialize()
    def open_site(self) -> None:
        """Begin with two scans."""
        self.folder = tempfile.TemporaryDirectory()
        self.line = FaultyTransport()
        self.bench = Bench(make_site_folder(Path(self.folder.name)), transport=self.line)
        self.shift = Shift(self.bench)
        self.scans: list[TrueScan] = []
        for number, (serial_number, slot) in enumerate(SERIES):
            scan = self.shift.new_scan(serial_number=serial_number, slot=slot)
            names = [point.name for point in scan.plan.points]
            self.scans.append(TrueScan(scan.scan_id, number, [TruePoint(name) for name in names]))
            self.measure(number, {0, 1, 2}, poor=bool(number))

    def teardown(self) -> None:
        """Look once more at everything, down to each file."""
        if hasattr(self, "bench"):
            found = take_folders(self.shift.base)
            assert all(len(places) == 1 for places in found.values())
            agreement.assert_events_explain(self.bench.store, self.scans)
            self.bench.close()
            self.folder.cleanup()

    @rule(
        kind=st.sampled_from(KINDS),
        place=PLACES,
        chosen=CHOSEN,
        fault=FAULTS,
        reason=REASONS,
        override=st.booleans(),
        previous=st.sampled_from(PreviousScan),
    )
    def act(
        self,
        *,
        kind: str,
        place: int,
        chosen: set[int],
        fault: str,
        reason: str,
        override: bool,
        previous: PreviousScan,
    ) -> None:
        """Let something happen."""
        match kind:
            case "measure":
                self.measure(place, chosen, poor=override)
            case "fail":
                self.fail(place, chosen)
            case "analyse again":
                self.analyse_again(place, chosen)
            case "withdraw":
                self.withdraw(place, chosen, fault)
            case "retake":
                self.retake(place, chosen, fault)
            case "both at once":
                self.act_on_what_changed(place, chosen)
            case "archive" | "restore" | "keep aside" | "no longer aside" | "stop":
                self.decide_scan(kind, place, reason, override, fault)
            case "start":
                self.start(place % len(SERIES), previous, reason, fault)
            case _:
                self.decide(place, chosen, kind, fault)

    def decide_scan(self, kind: str, place: int, reason: str, override: bool, fault: str) -> None:
        """Somebody decides about a whole scan."""
        if kind == "archive":
            self.archive(place, reason, override, fault)
        elif kind == "restore":
            self.restore(place, fault)
        elif kind == "stop":
            self.stop(place)
        elif kind == "keep aside":
            self.keep_aside(place)
        else:
            self.end_aside(place, fault)

    def measure(self, place: int, chosen: set[int], *, poor: bool) -> None:
        """New acquisitions of points arrive."""
        scan = self._scan(place)
        if scan.may_be_decided:
            for point in self._points(scan, chosen):
                take = TrueTake(len(point.takes) + 1, is_healthy=not poor)
                fate = Fate.POOR if poor else Fate.HEALTHY
                self.shift.publish(self._record(scan), self._point(scan, point), fate)
                point.takes.append(take)
                point.awaits = False
            self._settle(scan, "measure")

    def fail(self, place: int, chosen: set[int]) -> None:
        """New acquisitions arrive and cannot be analysed."""
        scan = self._scan(place)
        if scan.may_be_decided:
            for point in self._points(scan, chosen):
                self.shift.fail(self._record(scan), self._point(scan, point))
                point.takes.append(TrueTake(len(point.takes) + 1, is_healthy=False, revisions=0))
                point.awaits = False
            self._settle(scan, "fail")

    def analyse_again(self, place: int, chosen: set[int]) -> None:
        """Takes are analysed again: their next revision comes, also of flagged ones."""
        scan = self._scan(place)
        for point in self._points(scan, chosen) if scan.may_be_decided else ():
            take = point.newest
            if take is not None and take.revisions > 0:
                fate = Fate.HEALTHY if take.is_healthy else Fate.POOR
                record, named = self._record(scan), self._point(scan, point)
                self.shift.publish(record, named, fate, take=take.number)
                take.revisions += 1
        self._settle(scan, "analyse again")

    @rule(
        place=PLACES,
        chosen=CHOSEN,
        kind=st.sampled_from(sorted(DECISIONS)),
        fault=FAULTS,
        age=st.integers(min_value=0, max_value=2),
    )
    def decide(self, place: int, chosen: set[int], kind: str, fault: str, *, age: int = 0) -> None:
        """Somebody decides about takes: the newest of each point, or one so many before."""
        make, may, change = DECISIONS[kind]

        def is_open(point: TruePoint) -> bool:
            return bool(point.takes) and may(point, point.before_newest(age))

        scan, points = self._scan_and_points(place, chosen, is_open)
        if any(point.newest is None for point in points):
            return
        takes = [(point, point.before_newest(age)) for point in points]
        allowed = scan.may_be_decided and all(may(point, take) for point, take in takes)
        record = self._record(scan)
        seen = (self.shift.seen_take(record, point.name, take.number) for point, take in takes)
        self._ask(make(scan.scan_id, tuple(seen)), kind, allowed=allowed, fault=fault)
        for _, take in takes if allowed else ():
            change(take)

    def withdraw(self, place: int, chosen: set[int], fault: str) -> None:
        """Somebody takes decisions back."""
        scan, points = self._scan_and_points(place, chosen, truth.may_withdraw)
        if any(point.newest is None for point in points):
            return
        allowed = scan.may_be_decided and all(map(truth.may_withdraw, points))
        wish = WithdrawDecisions(scan_id=scan.scan_id, takes=self._seen(scan, points))
        self._ask(wish, "withdraw", allowed=allowed, fault=fault)
        for point in points if allowed else ():
            if point.awaits:
                point.awaits = False
                scan.close_again()
            else:
                point.takes[-1].decision = ""
        self._settle(scan)

    def retake(self, place: int, chosen: set[int], fault: str) -> None:
        """Somebody wants points measured again."""
        scan, points = self._scan_and_points(place, chosen, truth.may_retake)
        if any(point.newest is None for point in points):
            return
        is_free = scan.state == "running" or not self._is_running(scan.series)
        allowed = scan.may_be_decided and is_free and all(map(truth.may_retake, points))
        wish = RetakeTakes(scan_id=scan.scan_id, takes=self._seen(scan, points))
        self._ask(wish, "retake", allowed=allowed, fault=fault)
        if allowed:
            scan.open_again()
            for point in points:
                point.awaits = True

    def act_on_what_changed(self, place: int, chosen: set[int]) -> None:
        """Two decide about the same takes at once: the second is told."""
        scan = self._scan(place)
        points = self._points(scan, chosen)
        newest = [(point, point.newest) for point in points]
        if not scan.may_be_decided or not all(
            take is not None and truth.may_flag(point, take) for point, take in newest
        ):
            return
        takes = self._seen(scan, points)
        flag = FlagTakes(scan_id=scan.scan_id, takes=takes, reason="noise")
        accept = AcceptTakes(scan_id=scan.scan_id, takes=takes, reason="known")
        self._ask(flag, "flag", allowed=True)
        self._ask(accept, "too late", allowed=False)
        for point in points:
            point.takes[-1].flag()

    def archive(self, place: int, reason: str, override: bool, fault: str) -> None:
        """Somebody archives a scan."""
        scan = self._scan(place)
        seen = self.shift.seen_scan(self._record(scan))
        wish = ArchiveScan(scan_id=scan.scan_id, seen=seen, reason=reason, override=override)
        allowed = scan.may_archive(override=override, reason=reason)
        self._ask(wish, "archive", allowed=allowed, fault=fault)
        if allowed:
            scan.archive()

    def restore(self, place: int, fault: str) -> None:
        """Somebody brings a scan back."""
        scan = self._scan(place, archived=True)
        allowed = scan.state == "archived"
        seen = self.shift.seen_scan(self._record(scan))
        self._ask(
            RestoreScan(scan_id=scan.scan_id, seen=seen), "restore", allowed=allowed, fault=fault
        )
        if allowed:
            scan.restore()

    def keep_aside(self, place: int) -> None:
        """Somebody leaves a scan for the experts."""
        scan = self._scan(place)
        seen = self.shift.seen_scan(self._record(scan))
        wish = KeepAside(scan_id=scan.scan_id, seen=seen, reason="experts")
        self._ask(wish, "keep aside", allowed=scan.is_in_the_way)
        scan.is_aside = scan.is_aside or scan.is_in_the_way

    def end_aside(self, place: int, fault: str) -> None:
        """Somebody puts a scan into the way of the next one again."""
        among = _mostly(place, [scan for scan in self.scans if scan.is_aside], self.scans)
        scan = among[place % len(among)]
        seen = self.shift.seen_scan(self._record(scan))
        wish = NoLongerAside(scan_id=scan.scan_id, seen=seen)
        self._ask(wish, "no longer aside", allowed=scan.is_aside, fault=fault)
        scan.is_aside = False

    def stop(self, place: int) -> None:
        """Somebody stops a scan."""
        scan = self._scan(place)
        allowed = scan.state in ("running", "stopped")
        self._ask(StopScan(scan_id=scan.scan_id), "stop", allowed=allowed)
        if allowed:
            scan.state = "stopped"

    def start(self, series: int, previous: PreviousScan, reason: str, fault: str) -> None:
        """Somebody starts the next scan of a PMT."""
        if len(self.scans) >= 8:
            return
        serial_number, slot = SERIES[series]
        in_the_way = [s for s in self.scans if s.series == series and s.is_in_the_way]
        last = in_the_way[-1] if in_the_way else None
        override = previous is PreviousScan.ARCHIVE
        is_aside = previous is PreviousScan.KEEP_ASIDE
        makes_way = last is None or (
            bool(reason) if is_aside else last.may_archive(override=override, reason=reason)
        )
        allowed = makes_way and not self._is_running(series)
        wish = StartScan(
            serial_number=serial_number,
            slot=Slot(slot),
            previous=previous,
            previous_reason=reason,
        )
        self._ask(wish, "start", allowed=allowed, fault=fault)
        if allowed:
            if last is not None and is_aside:
                last.is_aside = True
            elif last is not None:
                last.archive()
            self._note_new_scan(series)

    @invariant()
    def folders_and_store_say_the_truth(self) -> None:
        """Every folder lies exactly where the model says, and the store says the same."""
        if not hasattr(self, "bench"):
            return
        assert agreement.folders_on_disk(self.shift.base) == agreement.true_folders(
            self.bench, self.scans
        )
        for scan in self.scans:
            record = self._record(scan)
            assert (record.state.value, record.is_kept_aside) == (scan.state, scan.is_aside)
            agreement.assert_points_agree(self.bench.store, scan)
        assert decision_queries.moves_in_progress(self.bench.store, "here") == ()

    def _scan(self, place: int, *, archived: bool = False) -> TrueScan:
        """Return a scan; at most places one where the act in hand can do something."""
        fitting = [scan for scan in self.scans if (scan.state == "archived") == archived]
        among = _mostly(place, fitting, self.scans)
        return among[place % len(among)]

    def _scan_and_points(
        self, place: int, chosen: set[int], is_open: Callable[[TruePoint], bool]
    ) -> tuple[TrueScan, list[TruePoint]]:
        """Return a scan and points; at most places such as an act can do something with."""
        fitting = [s for s in self.scans if s.may_be_decided and any(map(is_open, s.points))]
        among = _mostly(place, fitting, self.scans)
        scan = among[place % len(among)]
        points = _mostly(place, list(filter(is_open, scan.points)), scan.points)
        return scan, [points[number] for number in sorted({n % len(points) for n in chosen})]

    def _points(self, scan: TrueScan, chosen: set[int]) -> list[TruePoint]:
        return [scan.points[number] for number in sorted(chosen)]

    def _record(self, scan: TrueScan):
        return self.bench.scan_by_id(scan.scan_id)

    def _point(self, scan: TrueScan, point: TruePoint):
        return next(p for p in self._record(scan).plan.points if p.name == point.name)

    def _seen(self, scan: TrueScan, points: list[TruePoint]) -> tuple[SeenTake, ...]:
        return self.shift.seen(self._record(scan), *(point.name for point in points))

    def _is_running(self, series: int) -> bool:
        return any(scan.series == series and scan.state == "running" for scan in self.scans)

    def _note_new_scan(self, series: int) -> None:
        (new,) = [
            scan
            for scan in queries.running_scans(self.bench.store, "here")
            if scan.scan_id not in {known.scan_id for known in self.scans}
        ]
        points = [TruePoint(point.name) for point in new.plan.points]
        self.scans.append(TrueScan(new.scan_id, series, points))

    def _ask(self, wish: Command, name: str, *, allowed: bool, fault: str = "") -> None:
        """Ask for something, with a fault on the way, and check that the answer is right."""
        how, _, call = fault.partition(" ")
        self.line.breaks_at = call if how == "break" else ""
        self.line.dies_at = call if how == "die" else ""
        key = f"{self.done.total()}"
        number = self.bench.store.enqueue("here", wish, "tester", key, self.bench.now)
        self._turn()
        self.line.heal()
        self._turn()
        answer = queries.command(self.bench.store, number)
        assert answer is not None
        wanted = CommandState.DONE if allowed else CommandState.REFUSED
        assert answer.state is wanted, answer.answer
        self.done[f"{name} {answer.state.value}{' after a fault' if fault else ''}"] += 1

    def _turn(self) -> None:
        """Do what the executor does in a turn, as far as no job is asked for."""
        self.bench.step_clock()
        site, now = self.bench.site, self.bench.now
        try:
            while do_next_command(site, now, now) is not None:
                pass
            Fetches(site).fetch_waiting(now)
            intend_late_flags(site, now)
            PendingMoves(site, conclude).carry_on(now)
        except (UnreachableError, Death):
            pass

    def _settle(self, scan: TrueScan, name: str = "") -> None:
        """Let results be stored and follow flagged takes, and a measured scan be complete."""
        self._turn()
        while late_parts(self.bench.store, "here"):
            self._turn()
        scan.complete_if_measured()
        state = self._record(scan).state
        if state is ScanState.RUNNING and scan.state == "complete":
            with self.bench.store.writing(self.bench.now) as writer:
                writer.set_scan_state(scan.scan_id, ScanState.COMPLETE, "executor")
        if name:
            self.done[name] += 1


Choice = TypeVar("Choice")


def _mostly(place: int, fitting: list[Choice], all_of_them: list[Choice]) -> list[Choice]:
    """Return what an act can do something with, if there is any; at every fourth place all."""
    return fitting if fitting and place % 4 else all_of_them


def _tally(done: Counter[str], word: str) -> int:
    return sum(number for what, number in done.items() if word in what.split())


@pytest.mark.timeout(0 if ACTS > FEW_ACTS else 600)
def test_after_any_acts_files_store_and_events_agree() -> None:
    done: Counter[str] = Counter()
    machine = type("Acts", (RandomActs,), {"done": done})
    limits = settings(
        max_examples=SITES_AT_ONCE,
        stateful_step_count=ACTS_OF_ONE_SITE,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    for number in count(FIRST_SEED):
        if done.total() >= ACTS:
            break
        run_state_machine_as_test(seed(number)(machine), settings=limits)
    acts, refused, faults = (_tally(done, word) for word in ("done", "refused", "fault"))
    data = done.total() - acts - refused
    print(f"{done.total()} acts: {acts} done, {refused} refused, {data} of the bench")
    print(f"{faults} of those done or refused met a fault on their way")
    print("\n".join(f"{number:6d}  {what}" for what, number in sorted(done.items())))
    assert done["flag done after a fault"] > 0
