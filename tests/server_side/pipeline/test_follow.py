"""Files that are followed while they grow."""

import math

import pytest

from server_side import follow
from server_side.wavedump import open_reader


def test_events_are_counted_to_the_end_and_features_kept_of_the_first_alone(
    make_plan, recorded, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(follow, "MAX_FOLLOWED_EVENTS", 100)
    plan = make_plan()
    daq = plan.settings.daq
    reader = open_reader(recorded(7, 300) / "wave2.txt", daq, block_events=40)
    channel = next(entry for entry in daq.channels if entry.number == 2)
    follower = follow.ChannelFollower(reader, channel, plan)
    follower.advance(math.inf, keep=True)
    table = follower.table()
    assert follower.events == 300
    assert table is not None
    assert table.event_number.tolist() == list(range(len(table)))
    assert 100 <= len(table) <= 140
