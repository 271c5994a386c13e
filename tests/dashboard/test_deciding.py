"""What may be decided about points, and what is said before and after."""

from dataclasses import replace
from json import dumps
from typing import get_args

import pytest

from background_executor import queries
from background_executor.commands import Command
from background_executor.decisions.decision_records import DecisionKind, DecisionRecord
from background_executor.decisions.refusals import why_no_take
from background_executor.decisions.rules import seen
from background_executor.records import (
    PointRecord,
    PointState,
    ScanState,
    Verdict,
    VerdictRecord,
)
from background_executor.store import Store
from dashboard.components.plain import plain
from dashboard.theme import Face
from dashboard.views.command_words import command_words, whole_command
from dashboard.views.deciding import (
    ACT_WORDS,
    TakesAct,
    closed_acts,
    decide,
    first_comment,
    offers,
    what_a_retake_opens,
)
from dashboard.views.scans import scan_offers
from dashboard.views.tiles import make_tile
from dashboard.views.wording import file_size
from server_side.boundary import BoundaryModel
from server_side.scan import PositionPoint
from tests.dashboard.conftest import NOW, make_point
from tests.seed_store import COMPLETE_SCAN, RUNNING_SCAN


def decided(kind: DecisionKind) -> PointRecord:
    decision = DecisionRecord(kind, "low gain", "", "night shift", NOW, 3)
    return make_point(verdict=Verdict.POOR, decision=decision)


HEALTHY = make_point()
POOR = make_point(verdict=Verdict.POOR)
FAILED = make_point(PointState.FAILED, None, error="no event", take=1)
COMING = make_point(PointState.ACQUIRING, None)
FAILED_SINCE = [TakesAct.FLAG, TakesAct.ACKNOWLEDGE, TakesAct.RETAKE]


@pytest.mark.parametrize(
    ("point", "acts"),
    [
        (HEALTHY, [TakesAct.FLAG, TakesAct.RETAKE]),
        (POOR, [TakesAct.FLAG, TakesAct.ACCEPT, TakesAct.RETAKE]),
        (FAILED, [TakesAct.ACKNOWLEDGE, TakesAct.RETAKE]),
        (COMING, []),
        (replace(POOR, is_coming=True), [TakesAct.RETAKE]),
        (replace(POOR, state=PointState.FAILED, error="torn"), FAILED_SINCE),
        (decided(DecisionKind.FLAGGED), [TakesAct.RETAKE, TakesAct.UNFLAG]),
        (decided(DecisionKind.ACCEPTED), [TakesAct.FLAG, TakesAct.RETAKE, TakesAct.WITHDRAW]),
        (
            replace(HEALTHY, state=PointState.EXPECTED, awaits_take=2),
            [TakesAct.FLAG, TakesAct.WITHDRAW],
        ),
        (
            replace(HEALTHY, error="newer data could not be read"),
            [TakesAct.FLAG, TakesAct.ACCEPT, TakesAct.ACKNOWLEDGE, TakesAct.RETAKE],
        ),
    ],
)
def test_a_point_is_offered_what_it_is_open_to(point: PointRecord, acts: list[TakesAct]) -> None:
    assert [offer.act for offer in offers((point,))] == acts


def test_a_selection_is_offered_every_act_with_the_number_of_takes_it_is_for() -> None:
    found = {offer.act: offer for offer in offers((HEALTHY, POOR, COMING))}
    assert found[TakesAct.FLAG].label == "Flag 2 takes"
    (why,) = found[TakesAct.FLAG].left_out
    assert "is being measured right now" in why
    assert found[TakesAct.ACCEPT].points == (POOR,)
    assert found[TakesAct.ACCEPT].label == "Accept 1 take"


@pytest.mark.parametrize("point", [HEALTHY, POOR, FAILED, COMING])
def test_every_act_is_offered_or_it_is_said_why_not(point: PointRecord) -> None:
    open_acts = {offer.act for offer in offers((point,))}
    closed = {each.act: each.words for each in closed_acts((point,))}
    assert open_acts.isdisjoint(closed)
    assert open_acts | closed.keys() == set(TakesAct)
    assert all(why.partition(": ")[2] for why in closed.values())


def test_a_retake_is_not_offered_while_a_newer_take_than_the_shown_one_is_measured() -> None:
    older = replace(POOR, take=1, newest_take=2, newest_state=PointState.ACQUIRING)
    closed = {each.act: each.words for each in closed_acts((older,))}
    assert "is acquiring: it can be taken again once that has ended" in closed[TakesAct.RETAKE]


def test_a_flag_may_be_meant_for_the_other_takes_of_the_same_points_too() -> None:
    older = replace(POOR, take=1, newest_take=2)
    flagged = replace(decided(DecisionKind.FLAGGED), take=3)
    elsewhere = replace(POOR, point=PositionPoint(theta_deg=50, phi_deg=0))
    (flag, *others) = offers((replace(HEALTHY, take=2),), (older, flagged, elsewhere))
    assert (flag.act, flag.older) == (TakesAct.FLAG, (older,))
    assert all(not offer.older for offer in others)


