"""The transition tables, and that the store follows them."""

import itertools
import uuid
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from background_executor import queries
from background_executor.decisions.decision_records import MoveState
from background_executor.errors import StoreError
from background_executor.records import (
    ENDED_JOB_STATES,
    CommandState,
    JobState,
    PointState,
    ScanState,
)
from background_executor.states import (
    COMMAND_TRANSITIONS,
    JOB_TRANSITIONS,
    MOVE_TRANSITIONS,
    POINT_TRANSITIONS,
    SCAN_TRANSITIONS,
    check_transition,
)
from background_executor.store import Store
from server_side.scan import ScanPlan

TABLES = {
    JobState.INTENT: JOB_TRANSITIONS,
    PointState.EXPECTED: POINT_TRANSITIONS,
    ScanState.RUNNING: SCAN_TRANSITIONS,
    CommandState.WAITING: COMMAND_TRANSITIONS,
    MoveState.INTENDED: MOVE_TRANSITIONS,
}
"""Each table by the state that everything begins in."""
PAIRS = [
    pytest.param(table, before, after, id=f"{type(before).__name__}-{before}-{after}")
    for first, table in TABLES.items()
    for before, after in itertools.product(type(first), repeat=2)
]


@pytest.mark.parametrize("first", TABLES, ids=lambda state: type(state).__name__)
def test_every_state_stands_in_its_table(first: StrEnum) -> None:
    assert set(TABLES[first]) == set(type(first))


@pytest.mark.parametrize("first", TABLES, ids=lambda state: type(state).__name__)
def test_every_state_can_be_reached_from_the_first(first: StrEnum) -> None:
    table: Mapping[Any, frozenset[Any]] = TABLES[first]
    reached, new = {first}, {first}
    while new:
        new = {after for before in new for after in table[before]} - reached
        reached |= new
    assert reached == set(type(first))


@pytest.mark.parametrize(("table", "before", "after"), PAIRS)
def test_a_move_is_allowed_exactly_when_the_table_has_it(
    table: Mapping[Any, frozenset[Any]], before: Any, after: Any
) -> None:
    if before is after:
        assert check_transition("it", table, before, after) is False
    elif after in table[before]:
        assert check_transition("it", table, before, after) is True
    else:
        with pytest.raises(StoreError, match=f"it is '{before}' and cannot become '{after}'"):
            check_transition("it", table, before, after)


def test_a_stopped_scan_is_never_called_complete() -> None:
    with pytest.raises(StoreError, match="cannot become 'complete'"):
        check_transition("scan", SCAN_TRANSITIONS, ScanState.STOPPED, ScanState.COMPLETE)


@pytest.mark.parametrize("ended", sorted(ENDED_JOB_STATES - {JobState.LOST}))
def test_an_ended_job_stays_ended(ended: JobState) -> None:
    assert JOB_TRANSITIONS[ended] == frozenset()


def test_every_live_job_may_end_in_any_way() -> None:
    for state in set(JobState) - ENDED_JOB_STATES:
        assert JOB_TRANSITIONS[state] >= ENDED_JOB_STATES


@given(moves=st.lists(st.sampled_from(JobState), max_size=12))
@settings(
    max_examples=60,
    deadline=None,
    # One store serves all examples; each makes its own job.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_store_moves_a_job_only_along_the_table(
    scanning: Store, plan: ScanPlan, now: datetime, moves: list[JobState]
) -> None:
    job, state = str(uuid.uuid4()), JobState.INTENT
    with scanning.writing(now) as writer:
        writer.add_job(job, plan.scan_id, job, "process")
    for move in moves:
        is_allowed = move is state or move in JOB_TRANSITIONS[state]
        try:
            with scanning.writing(now) as writer:
                writer.advance_job(job, move)
        except StoreError:
            assert not is_allowed
        else:
            assert is_allowed
            state = move
        known = {record.job: record.state for record in queries.jobs(scanning, plan.scan_id)}
        assert known[job] is state
