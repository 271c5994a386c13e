"""Archive, restore, keep aside, and what a start does with the scan before it; local clean-up."""

from datetime import timedelta
from pathlib import Path

import pytest

from background_executor import queries
from background_executor.commands import PreviousScan, StartHvCheck, StartScan, StopScan
from background_executor.decisions import decision_queries
from background_executor.decisions.decision_commands import (
    ArchiveScan,
    CleanUp,
    KeepAside,
    PlanCleanUp,
    RestoreScan,
    RetakeTakes,
    SeenPrevious,
    UnflagTakes,
)
from background_executor.decisions.offers import archive_offer, where_archived
from background_executor.judging.verdict import Judgement
from background_executor.records import JobState, ScanState, Verdict, VerdictRecord
from server_side.scan import ScanKind, Slot
from tests.background_executor.decisions.shift import Shift
from tests.seed_results import Fate

CENTRE = "theta0_phi0"


def start(shift: Shift, **changes: object) -> StartScan:
    return StartScan.model_validate({"serial_number": "KQ0146", "slot": Slot.ONE, **changes})


def test_a_settled_scan_goes_to_the_archive_whole_and_with_a_receipt(shift: Shift) -> None:
    scan = shift.complete_scan(Fate.POOR)
    shift.flag(scan, CENTRE)
    before = shift.take_folders()
    shown = where_archived(shift.bench.config, shift.bench.site.plan(scan.scan_id))
    answer = shift.archive(scan)
    assert answer.state == "done", answer.answer
    assert shift.bench.scan(scan).state is ScanState.ARCHIVED
    assert Path(shown.target).is_dir()
    assert not Path(shown.source).exists()
    assert shift.take_folders().keys() == before.keys()
    (part,) = shift.receipt().parts
    files = [path for path in Path(shown.target).rglob("*") if path.is_file()]
    assert len(part.files) == len(files)
    (moved,) = shift.last_move().parts
    assert (moved.files, moved.size_bytes) == (len(part.files), part.size_bytes)
    assert part.size_bytes == sum(path.stat().st_size for path in files)
    # What was flagged stays where flagged takes lie.
    assert (shift.flagged_folder(scan) / f"data_{CENTRE}").is_dir()


def test_an_unsettled_scan_is_not_archived_and_its_points_are_listed(shift: Shift) -> None:
    scan = shift.complete_scan(Fate.POOR, Fate.FAILED)
    offer = archive_offer(shift.bench.store, scan.scan_id)
    assert offer is not None
    assert [each.point.point.name for each in offer.unsettled] == [CENTRE, "theta10_phi0"]
    answer = shift.archive(scan)
    assert answer.state == "refused"
    assert "2 points of scan" in answer.answer
    assert "theta10_phi0: it failed: the file is torn" in answer.answer
    assert "say the reason" in shift.archive(scan, override=True).answer
    assert shift.archive(scan, override=True, reason="shift ends").state == "done"
    assert shift.receipt().reason == "shift ends"


def test_a_stopped_scan_is_archived_with_a_reason(shift: Shift) -> None:
    scan = shift.new_scan()
    shift.measure(scan, scan.plan.points[0])
    with shift.bench.store.writing(shift.bench.now) as writer:
        writer.set_scan_state(scan.scan_id, ScanState.STOPPED, "tester", "laser off")
    assert "was stopped: say the reason" in shift.archive(scan).answer
    assert shift.archive(scan, reason="the laser is being repaired").state == "done"


def test_a_scan_whose_job_lives_is_not_archived(shift: Shift) -> None:
    scan = shift.complete_scan()
    with shift.bench.store.writing(shift.bench.now) as writer:
        writer.add_job("job", scan.scan_id, "job", "process")
        writer.advance_job("job", JobState.SUBMITTING)
        writer.advance_job("job", JobState.RUNNING, scheduler_id="4711-1")
    offer = archive_offer(shift.bench.store, scan.scan_id)
    assert offer is not None
    assert any("may still write to its folder" in obstacle for obstacle in offer.obstacles)


def test_a_running_scan_is_not_archived_even_with_a_reason(shift: Shift) -> None:
    scan = shift.new_scan()
    answer = shift.archive(scan, override=True, reason="now")
    assert "it runs: stop it" in answer.answer


def test_who_archives_what_has_just_changed_is_told(shift: Shift) -> None:
    scan = shift.complete_scan()
    seen = shift.seen_scan(scan)
    shift.flag(scan, CENTRE)
    answer = shift.archive(scan, seen=seen)
    assert "somebody has decided about one of its takes" in answer.answer