def test_a_tile_that_stands_on_an_older_take_says_that_the_newest_is_flagged() -> None:
    tile = make_tile(replace(HEALTHY, take=1, takes=2, newest_take=2), NOW)
    assert tile.face is Face.HEALTHY
    assert "take 1 of 2, take 2 is flagged" in tile.label


@pytest.mark.parametrize("act", list(TakesAct))
def test_every_act_has_words_and_a_command_that_carries_what_was_seen(act: TakesAct) -> None:
    take = seen(POOR)
    assert take is not None
    command = decide(act, "0123456789ab", (take,), "low gain", "too low")
    assert command.kind == act.value
    assert command.takes == (take,)
    assert command.reason == "low gain"
    assert ACT_WORDS[act].button


@pytest.mark.parametrize(
    "text",
    [
        "**bold**",
        ":red[x]",
        "$x$",
        "<b>x</b>",
        "[a](http://x)",
        "`code`",
        ":material/home:",
        "~~x~~",
    ],
)
def test_a_label_shows_markup_as_it_stands(text: str) -> None:
    shown = plain(text)
    assert shown.replace("\\", "") == text
    assert all(shown[at - 1] == "\\" for at, sign in enumerate(shown) if sign in "*:$<[`~")


def test_a_label_is_never_longer_than_a_label() -> None:
    assert len(plain("x" * 10_000)) <= 201


def test_a_command_is_said_in_words_and_other_texts_stay_as_they_are() -> None:
    stop = '{"kind":"stop-scan","scan_id":"0123456789ab","reason":"{wrong}"}'
    assert whole_command(stop) == "Stop scan 0123456789ab: {wrong}"
    take = seen(POOR)
    assert take is not None
    flag = decide(TakesAct.FLAG, "0123456789ab", (take, take), "other", "a hum").model_dump_json()
    assert whole_command(flag) == "Flag θ 10°, φ 90° and 1 more of scan 0123456789ab: other: a hum"
    for text in ("{not json", "claimed", '{"spectra": 2}'):
        assert whole_command(text) == text


@pytest.mark.parametrize("command", get_args(get_args(Command)[0]), ids=lambda c: c.__name__)
def test_every_command_has_words(command: type[BoundaryModel]) -> None:
    kind = command.model_fields["kind"].default
    assert command_words(dumps({"kind": kind})) != kind


def test_sizes_are_written_in_the_largest_fitting_unit() -> None:
    assert [file_size(size) for size in (12, 12_300, 4_560_000, 7_800_000_000)] == [
        "12 bytes",
        "12.3 kB",
        "4.6 MB",
        "7.8 GB",
    ]


def test_a_stopped_scan_goes_on_by_a_retake_and_it_is_said_what_it_then_waits_for(
    store: Store,
) -> None:
    scan = queries.scan(store, RUNNING_SCAN)
    assert scan is not None
    assert what_a_retake_opens(scan, (POOR,)) == ""
    stopped = replace(scan, state=ScanState.STOPPED, message="laser off")
    never = make_point(PointState.EXPECTED, None, take=None, takes=0)
    said = what_a_retake_opens(stopped, (POOR, never))
    assert said.startswith("This scan was stopped (laser off). With the retake it runs again")
    assert "waits for 1 point that was never measured" in said
    assert what_a_retake_opens(stopped, (POOR,)).endswith("until the retake is stored.")


def test_a_comment_begins_with_the_findings_by_point_where_there_are_more() -> None:
    low = replace(POOR, verdict=VerdictRecord(Verdict.POOR, "gain 8.8e6 is low", "", (), NOW))
    assert first_comment((HEALTHY,)) == ""
    assert first_comment((low,)) == "gain 8.8e6 is low"
    assert first_comment((HEALTHY, low)) == "θ 10°, φ 90°: gain 8.8e6 is low"


def test_an_archived_scan_is_closed_until_it_is_restored(store: Store) -> None:
    scan = queries.scan(store, RUNNING_SCAN)
    assert scan is not None
    assert why_no_take(scan) == ""
    assert "restore it first" in why_no_take(replace(scan, state=ScanState.ARCHIVED))


def test_a_scan_is_kept_aside_and_had_back_where_either_can_be(store: Store) -> None:
    scan = queries.scan(store, COMPLETE_SCAN)
    assert scan is not None
    offered = scan_offers(scan)
    assert (offered.may_keep_aside, offered.may_end_aside) == (True, False)
    offered = scan_offers(replace(scan, is_kept_aside=True))
    assert (offered.may_keep_aside, offered.may_end_aside) == (False, True)
