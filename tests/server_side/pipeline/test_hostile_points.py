"""Points with files of every kind of harm: refused in words, or counted, and never worse."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from server_side.by_hand import ProcessedPoint, Request, process_by_hand
from server_side.layout import RESULT_FILE
from server_side.result import InputFile, PointResult
from server_side.scan import Slot
from server_side.settings import MeasurementSettings
from tests.server_side.pipeline.no_fitter import NoFitter

EVENTS = 300
CHANNELS = (0, 1, 2, 4)
Harm = Callable[[Path], object]


@pytest.fixture
def process(tmp_path: Path, recorded: Callable[..., Path]) -> Callable[[Harm], ProcessedPoint]:
    """Process a good point after something was done to its folder."""

    def run(harm: Harm) -> ProcessedPoint:
        folder = tmp_path / "wavedump_output_20260220_150000" / "KQ0146" / "wavesave_theta10_phi90"
        folder.parent.mkdir(parents=True)
        shutil.copytree(recorded(7, EVENTS, CHANNELS), folder)
        harm(folder)
        request = Request(
            raw_folder=folder,
            out=tmp_path / "out",
            serial_number=None,
            slot=Slot.ONE,
            kind=None,
            point=None,
            zone="Asia/Tokyo",
            settings=MeasurementSettings(),
        )
        (point,) = process_by_hand(request, NoFitter())
        return point

    return run


def result_of(point: ProcessedPoint) -> PointResult:
    assert point.folder is not None, point.message
    return PointResult.model_validate_json(Path(point.folder, RESULT_FILE).read_bytes())


def file_of(result: PointResult, channel: int) -> InputFile:
    return next(file for file in result.provenance.inputs if file.channel == channel)


DISK_FULL = "error: disk full\n"
FOUND_DISK_FULL = r"expected a whole event at byte 0, found 'error: disk full\\n' and the end"


def rewrite(name: str, change: Callable[[list[str]], Iterator[str]]) -> Harm:
    """Return a harm that makes other events of those in a file."""

    def harm(folder: Path) -> None:
        _, *events = (folder / name).read_text().split("Record")
        (folder / name).write_text("".join(change([f"Record{event}" for event in events])))

    return harm


def renumbered(number_of: Callable[[int], int]) -> Callable[[list[str]], Iterator[str]]:
    return lambda events: (
        re.sub(r"Event Number: \d+", f"Event Number: {number_of(at)}", event)
        for at, event in enumerate(events)
    )


def replaced(name: str, make: Callable[[Path], object]) -> Harm:
    def harm(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return harm


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (replaced("wave2.txt", Path.touch), r"wave2\.txt is empty"),
        (replaced("wave2.txt", lambda path: path.write_text(DISK_FULL)), FOUND_DISK_FULL),
        (
            rewrite("wave2.txt", renumbered(lambda _at: 5)),
            r"all of it is damaged: .* event number 5 at two different events",
        ),
        (replaced("wave0.txt", Path.touch), r"wave0\.txt is empty"),
        (replaced("wave0.txt", lambda path: path.write_text(DISK_FULL)), FOUND_DISK_FULL),
        (replaced("wave2.txt", Path.mkdir), "no file of the PMT's channel 2"),
        (replaced("wave2.txt", os.mkfifo), "no file of the PMT's channel 2"),
        (replaced("wave2.txt", lambda path: path.symlink_to(path)), "cannot look into"),
        (replaced("wave2.txt", lambda path: path.write_bytes(b"\x89PNG" * 9999)), "no WaveDump"),
        (replaced("wave0.txt", lambda path: path.write_text("hello\n" * 999)), "no WaveDump file"),
        (rewrite("wave2.txt", reversed), r"found none .* event number 299 stands beside 293"),
        (lambda folder: (folder / "wave0.txt").unlink(), "no file of the trigger"),
        (
            lambda folder: shutil.copy(
                folder / "wave2.txt", folder / "wave2save_theta10_phi90.txt"
            ),
            "channel 2 has 2 files",
        ),
    ],
)
def test_a_point_that_cannot_be_read_is_refused_in_words(
    process: Callable[[Harm], ProcessedPoint], harm: Harm, words: str
) -> None:
    point = process(harm)
    assert point.folder is None
    assert re.search(words, point.message)


@pytest.mark.parametrize(
    ("harm", "triggers", "lost"),
    [
        (rewrite("wave2.txt", renumbered(lambda at: at + 10**6)), 0, [EVENTS] * 4),
        (rewrite("wave2.txt", lambda events: iter(events[::2])), 150, [0, 0, 150, 0]),
        (rewrite("wave0.txt", lambda events: iter(events[:1])), 1, [EVENTS - 1, 0, 0, 0]),
        (rewrite("wave0.txt", lambda events: iter(events[:100])), 100, [200, 0, 0, 0]),
        (rewrite("wave1.txt", renumbered(lambda at: at + 10**6)), EVENTS, [EVENTS] * 4),
    ],
)
def test_events_that_channels_do_not_share_are_counted_for_each_of_them(
    process: Callable[[Harm], ProcessedPoint], harm: Harm, triggers: int, lost: list[int]
) -> None:
    result = result_of(process(harm))
    assert result.triggers == triggers
    assert [file_of(result, channel).lost_events for channel in CHANNELS] == lost


def test_a_damaged_event_is_expected_once_though_other_channels_have_it(
    process: Callable[[Harm], ProcessedPoint],
) -> None:
    def damage(events: list[str]) -> Iterator[str]:
        return (
            re.sub(r"\n\d+\n", "\n?\n", event, count=1) if at % 50 == 7 else event
            for at, event in enumerate(events)
        )

    pmt = file_of(result_of(process(rewrite("wave2.txt", damage))), 2)
    assert (pmt.skipped_events, pmt.lost_events, pmt.vanished_events) == (6, 6, 0)
    assert pmt.expected_events == EVENTS


@pytest.mark.parametrize("name", ["wave1.txt", "wave4.txt"])
@pytest.mark.parametrize("content", ["hello\n" * 999, DISK_FULL, ""])
def test_a_monitor_or_reference_that_is_no_waveform_is_named_and_stands_in_nobodys_way(
    process: Callable[[Harm], ProcessedPoint], name: str, content: str
) -> None:
    result = result_of(process(replaced(name, lambda path: path.write_text(content))))
    refused = file_of(result, int(name[4]))
    assert refused.raw_format == "refused"
    assert name in refused.damage[0]
    assert result.triggers == EVENTS


def test_a_file_whose_events_are_of_another_channel_than_its_name_is_said(
    process: Callable[[Harm], ProcessedPoint],
) -> None:
    result = result_of(
        process(lambda folder: shutil.copy(folder / "wave0.txt", folder / "wave2.txt"))
    )
    assert "the events say channel 0, the file's name channel 2" in file_of(result, 2).damage[0]
    assert (file_of(result, 0).said_channel, file_of(result, 2).said_channel) == (0, 0)
    assert file_of(result, 0).damage == ()
    assert result.selected_charges == 0
