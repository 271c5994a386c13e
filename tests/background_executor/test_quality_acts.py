"""References and judging again, asked for as a page asks: by a command row."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from background_executor import queries
from background_executor.acts import do_next_command
from background_executor.decisions.decision_records import DecisionKind
from background_executor.judging.health import GainLimits, HealthSettings
from background_executor.judging.quality_commands import JudgeAgain, MakeReference
from background_executor.judging.reference import ReferenceKind
from background_executor.judging.reference_copy import restore_references
from background_executor.judging.stored_results import judge_new, judge_others, judge_scan_again
from background_executor.records import (
    CheckOutcome,
    CommandRecord,
    CommandState,
    ScanState,
    Verdict,
)
from background_executor.site import Site, open_site
from background_executor.store import Store
from server_side.result import PointResult, Quantity
from server_side.scan import ScanPlan, Slot, Take
from tests.seed_results import Fate, make_result
from tests.seed_store import make_plan, make_site, start_scan

NOW = datetime(2026, 2, 20, 5, 41, 23, tzinfo=UTC)
SCAN = "0123456789ab"
OTHER = "0123456789cd"
WIDE = HealthSettings(gain=(GainLimits(model="two_gaussian", inner_low=0.8e7, outer_low=0.7e7),))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    opened = open_site(make_site(tmp_path))
    yield opened
    opened.store.close()


def _measure(
    site: Site,
    scan_id: str = SCAN,
    fates: Mapping[int, Fate] | None = None,
    *,
    serial_number: str = "KQ0146",
    state: ScanState | None = ScanState.COMPLETE,
) -> ScanPlan:
    points = site.config.position_points()[:3]
    plan = make_plan(site.config, scan_id, serial_number, Slot.ONE, NOW, points=points)
    start_scan(site.store, plan, f"10b00000-0000-4000-8000-{scan_id}", NOW)
    for number, point in enumerate(points):
        fate = (fates or {}).get(number, Fate.HEALTHY)
        _store(site, plan, make_result(plan, Take(point=point), NOW, fate=fate, seed=number))
    if state is not None:
        with site.store.writing(NOW) as writer:
            writer.set_scan_state(scan_id, state, "executor")
    return plan


def _store(site: Site, plan: ScanPlan, result: PointResult) -> None:
    judgement = judge_new(site.store, plan, result, site.config.health, NOW)
    with site.store.writing(NOW) as writer:
        folder = Path(plan.scan_id, result.take.name)
        writer.add_result(result, folder, f"{abs(hash(str(folder))):064x}"[:64], judgement)


def _ask(site: Site, command: MakeReference | JudgeAgain) -> CommandRecord:
    key = command.model_dump_json() + str(len(queries.commands(site.store, "demo")))
    number = site.store.enqueue("demo", command, "night shift", key[-100:], NOW)
    do_next_command(site, NOW + timedelta(minutes=1), NOW)
    record = queries.command(site.store, number)
    assert record is not None
    return record


def _verdicts(site: Site, scan_id: str = SCAN) -> list[Verdict]:
    points = queries.points(site.store, scan_id)
    return [point.verdict.verdict for point in points if point.verdict is not None]


def test_a_complete_scan_without_poor_points_becomes_the_reference_of_its_pmt(site: Site) -> None:
    _measure(site, fates={1: Fate.CHECK})
    record = _ask(site, MakeReference(of=ReferenceKind.PMT, scan_id=SCAN, comment="certified"))
    assert record.state is CommandState.DONE, record.answer
    found = queries.reference_for(site.store, "demo", "KQ0146", "R12860")
    assert found is not None
    assert (found.subject, found.version, found.operator) == ("KQ0146", 1, "night shift")
    assert [spectrum.point for spectrum in found.content.spectra] == [
        "theta0_phi0",
        "theta10_phi0",
        "theta10_phi90",
    ]
    assert queries.reference_for(site.store, "demo", "KQ0151", "R12860") is None


@pytest.mark.parametrize(
    ("fates", "state", "words"),
    [
        ({2: Fate.POOR}, ScanState.COMPLETE, "theta10_phi90 is poor: gain"),
        ({2: Fate.NO_LIGHT}, ScanState.COMPLETE, "theta10_phi90 is no_light"),
        ({}, None, "is running: it must be complete"),
        ({}, ScanState.STOPPED, "is stopped: it must be complete"),
    ],
)
def test_what_is_not_good_does_not_become_a_reference(
    site: Site, fates: dict[int, Fate], state: ScanState | None, words: str
) -> None:
    _measure(site, fates=fates, state=state)
    record = _ask(site, MakeReference(of=ReferenceKind.TYPE, scan_id=SCAN))
    assert record.state is CommandState.REFUSED
    assert words in record.answer
    assert queries.references(site.store, "demo") == ()


def test_a_flagged_point_keeps_its_scan_from_being_a_reference(site: Site) -> None:
    plan = _measure(site)
    with site.store.writing(NOW) as writer:
        writer.add_decision(
            SCAN, plan.points[1], 1, DecisionKind.FLAGGED, reason="HV", comment="", operator="me"
        )
    record = _ask(site, MakeReference(of=ReferenceKind.PMT, scan_id=SCAN))
    assert "theta10_phi0 is flagged: HV" in record.answer


def test_versions_rise_and_a_pmts_own_reference_comes_before_its_types(site: Site) -> None:
    _measure(site)
    for _ in range(2):
        _ask(site, MakeReference(of=ReferenceKind.TYPE))
    of_type = queries.reference_for(site.store, "demo", "KQ0146", "R12860")
    assert of_type is not None
    assert (of_type.version, of_type.content.origin) == (2, "the shipped template")
    _ask(site, MakeReference(of=ReferenceKind.PMT, scan_id=SCAN))
    own = queries.reference_for(site.store, "demo", "KQ0146", "R12860")
    assert own is not None
    assert (own.subject, own.version) == ("KQ0146", 1)
    assert [entry.version for entry in queries.references(site.store, "demo")] == [1, 2, 1]
    acts = [event.act for event in queries.events(site.store, "demo")]
    assert acts.count("reference made") == 3


def test_the_template_for_one_pmt_needs_its_serial_number(site: Site) -> None:
    refused = _ask(site, MakeReference(of=ReferenceKind.PMT))
    assert refused.state is CommandState.REFUSED
    assert "name the serial number" in refused.answer
    assert _ask(site, MakeReference(of=ReferenceKind.PMT, serial_number="KQ0151")).state is (
        CommandState.DONE
    )


def test_a_point_measured_after_a_reference_is_compared_with_it(site: Site) -> None:
    _measure(site)
    _ask(site, MakeReference(of=ReferenceKind.TYPE, scan_id=SCAN))
    _measure(site, OTHER, {2: Fate.POOR}, serial_number="KQ0151")
    good, _, poor = queries.points(site.store, OTHER)
    for point, outcome in ((good, CheckOutcome.PASSED), (poor, CheckOutcome.OUTSIDE)):
        assert point.verdict is not None
        check = next(c for c in point.verdict.checks if c.name == "reference_ks_distance")
        assert check.outcome is outcome
        assert f"reference R12860 version 1 (scan {SCAN} of KQ0146)" in check.text


def test_stored_results_are_judged_by_other_limits_without_raw_data(site: Site) -> None:
    _measure(site, fates={1: Fate.POOR})
    assert _verdicts(site) == [Verdict.HEALTHY, Verdict.POOR, Verdict.HEALTHY]
    record = _ask(site, JudgeAgain(scan_id=SCAN, health=WIDE, reason="wider window"))
    assert record.answer == f"scan {SCAN} of KQ0146 was judged again: 1 from poor to healthy"
    assert _verdicts(site) == [Verdict.HEALTHY] * 3
    point = queries.points(site.store, SCAN)[1]
    assert point.verdict is not None
    assert "healthy 0.800e7 and above" in point.verdict.rule
    event = next(e for e in queries.events(site.store, "demo") if e.act == "judged again")
    assert (event.actor, event.reason) == ("night shift", "wider window")
    record = _ask(site, JudgeAgain(scan_id=SCAN))
    assert record.answer.endswith("1 from healthy to poor")


def test_judging_again_by_the_same_limits_writes_no_verdict(site: Site) -> None:
    _measure(site)
    before = [point.verdict for point in queries.points(site.store, SCAN)]
    record = _ask(site, JudgeAgain(scan_id=SCAN))
    assert record.answer.endswith("no verdict changed")
    assert [point.verdict for point in queries.points(site.store, SCAN)] == before


def test_a_scan_that_is_not_there_is_refused(site: Site) -> None:
    record = _ask(site, JudgeAgain(scan_id="ffffffffffff"))
    assert (record.state, record.answer) == (
        CommandState.REFUSED,
        "no scan ffffffffffff at site demo",
    )


def _arriving(plan: ScanPlan, number: int, arrival_ns: float) -> PointResult:
    result = make_result(plan, Take(point=plan.points[number], take=2), NOW, seed=number)
    arrival = Quantity(
        name="arrival_time_ns", value=arrival_ns, error=0.1, unit="ns", meaning="made up"
    )
    return result.model_copy(update={"quality": (*result.quality, arrival)})


def test_points_are_judged_beside_the_centre_of_their_scan(site: Site) -> None:
    plan = _measure(site, state=None)
    for number, arrival_ns in enumerate((320.0, 321.0, 345.0)):
        _store(site, plan, _arriving(plan, number, arrival_ns))
    assert _verdicts(site) == [Verdict.HEALTHY, Verdict.HEALTHY, Verdict.CHECK]
    late = queries.points(site.store, SCAN)[2].verdict
    assert late is not None
    assert "arrival shift 25 ± 0.14 ns lies" in late.summary


def test_points_that_came_before_the_centre_are_judged_again_when_it_comes(site: Site) -> None:
    plan = _measure(site, state=None)
    for number, arrival_ns in ((1, 321.0), (2, 345.0)):
        _store(site, plan, _arriving(plan, number, arrival_ns))
    assert _verdicts(site) == [Verdict.HEALTHY] * 3
    centre = _arriving(plan, 0, 320.0)
    changed = judge_scan_again(site.store, plan, site.config.health, NOW, arriving=centre)
    moved = {
        entry.record.result.take.point.name: entry.judgement.verdict.verdict
        for entry in changed
        if entry.has_new_verdict
    }
    assert moved == {"theta10_phi90": Verdict.CHECK}


def _arrive(site: Site, plan: ScanPlan, result: PointResult) -> None:
    """Store a result as it is fetched: with what it tells of the points before."""
    others = judge_others(site.store, plan, result, site.config.health, NOW)
    _store(site, plan, result)
    with site.store.writing(NOW) as writer:
        for other in others:
            writer.add_verdict(other.record.result_id, other.judgement)


@pytest.mark.parametrize("stalled", [0, 2])
def test_a_point_that_stalled_is_named_once_enough_other_points_are_there(
    site: Site, stalled: int
) -> None:
    points = site.config.position_points()[:8]
    plan = make_plan(site.config, SCAN, "KQ0146", Slot.ONE, NOW, points=points)
    start_scan(site.store, plan, f"10b00000-0000-4000-8000-{SCAN}", NOW)
    found = []
    for number, point in enumerate(points):
        result = make_result(plan, Take(point=point), NOW, seed=number)
        # Points that end by the clock have a few events more or less.
        events = 300_000 if number == stalled else 600_000 + 100 * number
        _arrive(site, plan, result.model_copy(update={"triggers": events}))
        verdict = queries.points(site.store, SCAN)[stalled].verdict
        found.append(None if verdict is None else verdict.verdict)
    assert found[stalled:] == [
        Verdict.HEALTHY if number < 3 else Verdict.CHECK for number in range(stalled, 8)
    ]
    assert _verdicts(site).count(Verdict.HEALTHY) == 7
    named = queries.points(site.store, SCAN)[stalled].verdict
    assert named is not None
    assert named.summary.startswith("completeness 0.49")
    assert "below the outer limit 0.9" in named.summary
    judged = [event for event in queries.events(site.store, "demo") if event.act == "judged"]
    assert len(judged) == 8 + 3  # once more where there was no median yet, and no oftener


def test_a_lost_store_gets_its_references_again(site: Site, tmp_path: Path) -> None:
    _measure(site)
    _ask(site, MakeReference(of=ReferenceKind.TYPE, comment="until one is certified"))
    _ask(site, MakeReference(of=ReferenceKind.PMT, scan_id=SCAN))
    _ask(site, MakeReference(of=ReferenceKind.TYPE, scan_id=SCAN))
    folder = tmp_path / "server" / "references"
    (folder / "type_R12860_version9.json").write_text("{}")
    (folder / "notes.txt").write_text("left alone")
    emptied = Store.open(f"sqlite:///{tmp_path / 'new.sqlite'}", tmp_path / "results")
    count, notes = restore_references(replace(site, store=emptied))
    again, before = (
        sorted(
            (replace(each, reference_id=0) for each in queries.references(store, "demo")),
            key=lambda each: each.name,
        )
        for store in (emptied, site.store)
    )
    emptied.close()
    assert count == 3
    assert [note.split(" cannot")[0][-26:] for note in notes] == ["/type_R12860_version9.json"]
    assert again == before
