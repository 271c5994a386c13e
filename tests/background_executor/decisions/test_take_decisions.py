"""Flag, un-flag, accept, acknowledge, retake: what moves, what is refused, what stays on record."""

from pathlib import Path

import pytest

from background_executor import queries
from background_executor.acts import do_next_command
from background_executor.decisions import decision_queries
from background_executor.decisions.decision_commands import (
    AcceptTakes,
    AcknowledgeTakes,
    FlagTakes,
    RetakeTakes,
    UnflagTakes,
    WithdrawDecisions,
)
from background_executor.decisions.offers import undo_offers, what_would_move
from background_executor.decisions.receipt import ReceiptOutcome
from background_executor.decisions.rules import (
    Settling,
    proposed_comment,
    proposed_reasons,
    unsettled_points,
)
from background_executor.records import Verdict
from server_side.publish import verify_folder
from tests.background_executor.decisions.shift import Shift
from tests.seed_results import Fate

CENTRE, RIGHT, TOP = "theta0_phi0", "theta10_phi0", "theta10_phi90"


def test_a_flag_moves_exactly_the_folders_of_its_takes_and_leaves_a_receipt(shift: Shift) -> None:
    scan = shift.complete_scan(Fate.POOR)
    shown = what_would_move(
        shift.bench.store, shift.bench.config, scan.scan_id, shift.seen(scan, CENTRE)
    )
    answer = shift.flag(scan, CENTRE, comment="the tube is old")
    assert answer.state == "done"
    (moved,) = shown
    assert Path(moved.target).is_dir()
    assert not Path(moved.source).exists()
    verify_folder(Path(moved.target))
    assert sorted(path.name for path in shift.results_folder(scan).glob("data_*")) == [
        f"data_{RIGHT}",
        f"data_{TOP}",
    ]
    receipt = shift.receipt()
    assert receipt.outcome is ReceiptOutcome.DONE
    assert (receipt.operator, receipt.reason, receipt.comment) == (
        "tester",
        "low gain",
        "the tube is old",
    )
    (part,) = receipt.parts
    assert {file.path for file in part.files} == {p.name for p in Path(moved.target).iterdir()}
    assert "stay where they were" in receipt.root_files_note
    assert shift.decision(scan, CENTRE) == "flagged"


def test_a_take_moves_with_all_its_revisions(shift: Shift) -> None:
    scan = shift.complete_scan()
    shift.measure(scan, scan.plan.points[0], take=1)
    assert shift.flag(scan, CENTRE).state == "done"
    moved = sorted(path.name for path in shift.flagged_folder(scan).glob("data_*"))
    assert moved == [f"data_{CENTRE}", f"data_{CENTRE}_rev2"]


def test_a_result_that_comes_after_the_flag_follows_its_take(shift: Shift) -> None:
    scan = shift.complete_scan()
    shift.flag(scan, CENTRE)
    shift.measure(scan, scan.plan.points[0], take=1)
    shift.bench.step()
    assert (shift.flagged_folder(scan) / f"data_{CENTRE}_rev2").is_dir()
    assert shift.decision(scan, CENTRE) == "flagged"


def test_a_result_that_is_stored_while_its_take_is_being_flagged_follows_it(
    shift: Shift,
) -> None:
    scan = shift.complete_scan(Fate.POOR)
    bench = shift.bench
    wish = FlagTakes(scan_id=scan.scan_id, takes=shift.seen(scan, CENTRE), reason="noise")
    bench.store.enqueue("here", wish, "tester", "a flag", bench.now)
    bench.step_clock()
    do_next_command(bench.site, bench.now, bench.now)
    shift.publish(scan, scan.plan.points[0], Fate.POOR, take=1)
    bench.executor.step(bench.now)
    for _ in range(3):
        bench.step(20)
    assert not list(shift.results_folder(scan).glob(f"data_{CENTRE}*"))
    moved = sorted(path.name for path in shift.flagged_folder(scan).glob("data_*"))
    assert moved == [f"data_{CENTRE}", f"data_{CENTRE}_rev2"]


def test_who_decides_about_a_take_whose_retake_was_just_asked_for_is_told(shift: Shift) -> None:
    scan = shift.complete_scan(Fate.POOR)
    before = shift.seen(scan, CENTRE)
    shift.done(RetakeTakes(scan_id=scan.scan_id, takes=before))
    words = shift.refused(AcceptTakes(scan_id=scan.scan_id, takes=before, reason="fine"))
    assert f"a retake of {CENTRE} was asked for already: take 2 is awaited" in words
    after = shift.seen(scan, CENTRE)
    shift.done(WithdrawDecisions(scan_id=scan.scan_id, takes=after))
    words = shift.refused(WithdrawDecisions(scan_id=scan.scan_id, takes=after))
    assert f"the retake of {CENTRE} was taken back" in words


