"""Rows by event number, whatever a channel lost or doubled."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server_side.pulses import PulseTable, align, concatenate
from server_side.pulses.table import unmeasured_table


def table_of(channel: int, numbers: list[int]) -> PulseTable:
    """A table whose charge tells channel, event and how often the event was there before."""
    events = np.array(numbers, dtype=np.int64)
    charge = [1000.0 * channel + n + 0.25 * numbers[:i].count(n) for i, n in enumerate(numbers)]
    return replace(unmeasured_table(channel, events), charge_pc=np.array(charge))


def test_equal_channels_are_left_as_they_are() -> None:
    tables = [table_of(channel, [5, 6, 7]) for channel in (0, 2)]
    aligned = align(tables)
    assert aligned.event_number.tolist() == [5, 6, 7]
    assert aligned.of(2) is tables[1]
    assert [(loss.lost_events, loss.doubled_events) for loss in aligned.losses] == [(0, 0), (0, 0)]


def test_a_lost_event_is_counted_where_it_was_lost() -> None:
    aligned = align([table_of(0, [1, 2, 3, 4]), table_of(2, [1, 2, 4])])
    assert aligned.event_number.tolist() == [1, 2, 4]
    assert aligned.of(0).charge_pc.tolist() == [1, 2, 4]
    assert aligned.of(2).charge_pc.tolist() == [2001, 2002, 2004]
    assert [loss.lost_events for loss in aligned.losses] == [0, 1]


def test_of_a_doubled_event_the_first_counts() -> None:
    aligned = align([table_of(0, [1, 2, 3]), table_of(3, [1, 2, 2, 3])])
    assert aligned.of(3).charge_pc.tolist() == [3001, 3002, 3003]
    assert [loss.doubled_events for loss in aligned.losses] == [0, 1]


def test_a_channel_that_is_not_required_leaves_gaps_instead_of_taking_rows() -> None:
    aligned = align([table_of(0, [1, 2, 3]), table_of(1, [3]), table_of(2, [1, 2, 3])], {0, 2})
    assert aligned.event_number.tolist() == [1, 2, 3]
    monitor = aligned.of(1)
    assert np.isnan(monitor.charge_pc).tolist() == [True, True, False]
    assert monitor.event_number.tolist() == [1, 2, 3]
    assert monitor.charge_pc[2] == 1003
    assert not monitor.saturated.any()


def test_a_channel_without_events_takes_all_rows_or_none() -> None:
    tables = [table_of(0, [1, 2]), table_of(1, [])]
    assert len(align(tables).event_number) == 0
    assert len(align(tables, {0}).event_number) == 2


@given(st.lists(st.lists(st.integers(0, 30), max_size=40), min_size=1, max_size=4))
def test_every_row_holds_the_same_event_in_each_channel(numbers: list[list[int]]) -> None:
    aligned = align([table_of(channel, events) for channel, events in enumerate(numbers)])
    assert set(aligned.event_number.tolist()) == set.intersection(*map(set, numbers))
    for table, loss, events in zip(aligned.tables, aligned.losses, numbers, strict=True):
        assert (table.charge_pc == 1000.0 * table.channel + aligned.event_number).all()
        assert loss.doubled_events == len(events) - len(set(events))
        assert loss.lost_events == len(set().union(*numbers)) - len(set(events))


def test_arrival_is_the_difference_of_starts_in_ns() -> None:
    trigger = replace(table_of(0, [1, 2]), start_sample=np.array([44.0, np.nan]))
    pmt = replace(table_of(2, [1, 2]), start_sample=np.array([206.0, 206.0]))
    arrival = align([trigger, pmt]).arrival_ns(2, trigger_channel=0, sample_ns=2.0)
    assert arrival[0] == 324.0
    assert np.isnan(arrival[1])


def test_a_channel_that_was_not_read_is_named() -> None:
    aligned = align([table_of(0, [1])])
    assert not aligned.has(4)
    with pytest.raises(KeyError, match=r"channel 4 wanted, channels \[0\] were read"):
        aligned.of(4)


def test_concatenated_tables_are_of_one_channel() -> None:
    joined = concatenate([table_of(2, [1]), table_of(2, [2, 3])])
    assert joined.event_number.tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match="exactly one channel"):
        concatenate([table_of(2, [1]), table_of(3, [1])])