def test_a_restored_scan_is_as_it_was(shift: Shift) -> None:
    scan = shift.complete_scan(Fate.POOR)
    shift.flag(scan, CENTRE)
    before = shift.take_folders()
    shift.archive(scan)
    takes = shift.seen(scan, CENTRE)
    words = shift.refused(UnflagTakes(scan_id=scan.scan_id, takes=takes))
    assert "is in the archive: restore it first" in words
    shift.done(RestoreScan(scan_id=scan.scan_id, seen=shift.seen_scan(scan), reason="look again"))
    assert shift.bench.scan(scan).state is ScanState.COMPLETE
    assert shift.take_folders() == before
    shift.done(UnflagTakes(scan_id=scan.scan_id, takes=takes))
    assert (shift.results_folder(scan) / f"data_{CENTRE}").is_dir()


def test_starting_the_next_scan_archives_the_settled_one_before(shift: Shift) -> None:
    before = shift.complete_scan()
    answer = shift.done(start(shift))
    assert "is archived in" in answer
    assert "begins with 3 points" in answer
    assert shift.bench.scan(before).state is ScanState.ARCHIVED
    (running,) = queries.running_scans(shift.bench.store, "here")
    assert running.scan_id != before.scan_id


def test_an_unsettled_scan_before_is_a_choice_and_nothing_moves(shift: Shift) -> None:
    before = shift.complete_scan(Fate.POOR)
    folders = shift.take_folders()
    words = shift.refused(start(shift))
    assert "the previous scan" in words
    assert "archive it with a reason, or keep it aside" in words
    assert shift.take_folders() == folders
    assert queries.running_scans(shift.bench.store, "here") == ()
    choice = {"previous": PreviousScan.ARCHIVE, "previous_reason": "night shift ends"}
    assert "begins with 3 points" in shift.done(start(shift, **choice))
    assert shift.bench.scan(before).state is ScanState.ARCHIVED


@pytest.mark.parametrize("choice", [PreviousScan.ARCHIVE, PreviousScan.KEEP_ASIDE])
def test_a_previous_scan_makes_way_also_when_the_next_one_cannot_begin_after_all(
    shift: Shift, choice: PreviousScan
) -> None:
    before = shift.complete_scan()
    bench = shift.bench
    wishes = (
        start(shift, previous=choice, previous_reason="next"),
        start(shift, serial_number="KQ0151"),
    )
    first, second = (
        bench.store.enqueue("here", wish, "tester", f"key {number}", bench.now)
        for number, wish in enumerate(wishes)
    )
    bench.step()
    told, begun = queries.command(bench.store, first), queries.command(bench.store, second)
    assert told is not None
    assert begun is not None
    assert begun.state == "done"
    assert told.state == "refused"
    assert "but the next scan did not begin: slot 1 is taken" in told.answer
    after = bench.scan(before)
    is_archived = choice is PreviousScan.ARCHIVE
    assert (after.state is ScanState.ARCHIVED, after.is_kept_aside) == (
        is_archived,
        not is_archived,
    )
    assert shift.results_folder(before).is_dir() is not is_archived


def test_a_scan_may_be_kept_aside(shift: Shift) -> None:
    before = shift.complete_scan(Fate.POOR)
    choice = {"previous": PreviousScan.KEEP_ASIDE, "previous_reason": "for the experts"}
    assert "is kept aside" in shift.done(start(shift, **choice))
    kept = shift.bench.scan(before)
    assert (kept.state, kept.is_kept_aside) == (ScanState.COMPLETE, True)
    assert shift.results_folder(before).is_dir()
    words = shift.refused(
        KeepAside(scan_id=before.scan_id, seen=shift.seen_scan(before), reason="again")
    )
    assert "already" in words


def test_another_pmt_and_the_hv_check_of_this_one_are_never_touched(shift: Shift) -> None:
    other = shift.complete_scan(Fate.POOR, serial_number="KQ0151", slot=2)
    check = shift.complete_scan(Fate.FIT_FAILED, kind=ScanKind.HV)
    shift.done(start(shift))
    for scan in (other, check):
        assert shift.bench.scan(scan).state is ScanState.COMPLETE
        assert shift.results_folder(scan).is_dir()
    nominal = StartHvCheck(serial_number="KQ0146", slot=Slot.ONE, nominal_v=1800)
    assert f"the previous HV check {check.scan_id}" in shift.refused(nominal)


def test_a_retake_is_refused_when_its_place_is_taken(shift: Shift) -> None:
    scan = shift.complete_scan(Fate.POOR)
    shift.new_scan(serial_number="KQ0151")
    takes = shift.seen(scan, CENTRE)
    assert "slot 1 is taken" in shift.refused(RetakeTakes(scan_id=scan.scan_id, takes=takes))