@pytest.mark.parametrize(
    ("saw", "words"),
    [
        ({"verdict": Verdict.HEALTHY}, f"{CENTRE} take 1 is poor now"),
        ({"error": "the disk was full"}, "has not failed any more"),
        ({"result_id": 0}, "has a newer result, revision 1"),
    ],
)
def test_who_decides_about_a_take_that_is_judged_otherwise_by_now_is_told(
    shift: Shift, saw: dict[str, object], words: str
) -> None:
    scan = shift.complete_scan(Fate.POOR)
    (take,) = shift.seen(scan, CENTRE)
    wish = {"scan_id": scan.scan_id, "takes": (take.model_copy(update=saw),), "reason": "noise"}
    assert words in shift.refused(FlagTakes.model_validate(wish))
    assert shift.decision(scan, CENTRE) == ""


def test_a_whole_scan_is_flagged_at_once(shift: Shift) -> None:
    scan = shift.complete_scan()
    assert shift.flag(scan).state == "done"
    assert list(shift.results_folder(scan).glob("data_*")) == []
    assert len(list(shift.flagged_folder(scan).glob("data_*"))) == 3


def test_an_undo_brings_everything_back_and_both_stay_on_record(shift: Shift) -> None:
    scan = shift.complete_scan()
    before = shift.take_folders()
    shift.flag(scan, CENTRE, RIGHT)
    (offer,) = undo_offers(shift.bench.store, "here", shift.bench.now, 30.0)
    shift.done(offer.command)
    assert shift.take_folders() == before
    assert shift.decision(scan, CENTRE) == ""
    history = decision_queries.decisions_of_point(
        shift.bench.store, scan.scan_id, scan.plan.points[0]
    )
    assert [step.decision for step in history] == [None, "flagged"]
    assert undo_offers(shift.bench.store, "here", shift.bench.now, 30.0) == ()
    assert [move.act for move in decision_queries.moves_of_scan(shift.bench.store, scan.scan_id)][
        :2
    ] == ["unflag", "flag"]


def test_an_undo_is_offered_for_its_time_only(shift: Shift) -> None:
    scan = shift.complete_scan()
    shift.flag(scan, CENTRE)
    shift.bench.step(31.0)
    assert undo_offers(shift.bench.store, "here", shift.bench.now, 30.0) == ()
    takes = shift.seen(scan, CENTRE)
    shift.done(UnflagTakes(scan_id=scan.scan_id, takes=takes, reason="mixed up"))
    assert shift.decision(scan, CENTRE) == ""


@pytest.mark.parametrize(
    ("reason", "comment", "words"),
    [("ugly", "", "expected one of low gain"), ("other", "  ", "needs a comment")],
)
def test_a_flag_needs_a_reason_of_the_list(
    shift: Shift, reason: str, comment: str, words: str
) -> None:
    scan = shift.complete_scan()
    answer = shift.flag(scan, CENTRE, reason=reason, comment=comment)
    assert answer.state == "refused"
    assert words in answer.answer


def test_who_acts_on_what_has_just_changed_is_told_and_nothing_is_done(shift: Shift) -> None:
    scan = shift.complete_scan(Fate.POOR)
    takes = shift.seen(scan, CENTRE)
    shift.done(AcceptTakes(scan_id=scan.scan_id, takes=takes, reason="known dip"))
    before = shift.take_folders()
    words = shift.refused(FlagTakes(scan_id=scan.scan_id, takes=takes, reason="low gain"))
    assert "has just changed: theta0_phi0 take 1 was accepted by tester" in words
    assert "known dip" in words
    assert shift.take_folders() == before
    shift.measure(scan, scan.plan.points[1])
    words = shift.refused(
        FlagTakes(
            scan_id=scan.scan_id,
            takes=(shift.seen(scan, RIGHT)[0].model_copy(update={"newest_take": 1}),),
            reason="low gain",
        )
    )
    assert f"{RIGHT} has take 2 now" in words


def test_two_operators_who_ask_at_once_are_served_one_after_the_other(shift: Shift) -> None:
    scan = shift.complete_scan(Fate.POOR)
    takes = shift.seen(scan, CENTRE)
    store, now = shift.bench.store, shift.bench.now
    wishes = (
        FlagTakes(scan_id=scan.scan_id, takes=takes, reason="low gain"),
        AcceptTakes(scan_id=scan.scan_id, takes=takes, reason="known"),
    )
    numbers = [
        store.enqueue("here", wish, who, who, now) for wish, who in zip(wishes, "ab", strict=True)
    ]
    for _ in wishes:
        shift.bench.step()
    answers = [queries.command(store, number) for number in numbers]
    assert [answer and answer.state for answer in answers] == ["done", "refused"]
    assert answers[1] is not None
    assert f"{CENTRE} take 1 was flagged by a" in answers[1].answer
    assert shift.decision(scan, CENTRE) == "flagged"


def test_a_failed_take_is_acknowledged_and_cannot_be_flagged(shift: Shift) -> None:
    scan = shift.complete_scan(Fate.FAILED)
    answer = shift.flag(scan, CENTRE)
    assert "has no published folder that could move: acknowledge its failure" in answer.answer
    takes = shift.seen(scan, CENTRE)
    shift.done(AcknowledgeTakes(scan_id=scan.scan_id, takes=takes, reason="laser was off"))
    assert unsettled_points(queries.points(shift.bench.store, scan.scan_id)) == ()


