"""What a job writes is read back, from any cut, each line once."""

import resource
import signal
import threading
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server_side.errors import JournalError
from server_side.journal import EndReason, LiveProgress, PointPublished, read_lines
from server_side.journal_writer import JournalWriter, write_live
from server_side.scan import Take, position_points

JOB = "12345678-1234-1234-1234-123456789abc"


@pytest.fixture
def journal(tmp_path):
    path = tmp_path / f"journal-{JOB}.jsonl"
    with JournalWriter(path, JOB) as writer:
        writer.job_start(
            scan_id="0123456789ab", software_version="0.1.0", host="node1", scheduler_job="77"
        )
        for point in position_points():
            writer.data_seen(point, 1, f"/raw/wavesave_{point.name}", "a" * 64)
            writer.heartbeat()
            writer.point_published(Take(point=point), f"data_{point.name}", "b" * 64)
        writer.point_failed(
            position_points()[0], 2, attempt=1, final=True, error="no trigger\nin the file"
        )
        writer.idle(waiting_for=1)
        writer.job_end(EndReason.DONE)
    return path.read_bytes()


def test_sequence_numbers_rise_by_one_and_times_are_aware(journal):
    lines = [read.line for read in read_lines(journal)]
    assert [line.seq for line in lines] == list(range(1, len(lines) + 1))
    assert all(line.job == JOB and line.at.tzinfo is not None for line in lines)


def test_following_from_any_cut_gives_each_point_once(journal):
    @given(st.lists(st.integers(0, len(journal)), max_size=8))
    def follow(cuts):
        offset, seen = 0, []
        for end in [*sorted(cuts), len(journal)]:
            for read in read_lines(journal[offset:end], offset):
                offset = read.end_offset
                if isinstance(read.line, PointPublished):
                    seen.append(read.line.take.name)
        assert seen == [point.name for point in position_points()]

    follow()


def test_every_cut_of_the_bytes_in_two_gives_each_line_once(journal):
    whole = [read.line.seq for read in read_lines(journal)]
    for cut in range(0, len(journal), 7):
        first = list(read_lines(journal[:cut]))
        offset = first[-1].end_offset if first else 0
        rest = [read.line.seq for read in read_lines(journal[offset:], offset)]
        assert [read.line.seq for read in first] + rest == whole


def test_a_journal_is_written_by_one_job_once(tmp_path):
    path = tmp_path / "journal.jsonl"
    JournalWriter(path, JOB).close()
    with pytest.raises(JournalError, match="there already"):
        JournalWriter(path, JOB)


def test_lines_of_two_threads_do_not_mix(tmp_path):
    path = tmp_path / "journal.jsonl"
    with JournalWriter(path, JOB) as writer:
        threads = [
            threading.Thread(target=lambda: [writer.heartbeat() for _ in range(50)])
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [read.line.seq for read in read_lines(path.read_bytes())] == list(range(1, 101))


def test_the_live_file_is_replaced_whole(tmp_path):
    path = tmp_path / "live.json"
    for events in (1, 2):
        progress = LiveProgress(
            job=JOB, at=datetime(2026, 2, 20, tzinfo=UTC), stage="acquiring", events=events
        )
        write_live(path, progress)
        assert LiveProgress.model_validate_json(path.read_bytes()) == progress
    assert [p.name for p in tmp_path.iterdir()] == ["live.json"]


def test_a_line_that_the_disk_takes_only_in_part_is_taken_back(tmp_path):
    path = tmp_path / "journal.jsonl"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with JournalWriter(path, JOB) as writer:
        writer.heartbeat()
        room = path.stat().st_size + 20
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
            with pytest.raises(OSError, match="too large"):
                writer.heartbeat()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, ignored)
        writer.job_end(EndReason.DONE)
    assert [read.line.seq for read in read_lines(path.read_bytes())] == [1, 2]
