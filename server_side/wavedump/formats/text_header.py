"""What the text formats with a header have in common: a first look at some events."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean, multimode

import numpy as np

from server_side.settings import DaqSettings
from server_side.wavedump.fault import Fault, describe_fault
from server_side.wavedump.format_names import RawFormatName
from server_side.wavedump.formats.found import quote_bytes
from server_side.wavedump.recognition import Mismatch, TooShort
from server_side.wavedump.rows import ByteWindow
from server_side.wavedump.text_decoder import TextDecoder
from server_side.wavedump.text_samples import MORE, WHOLE
from server_side.wavedump.text_scan import (
    MAX_HEADER_BYTES,
    MAX_RECORD_LENGTH,
    NO_VALUE,
    TextHeader,
    TextLayout,
    find_event,
    find_stray,
    read_event,
)

EVENTS_LOOKED_AT = 3
"""A damaged first event must not decide what a file's events look like."""
BEGINS_WITH = "a header line, 'Record Length: <samples>' first"


@dataclass(frozen=True)
class FirstEvent:
    """One of the first events of a file."""

    header: TextHeader
    outcome: int
    """``WHOLE``, ``MORE`` or a fault."""
    failed_at: int
    """Where reading ended."""
    found: int
    wanted: int
    content: bytes


def recognise_text(
    name: RawFormatName, head: ByteWindow, daq: DaqSettings, *, has_lists: bool
) -> tuple[TextDecoder, FirstEvent] | Mismatch | TooShort:
    """Return a decoder and the event that it was modelled on."""
    seen = list(_look_at_events(head, daq, has_lists=has_lists))
    whole = [event for event in seen if event.outcome == WHOLE]
    if not whole:
        return _name_mismatch(head, seen)
    length = multimode(event.header.record_length for event in whole)[0]
    channel = multimode(event.header.channel for event in whole)[0]
    alike = [event for event in whole if event.header.record_length == length]
    layout = _first_layout(daq, has_lists=has_lists)._replace(
        record_length=length,
        channel=channel,
        any_channel=False,
        has_time_tag=alike[0].header.time_tag != NO_VALUE,
    )
    event_bytes = fmean(len(event.content) for event in alike)
    return TextDecoder(name, layout, event_bytes), alike[0]


def _first_layout(daq: DaqSettings, *, has_lists: bool) -> TextLayout:
    return TextLayout(
        record_length=0,
        channel=NO_VALUE,
        any_channel=True,
        has_time_tag=False,
        has_lists=has_lists,
        top_adc=(1 << daq.adc_bits) - 1,
    )


def _look_at_events(head: ByteWindow, daq: DaqSettings, *, has_lists: bool) -> Iterator[FirstEvent]:
    """Yield the first events up to some whole ones."""
    layout = _first_layout(daq, has_lists=has_lists)
    samples = np.empty(MAX_RECORD_LENGTH, np.float32)
    whole = 0
    begin = find_event(head.data, 0, head.end)
    while begin >= 0 and whole < EVENTS_LOOKED_AT:
        stop, outcome, found, wanted, header = read_event(
            head.data, begin, head.end, head.at_end, layout, samples
        )
        content = head.data[begin:stop].tobytes()
        yield FirstEvent(header, outcome, stop, found, wanted, content)
        if outcome == MORE:
            return
        whole += outcome == WHOLE
        begin = find_event(head.data, max(stop, begin + 1), head.end)


def _name_mismatch(head: ByteWindow, seen: list[FirstEvent]) -> Mismatch | TooShort:
    if any(event.outcome == MORE for event in seen):
        return TooShort()
    if seen:
        first = seen[0]
        fault = describe_fault(Fault(first.outcome), first.failed_at, first.found, first.wanted)
        quoted = quote_bytes(head.data[first.failed_at : head.end][:64].tobytes())
        return Mismatch(first.failed_at, "a whole event", f"{quoted} ({fault})")
    stray = find_stray(head.data, 0, head.end)
    if stray < 0 and head.end < MAX_HEADER_BYTES:
        return TooShort()
    quoted = quote_bytes(head.data[max(stray, 0) : head.end][:64].tobytes())
    return Mismatch(max(stray, 0), BEGINS_WITH, quoted)
