"""Which files of a point's raw folder are read for a scan: the channels by their roles."""

from dataclasses import dataclass

from server_side.errors import RawDataError
from server_side.raw_data import RawFile, RawPoint
from server_side.scan import ScanPlan
from server_side.settings import ChannelRole


@dataclass(frozen=True)
class ChosenFiles:
    """What is read of a point's folder."""

    pmt: RawFile
    trigger: RawFile
    others: tuple[RawFile, ...]
    """Monitor and reference PMT, as far as they are there."""
    note: str
    """Says so when the PMT's channel is not the slot's own."""

    @property
    def all(self) -> tuple[RawFile, ...]:
        """Every file that is read, by channel."""
        files = (self.trigger, self.pmt, *self.others)
        return tuple(sorted(files, key=lambda file: file.channel))


def choose_files(raw_point: RawPoint, plan: ScanPlan) -> ChosenFiles:
    """Choose the channels that are read for a scan's slot.

    Raises
    ------
    RawDataError
        When a channel has two files, or when there is none of the trigger or
        of any PMT channel that could be meant.
    """
    number, note = _pmt_channel(raw_point, plan)
    pmt = _only_file(raw_point, number)
    trigger = _first_of_role(raw_point, plan, ChannelRole.TRIGGER)
    if pmt is None or trigger is None:
        what = "the trigger" if pmt else f"the PMT's channel {number}"
        raise RawDataError(
            f"no file of {what} in {raw_point.folder}: found "
            f"{[f.path.name for f in raw_point.files] or 'no raw file'}, expected a name "
            f"like {plan.settings.daq.file_patterns[0]!r}"
        )
    beside = (ChannelRole.MONITOR, ChannelRole.REFERENCE)
    others = (_first_of_role(raw_point, plan, role) for role in beside)
    return ChosenFiles(pmt, trigger, tuple(f for f in others if f is not None), note)


def _pmt_channel(raw_point: RawPoint, plan: ScanPlan) -> tuple[int, str]:
    """Return the channel that is read, and why it is not the slot's own."""
    pmts = [c for c in plan.settings.daq.channels if c.role is ChannelRole.PMT]
    own = next((c.number for c in pmts if c.slot == plan.slot), None)
    if own is None:
        raise RawDataError(f"the settings name no channel for the PMT in slot {plan.slot}")
    present = {file.channel for file in raw_point.files}
    others = [c.number for c in pmts if c.number in present]
    if own in present or len(others) != 1:
        return own, ""
    return others[0], f"channel {others[0]} was read: channel {own} of slot {plan.slot} has no file"


def _first_of_role(raw_point: RawPoint, plan: ScanPlan, role: ChannelRole) -> RawFile | None:
    numbers = [c.number for c in plan.settings.daq.channels if c.role is role]
    files = (_only_file(raw_point, number) for number in numbers)
    return next((file for file in files if file is not None), None)


def _only_file(raw_point: RawPoint, channel: int) -> RawFile | None:
    files = [file for file in raw_point.files if file.channel == channel]
    if len(files) > 1:
        raise RawDataError(
            f"channel {channel} has {len(files)} files in {raw_point.folder}: "
            f"{', '.join(file.path.name for file in files)}. Leave the one that is meant"
        )
    return files[0] if files else None
