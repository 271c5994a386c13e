"""Every state has a look of its own, and only a healthy result looks healthy."""

import itertools
from dataclasses import replace

import pytest

from background_executor.decisions.decision_records import DecisionKind, DecisionRecord
from background_executor.records import (
    CheckOutcome,
    CommandState,
    ExecutorState,
    JobState,
    LinkState,
    PointState,
    ScanState,
    Verdict,
)
from dashboard import theme
from dashboard.icons import Icon
from dashboard.theme import LOOKS, Face, face_of
from tests.dashboard.conftest import NOW, make_point


def decide(kind: DecisionKind) -> DecisionRecord:
    return DecisionRecord(kind, "", "", "night shift", NOW)


@pytest.mark.parametrize("face", list(Face))
def test_every_face_has_a_look(face: Face) -> None:
    assert LOOKS[face].word


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(Face, 2)))
def test_no_two_faces_share_a_word_an_icon_or_their_colours_and_pattern(
    one: Face, other: Face
) -> None:
    first, second = LOOKS[one], LOOKS[other]
    assert first.word != second.word
    assert first.icon is not second.icon
    assert (first.fill, first.pattern, first.outline) != (
        second.fill,
        second.pattern,
        second.outline,
    )


def test_only_healthy_is_blue_and_only_healthy_has_the_tick() -> None:
    for face in Face:
        if face is not Face.HEALTHY:
            assert theme.BLUE not in (LOOKS[face].fill, LOOKS[face].outline)
            assert LOOKS[face].icon is not Icon.TICK


ALL_POINTS = [
    (state, verdict, decision, has_result)
    for state in PointState
    for verdict in [None, *Verdict]
    for decision in [None, *DecisionKind]
    for has_result in (False, True)
]


@pytest.mark.parametrize(("state", "verdict", "decision", "has_result"), ALL_POINTS)
def test_a_point_is_healthy_only_when_stored_judged_healthy_and_not_flagged(
    state: PointState, verdict: Verdict | None, decision: DecisionKind | None, has_result: bool
) -> None:
    point = make_point(state, verdict, decide(decision) if decision else None)
    point = replace(point, result_id=7 if has_result else None)
    is_healthy = face_of(point) is Face.HEALTHY
    assert is_healthy == (
        state is PointState.STORED
        and has_result
        and verdict is Verdict.HEALTHY
        and decision in (None, DecisionKind.ACCEPTED)
    )


@pytest.mark.parametrize("verdict", list(Verdict))
@pytest.mark.parametrize("decision", [None, DecisionKind.ACCEPTED])
def test_a_result_whose_newer_data_failed_has_a_face_of_its_own(
    verdict: Verdict, decision: DecisionKind | None
) -> None:
    point = make_point(
        verdict=verdict, decision=decide(decision) if decision else None, error="no event"
    )
    assert face_of(point) is (Face.ACCEPTED if decision else Face.OVERTAKEN)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_every_verdict_has_its_own_face(verdict: Verdict) -> None:
    assert face_of(make_point(verdict=verdict)).value == verdict.value


def test_every_state_of_a_point_without_a_result_has_its_own_face() -> None:
    faces = [face_of(make_point(state, None)) for state in PointState]
    assert len(set(faces)) == len(PointState)


@pytest.mark.parametrize(
    ("table", "states"),
    [
        (theme.EXECUTOR_LOOKS, ExecutorState),
        (theme.LINK_LOOKS, LinkState),
        (theme.SCAN_LOOKS, ScanState),
        (theme.COMMAND_LOOKS, CommandState),
        (theme.CHECK_LOOKS, CheckOutcome),
        (theme.JOB_LOOKS, JobState),
    ],
)
def test_every_other_state_has_a_look_and_none_is_the_healthy_one(table, states) -> None:  # type: ignore[no-untyped-def]
    assert set(table) == set(states)
    for look in table.values():
        assert look.fill != theme.BLUE


@pytest.mark.parametrize("face", list(Face))
def test_icon_and_number_stand_out_from_their_tile(face: Face) -> None:
    look = LOOKS[face]
    if look.fill != theme.NO_FILL:
        assert contrast(look.fill, look.ink) >= 4.5


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, as WCAG defines it."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
