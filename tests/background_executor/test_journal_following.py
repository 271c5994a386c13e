"""A journal cut, torn, doubled or damaged anywhere gives each of its lines at most once."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from background_executor import queries, sync
from background_executor.sync import read_part
from server_side.journal import (
    DataSeen,
    EndReason,
    Heartbeat,
    JobEnd,
    JobStart,
    JournalLine,
    PointFailed,
    PointPublished,
    encode_line,
)
from server_side.layout import take_folder_name
from server_side.scan import (
    NewAcquisitions,
    PositionPoint,
    ScanKind,
    ScanPlan,
    Slot,
    Take,
    position_points,
)
from tests.background_executor.bench import HANGS, Bench
from tests.background_executor.fake_job import publish

JOB = "10b00000-0000-4000-8000-000000000001"
OTHER_JOB = "10b00000-0000-4000-8000-000000000002"
AT = datetime(2026, 2, 20, 5, 41, 23, tzinfo=UTC)
HASH = "0" * 64
PLAN = ScanPlan(
    scan_id="0123456789ab",
    site="here",
    kind=ScanKind.POSITION,
    serial_number="KQ0146",
    slot=Slot.ONE,
    started_at=AT,
    points=position_points(),
    raw=NewAcquisitions(began_after=AT),
)


def published(seq: int, point: PositionPoint, job: str = JOB) -> PointPublished:
    take = Take(point=point)
    return PointPublished(
        seq=seq, at=AT, job=job, take=take, folder=take_folder_name(take), manifest_sha256=HASH
    )


def start(scan_id: str = PLAN.scan_id) -> JobStart:
    return JobStart(seq=1, at=AT, job=JOB, scan_id=scan_id, software_version="0", host="h", pid=1)


LINES: tuple[JournalLine, ...] = (
    start(),
    *(published(seq, point) for seq, point in enumerate(position_points(), start=2)),
    JobEnd(seq=23, at=AT, job=JOB, reason=EndReason.DONE, message="ü"),
)
JOURNAL = b"".join(map(encode_line, LINES))


@given(st.lists(st.integers(0, len(JOURNAL)), max_size=12))
def test_read_from_any_cuts_every_line_comes_once_and_in_order(cuts: list[int]) -> None:
    offset, seq = 0, 0
    lines: list[JournalLine] = []
    for size in [*sorted(cuts), len(JOURNAL)]:
        part = read_part(JOURNAL[offset:size], offset, seq, JOB, PLAN)
        assert part.faults == ()
        lines += part.lines
        offset, seq = part.end_offset, part.last_seq
    assert tuple(lines) == LINES
    assert offset == len(JOURNAL)


@given(st.lists(st.sampled_from(LINES), max_size=60))
def test_lines_lost_doubled_and_out_of_order_never_come_twice(lines: list[JournalLine]) -> None:
    part = read_part(b"".join(map(encode_line, lines)), 0, 0, JOB, PLAN)
    numbers = [line.seq for line in part.lines]
    assert numbers == sorted(set(numbers))
    if numbers != list(range(1, len(numbers) + 1)):
        assert part.faults


@given(st.binary(max_size=400), st.integers(0, len(LINES)))
def test_rubbish_between_the_lines_is_passed_over(rubbish: bytes, where: int) -> None:
    encoded = [encode_line(line) for line in LINES]
    data = b"".join([*encoded[:where], rubbish, b"\n", *encoded[where:]])
    part = read_part(data, 0, 0, JOB, PLAN)
    assert set(LINES) >= set(part.lines)
    assert len(part.lines) == len(LINES)
    assert part.end_offset == len(data)
    assert part.faults


@pytest.mark.parametrize(
    "damage",
    [
        (b'"take":1,', b'"take":9223372036854775808,'),
        (b'"take":1,', b'"take":1000000,'),
        (b'"take":1,', b'"take":0,'),
        (b'"take":1,', b'"take":-3,'),
        (b'"attempt":2,', b'"attempt":9223372036854775808,'),
        (b'"seq":1,', b'"seq":2147483648,'),
    ],
)
def test_numbers_that_no_job_counts_to_are_passed_over(damage: tuple[bytes, bytes]) -> None:
    point = position_points()[0]
    line = encode_line(
        PointFailed(seq=1, at=AT, job=JOB, point=point, take=1, attempt=2, final=True, error="torn")
    )
    assert read_part(line, 0, 0, JOB, PLAN).faults == ()
    part = read_part(line.replace(*damage), 0, 0, JOB, PLAN)
    assert part.lines == ()
    assert part.faults
    assert part.end_offset == len(line.replace(*damage))


@pytest.mark.parametrize("take", [-3, 0, 1000, 2**63])
def test_data_of_a_take_that_cannot_be_are_no_line(take: int) -> None:
    with pytest.raises(ValidationError, match="take"):
        DataSeen(
            seq=1,
            at=AT,
            job=JOB,
            point=position_points()[0],
            take=take,
            folder="/raw",
            generation=HASH,
        )


def test_a_flood_without_a_line_end_is_passed_over() -> None:
    part = read_part(b"x" * sync.CHUNK_BYTES, 5, 0, JOB, PLAN)
    assert part.end_offset == 5 + sync.CHUNK_BYTES
    assert part.faults


def test_lines_of_another_job_scan_or_plan_are_not_ours() -> None:
    strange = (
        Heartbeat(seq=1, at=AT, job=OTHER_JOB),
        start(scan_id="ba9876543210"),
        published(2, PositionPoint(theta_deg=80, phi_deg=1)),
        published(3, position_points()[0]).model_copy(update={"folder": "data_theta50_phi0"}),
    )
    part = read_part(b"".join(map(encode_line, strange)), 0, 0, JOB, PLAN)
    assert part.lines == ()
    assert len(part.faults) == len(strange)


def test_a_journal_that_grows_byte_by_byte_stores_each_point_once(bench: Bench) -> None:
    bench.behave(HANGS)
    scan = bench.start_scan()
    bench.until(lambda: bench.states(scan)[0] == "stored")
    job = bench.jobs(scan)[0]
    path = Path(bench.layout(scan).journal_file(job.job))
    whole = path.read_bytes()
    line = encode_line(Heartbeat(seq=whole.count(b"\n") + 1, at=AT, job=job.job))
    for byte in line:
        with path.open("ab") as file:
            file.write(bytes([byte]))
        bench.step(0.01)
    (followed,) = queries.open_jobs(bench.store, "here")
    assert followed.journal_offset == len(whole) + len(line)
    assert bench.states(scan) == ["stored", "expected", "expected"]


def test_damaged_lines_cost_a_sweep_and_no_point(bench: Bench) -> None:
    bench.behave(HANGS)
    scan = bench.start_scan()
    job = bench.jobs(scan)[0]
    path = Path(bench.layout(scan).journal_file(job.job))
    bench.until(path.exists, seconds=0.01)
    bench.until(lambda: bench.states(scan)[0] == "stored")
    with path.open("ab") as file:
        file.write(b'{"seq": 99, "event": "nonsense"}\n\x00\xff\n')
    publish(bench.layout(scan), Take(point=scan.plan.points[1]), job.job)
    bench.step()
    bench.step()
    assert bench.states(scan)[1] == "stored"