def test_a_start_is_refused_when_the_previous_scan_is_not_as_it_was_seen(shift: Shift) -> None:
    scan = shift.complete_scan(Fate.POOR)
    before = SeenPrevious(scan_id=scan.scan_id, **shift.seen_scan(scan).model_dump())
    choice = {"previous": PreviousScan.ARCHIVE, "previous_reason": "night shift ends"}
    wish = start(shift, previous_seen=before, **choice)
    shift.accept(scan, "theta0_phi0")
    assert "somebody has decided about one of its takes" in shift.refused(wish)
    now = SeenPrevious(scan_id=scan.scan_id, **shift.seen_scan(scan).model_dump())
    shift.done(wish.model_copy(update={"previous_seen": now}))
    assert shift.bench.scan(scan).state is ScanState.ARCHIVED
    (new,) = queries.running_scans(shift.bench.store, "here")
    shift.done(StopScan(scan_id=new.scan_id))
    words = shift.refused(wish.model_copy(update={"previous_seen": now}))
    assert f"scan {scan.scan_id} is followed by {new.scan_id}" in words


def test_a_scan_that_was_judged_again_since_it_was_seen_is_not_archived(shift: Shift) -> None:
    scan = shift.complete_scan()
    seen = shift.seen_scan(scan)
    with shift.bench.store.writing(shift.bench.now) as writer:
        result = queries.results_of_point(shift.bench.store, scan.scan_id, scan.plan.points[0])[0]
        verdict = VerdictRecord(Verdict.POOR, "limits were changed", "", (), shift.bench.now)
        writer.add_verdict(result.result_id, Judgement(verdict, None, "limits were changed"))
    words = shift.refused(ArchiveScan(scan_id=scan.scan_id, seen=seen))
    assert "judged otherwise" in words
    assert shift.bench.scan(scan).state is ScanState.COMPLETE


def counted(shift: Shift, older_than_days: int | None = None) -> decision_queries.CleanUpRecord:
    shift.done(PlanCleanUp(older_than_days=older_than_days))
    return decision_queries.clean_ups(shift.bench.store, "here")[0]


def clean_up(count: decision_queries.CleanUpRecord) -> CleanUp:
    return CleanUp(plan=count.command_id, folders=count.folders, size_bytes=count.size_bytes)


def copies(shift: Shift) -> list[Path]:
    return sorted(shift.bench.config.results_folder.glob("*/*/data_*"))


def test_a_clean_up_is_counted_first_and_touches_nothing_on_the_server(shift: Shift) -> None:
    scan = shift.complete_scan()
    shift.flag(scan, CENTRE)
    shift.archive(scan)
    server, here = shift.take_folders(), copies(shift)
    count = counted(shift)
    assert (count.folders, copies(shift)) == (3, here)
    assert count.size_bytes == sum(f.stat().st_size for c in here for f in c.iterdir())
    shift.done(clean_up(count))
    assert copies(shift) == []
    assert len(list(shift.bench.config.trash_folder.glob("*/*/*/data_*"))) == 3
    assert shift.take_folders() == server
    assert "in the trash already" in shift.refused(clean_up(count))


def test_the_trash_is_emptied_when_its_time_is_over(shift: Shift) -> None:
    shift.complete_scan()
    shift.done(clean_up(counted(shift)))
    shift.bench.step(timedelta(days=29).total_seconds())
    assert len(list(shift.bench.config.trash_folder.glob("*/*/*/data_*"))) == 3
    shift.bench.step(timedelta(days=2).total_seconds())
    assert list(shift.bench.config.trash_folder.iterdir()) == []
    assert decision_queries.clean_ups(shift.bench.store, "here")[0].deleted_at is not None


def test_only_what_is_verified_on_the_server_goes(shift: Shift) -> None:
    scan = shift.complete_scan()
    (shift.results_folder(scan) / f"data_{CENTRE}" / "result.json").write_text("{}")
    count = counted(shift)
    assert count.folders == 0
    assert "not verified on the server" in count.kept
    assert len(copies(shift)) == 3


def test_only_old_enough_copies_go_and_none_of_a_running_scan(shift: Shift) -> None:
    shift.complete_scan(serial_number="KQ0151", slot=2)
    running = shift.new_scan()
    shift.measure(running, running.plan.points[0])
    assert counted(shift, older_than_days=1).folders == 0
    shift.bench.step(timedelta(days=1).total_seconds())
    assert counted(shift, older_than_days=1).folders == 3


def test_a_count_that_is_not_true_any_more_is_refused(shift: Shift) -> None:
    shift.complete_scan()
    count = counted(shift)
    shift.complete_scan(serial_number="KQ0151", slot=2)
    assert "count again. Nothing was moved" in shift.refused(clean_up(count))
    assert len(copies(shift)) == 6


@pytest.mark.parametrize("number", [1, 99])
def test_a_clean_up_without_a_count_is_refused(shift: Shift, number: int) -> None:
    words = shift.refused(CleanUp(plan=number, folders=0, size_bytes=0))
    assert "ask for plan-clean-up first" in words
