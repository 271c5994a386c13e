"""What the text formats with a header have in common: a first look at some events."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean, multimode

import numpy as np

from server_side.wavedump.decoder import Decoder
from server_side.wavedump.fault import Fault, describe_fault
from server_side.wavedump.format_names import RawFormatName
from server_side.wavedump.recognition import FileHead, Mismatch, TooShort
from server_side.wavedump.scanning import MORE, WHOLE, ByteWindow
from server_side.wavedump.text_header import (
    MAX_HEADER_BYTES,
    NO_VALUE,
    find_event,
    find_stray,
    read_header,
)
from server_side.wavedump.text_samples import MAX_TOKEN_BYTES, SampleRule
from server_side.wavedump.text_scan import (
    MAX_RECORD_LENGTH,
    EventOutcome,
    TextLayout,
    read_event,
    scan_text,
)

EVENTS_LOOKED_AT = 3
"""A damaged first event must not decide what a file's events look like."""
BEGINS_WITH = "a header line, 'Record Length: <samples>' first"
LONGEST_LINE = 200
BLANKS = b" \t\r\n"
START_CELL_KEY = b"Start Index Cell:"


@dataclass(frozen=True)
class SeenEvent:
    """One of the first events of a file."""

    event: EventOutcome
    header: bytes
    samples: bytes


def make_decoder(name: RawFormatName, alike: list[SeenEvent], layout: TextLayout) -> Decoder:
    """Return the decoder of a file whose first events are known."""
    length = multimode(seen.event.header.record_length for seen in alike)[0]
    channel = multimode(seen.event.header.channel for seen in alike)[0]
    of_length = [seen for seen in alike if seen.event.header.record_length == length]
    return Decoder(
        name=name,
        scan=scan_text,
        layout=layout._replace(
            record_length=length,
            channel=channel,
            any_channel=False,
            has_time_tag=of_length[0].event.header.time_tag != NO_VALUE,
        ),
        record_length=length,
        channel=None if channel == NO_VALUE else channel,
        event_bytes=fmean(len(seen.header) + len(seen.samples) for seen in of_length),
        max_event_bytes=2 * MAX_HEADER_BYTES + MAX_TOKEN_BYTES * length,
        blanks=BLANKS,
    )


def first_layout(rule: SampleRule, *, has_lists: bool) -> TextLayout:
    """Return the layout that accepts any event with such samples."""
    return TextLayout(
        record_length=0,
        channel=NO_VALUE,
        any_channel=True,
        has_time_tag=False,
        has_lists=has_lists,
        rule=rule,
    )


def find_first_events(head: FileHead, layout: TextLayout) -> list[SeenEvent] | Mismatch | TooShort:
    """Return the first few whole events, or why there are none."""
    seen = list(_look_at_events(head.window, layout))
    whole = [each for each in seen if each.event.outcome == WHOLE]
    if whole:
        return whole
    if head.is_text and any(each.event.outcome == MORE for each in seen):
        return TooShort()
    faults = [each.event for each in seen if each.event.outcome != MORE]
    return _name_fault(head, faults[0]) if faults else _name_stray(head)


def _look_at_events(window: ByteWindow, layout: TextLayout) -> Iterator[SeenEvent]:
    """Yield the first events up to some whole ones."""
    samples = np.empty(MAX_RECORD_LENGTH, np.float32)
    whole = 0
    begin = find_event(window, window.begin)
    while begin >= 0 and whole < EVENTS_LOOKED_AT:
        event = read_event(window, begin, layout, samples)
        behind_header = min(max(read_header(window, begin)[0], begin), event.stop)
        header = window.data[begin:behind_header].tobytes()
        yield SeenEvent(event, header, window.data[behind_header : event.stop].tobytes())
        if event.outcome == MORE:
            return
        whole += event.outcome == WHOLE
        begin = find_event(window, max(event.stop, begin + 1))


def _name_fault(head: FileHead, event: EventOutcome) -> Mismatch:
    fault = describe_fault(Fault(event.outcome), *event.found_wanted)
    return Mismatch(event.stop, "a whole event", f"{head.quote(event.stop)} ({fault})")


def _name_stray(head: FileHead) -> Mismatch | TooShort:
    stray = find_stray(head.window.data, 0, head.window.end)
    if stray < 0 and _may_become_header(head):
        return TooShort()
    return Mismatch(max(stray, 0), BEGINS_WITH, head.quote(max(stray, 0)))


def _may_become_header(head: FileHead) -> bool:
    """Tell whether the little that is there can be the beginning of a header."""
    lines = head.window.data[: head.window.end].tobytes().split(b"\n")
    is_short = head.window.end < MAX_HEADER_BYTES and max(map(len, lines)) <= LONGEST_LINE
    return is_short and head.is_text


def are_of_x742(events: list[SeenEvent]) -> bool:
    """Tell whether most events are of an x742 board: by decimals, or by a start index cell.

    Neither a point in another header line nor one damaged sample says so: the wide range
    of corrected samples would let damage in.
    """
    return 2 * sum(map(_is_of_x742, events)) > len(events)


def _is_of_x742(seen: SeenEvent) -> bool:
    has_cell = any(line.startswith(START_CELL_KEY) for line in seen.header.splitlines())
    return has_cell or 2 * seen.samples.count(b".") > seen.event.header.record_length