@pytest.mark.parametrize("wish", [AcceptTakes, AcknowledgeTakes])
def test_what_is_healthy_needs_no_decision(
    shift: Shift, wish: type[AcceptTakes | AcknowledgeTakes]
) -> None:
    scan = shift.complete_scan()
    takes = shift.seen(scan, CENTRE)
    assert "there is nothing to" in shift.refused(
        wish(scan_id=scan.scan_id, takes=takes, reason="to be sure")
    )


def test_a_decision_is_taken_back_and_stays_on_record(shift: Shift) -> None:
    scan = shift.complete_scan(Fate.POOR)
    shift.accept(scan, CENTRE)
    takes = shift.seen(scan, CENTRE)
    shift.done(WithdrawDecisions(scan_id=scan.scan_id, takes=takes))
    assert shift.decision(scan, CENTRE) == ""
    acts = shift.acts(scan)
    assert "take 1 accepted" in acts
    assert "decision on take 1 withdrawn" in acts


def test_a_retake_opens_the_point_and_the_next_acquisition_is_the_next_take(shift: Shift) -> None:
    scan = shift.complete_scan(Fate.POOR)
    shift.flag(scan, CENTRE)
    takes = shift.seen(scan, CENTRE)
    shift.done(RetakeTakes(scan_id=scan.scan_id, takes=takes, reason="again with more light"))
    point = shift.bench.points(scan)[CENTRE]
    assert (point.state, point.awaits_take, point.takes) == ("expected", 2, 1)
    assert shift.bench.scan(scan).state == "running"
    (job,) = shift.bench.jobs(scan)
    assert "a retake was asked for" in job.message or job.state != "intent"
    (left,) = unsettled_points(queries.points(shift.bench.store, scan.scan_id))
    assert left.ways == (Settling.WAIT,)
    shift.measure(scan, scan.plan.points[0])
    point = shift.bench.points(scan)[CENTRE]
    assert (point.state, point.take, point.takes, point.awaits_take) == ("stored", 2, 2, None)
    assert point.decision is None


def test_a_retake_without_data_can_be_taken_back(shift: Shift) -> None:
    scan = shift.complete_scan(Fate.POOR, Fate.FAILED)
    takes = shift.seen(scan, CENTRE, RIGHT)
    shift.done(RetakeTakes(scan_id=scan.scan_id, takes=takes))
    assert "asked for already" in shift.refused(RetakeTakes(scan_id=scan.scan_id, takes=takes))
    takes = shift.seen(scan, CENTRE, RIGHT)
    shift.done(WithdrawDecisions(scan_id=scan.scan_id, takes=takes))
    assert shift.bench.states(scan) == ["stored", "failed", "stored"]


def test_a_take_that_is_being_measured_is_left_alone(shift: Shift) -> None:
    scan = shift.complete_scan()
    shift.publish(scan, scan.plan.points[0], take=1)
    assert "is on its way here" in shift.flag(scan, CENTRE).answer


def test_the_findings_of_the_verdict_are_proposed(shift: Shift) -> None:
    scan = shift.complete_scan(Fate.POOR, Fate.FIT_FAILED)
    points, reasons = shift.bench.points(scan), shift.bench.config.decisions.defect_reasons
    assert "low gain" in proposed_reasons(points[CENTRE], reasons)
    assert "gain" in proposed_comment(points[CENTRE])
    assert "fit failed" in proposed_reasons(points[RIGHT], reasons)
    assert proposed_reasons(points[TOP], ()) == ()


HOSTILE = [
    "'; rm -rf / #",
    "$(touch /x) `touch /x` && touch /x | x",
    "../../../etc/passwd",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "\u202etxet tfel-ot-thgir\u202c שלום",
    "%s %n {0} \\0 \r\n\t",
    "x" * 10_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:12]))
def test_hostile_text_is_kept_as_text(shift: Shift, text: str) -> None:
    scan = shift.complete_scan(Fate.POOR)
    answer = shift.flag(scan, CENTRE, reason="other", comment=text)
    assert answer.state == "done"
    assert shift.receipt().comment == text
    record = shift.bench.points(scan)[CENTRE].decision
    assert record is not None
    assert record.comment == text
    events = queries.events(shift.bench.store, "here", limit=None)
    assert any(event.reason == f"other: {text}" for event in events)
    assert {path.name for path in shift.base.iterdir()} <= {
        "FLAG",
        shift.bench.layout(scan).scan_name,
        ".processes",
    }


@pytest.mark.parametrize("name", ["../x", "a b", "x" * 33, "<b>", "a;b", "", "\u202eabc", "-rf"])
def test_hostile_names_are_refused(shift: Shift, name: str) -> None:
    with pytest.raises(ValueError, match="string_pattern_mismatch"):
        shift.new_scan(serial_number=name)
