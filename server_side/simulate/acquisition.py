"""Run an acquisition on a simulated bench: folders, files, pace, true values.

Two PMTs stand side by side in one acquisition: each has its own folder with
its own channel, and in it the channels that both share. What is written
depends on the settings and their seed alone, not on pace or threads.
"""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Event

from server_side.scan import ScanKind, zone_stamp
from server_side.simulate.bench import conditions_of
from server_side.simulate.channel_file import ChannelFile
from server_side.simulate.channel_writer import ChannelWriter
from server_side.simulate.channels import SimulatedChannel, channels_of
from server_side.simulate.settings import BenchSettings, SimulatedPmt
from server_side.simulate.triggers import block_count
from server_side.simulate.truth import true_values, write_truth
from server_side.simulate.waveforms import Digitiser, make_digitiser

TICK_S = 0.25
"""A live DAQ flushes its files so often."""


@dataclass(frozen=True)
class SimulatedAcquisition:
    """What was written."""

    folder: Path
    truth_file: Path
    finished_points: int
    """Points whose files are as they should be; a stalled one is not."""
    was_stopped: bool


def simulate_acquisition(
    bench: BenchSettings, raw_base: Path, *, now: datetime, stop: Event | None = None
) -> SimulatedAcquisition:
    """Write the files of an acquisition.

    Parameters
    ----------
    raw_base
        Folder that holds acquisitions; made when it is not there. The true
        values go to ``truth_<stamp>.json`` in it.
    now
        Begin of the acquisition, by which it is named.
    stop
        Ends the acquisition soon after it is set; files stay as they are then.

    Raises
    ------
    FileExistsError
        When there is an acquisition of that second already.
    """
    stop = stop or Event()
    stamp = zone_stamp(now, bench.zone)
    folder = raw_base / bench.daq.acquisition_pattern.format(stamp=stamp)
    folder.mkdir(parents=True)
    truth_file = raw_base / f"truth_{stamp}.json"
    truth = true_values(bench, folder.name, now)
    write_truth(truth, truth_file)
    digitiser, finished = make_digitiser(bench.daq), 0
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as threads:
        for step in bench.steps:
            if stop.is_set():
                break
            finished += _PointDaq(bench, folder, step, digitiser, threads, stop).acquire()
    return SimulatedAcquisition(folder, truth_file, finished, stop.is_set())


def point_folder(bench: BenchSettings, folder: Path, pmt: SimulatedPmt, step: int) -> Path:
    """Return the folder of a PMT's point in an acquisition folder."""
    daq, point = bench.daq, bench.point_of(pmt, step)
    is_position = bench.kind is ScanKind.POSITION
    pattern = daq.position_folder_pattern if is_position else daq.hv_folder_pattern
    return folder / pmt.serial_number / pattern.format(point=point.name)


def channel_file_name(bench: BenchSettings, channel: int, point: str) -> str:
    """Return the name of a channel's file; in HV checks it does not say the point."""
    if bench.kind is ScanKind.POSITION:
        return f"wave{channel}save_{point}.txt"
    return f"wave{channel}.txt"


@dataclass(frozen=True)
class _PointDaq:
    """The DAQ at one point."""

    bench: BenchSettings
    folder: Path
    step: int
    digitiser: Digitiser
    threads: ThreadPoolExecutor
    stop: Event

    def acquire(self) -> bool:
        """Write the files of a point; tell whether they are complete."""
        conditions = [conditions_of(self.bench, pmt, self.step) for pmt in self.bench.pmts]
        slowness = max(c.slowness for c in conditions)
        blocks = int(min(c.acquired_fraction for c in conditions) * block_count(self.bench))
        folders = [point_folder(self.bench, self.folder, pmt, self.step) for pmt in self.bench.pmts]
        for folder in folders:
            folder.mkdir(parents=True)
        with ExitStack() as files:
            writers = [
                ChannelWriter(
                    self.bench, self.step, slowness, channel,
                    files.enter_context(ChannelFile(self._paths(channel, folders))), self.digitiser,
                )
                for channel in channels_of(self.bench, self.step)
            ]  # fmt: skip
            self._write_at_pace(writers, blocks, slowness)
            is_complete = blocks == block_count(self.bench) and not self.stop.is_set()
            if is_complete:
                for writer in writers:
                    writer.file.flush()
        if is_complete and self.bench.done_marker:
            for folder in folders:
                (folder / self.bench.done_marker).touch()
        return is_complete

    def _write_at_pace(
        self, writers: Sequence[ChannelWriter], blocks: int, slowness: float
    ) -> None:
        """Write blocks when they are due, until the time of the point is over."""
        pace_s = self.bench.seconds_per_point
        duration_s = 0.0 if pace_s is None else pace_s * slowness
        began, done = time.monotonic(), 0
        while not self.stop.is_set():
            elapsed_s = time.monotonic() - began
            is_over = elapsed_s >= duration_s
            share = 1.0 if is_over else elapsed_s / duration_s
            due = min(blocks, int(share * block_count(self.bench)))
            self._write_blocks(writers, range(done, due))
            done = due
            if is_over:
                return
            self.stop.wait(TICK_S)

    def _write_blocks(self, writers: Sequence[ChannelWriter], blocks: range) -> None:
        """Write blocks of all channels, channels side by side."""

        def write(writer: ChannelWriter) -> None:
            for index in blocks:
                if self.stop.is_set():
                    return
                writer.write(index)

        for _ in self.threads.map(write, writers):
            pass

    def _paths(self, channel: SimulatedChannel, folders: Sequence[Path]) -> list[Path]:
        """Return the names of a channel's file: in the folder of its PMT, or of each."""
        return [
            folder
            / channel_file_name(
                self.bench, channel.number, self.bench.point_of(pmt, self.step).name
            )
            for pmt, folder in zip(self.bench.pmts, folders, strict=True)
            if channel.slot in (None, pmt.slot)
        ]
