"""What a result says only beside others: its scan's centre, the plan, the reference.

These quantities are made where a result is judged, because the cluster sees one
point at a time. They have names like those that the cluster measures, and are
judged by the same kind of limits.
"""

import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from background_executor.judging.checks import binomial_error
from background_executor.judging.reference import Comparison, ReferenceRecord, compare_spectra
from server_side.result import (
    InputFile,
    Measurement,
    Missing,
    PointResult,
    Quantity,
    SpectrumName,
)
from server_side.scan import ScanKind

RELATIVE_TO_CENTRE = {
    "relative_efficiency": "occupancy_per_monitor_charge",
    "relative_reference_ratio": "occupancy_per_reference_occupancy",
    "relative_monitor_charge": "monitor_charge_pc",
    "relative_reference_charge": "reference_charge_pc",
}
"""Quantities that are the point's over the centre's, and of what."""


@dataclass(frozen=True)
class ScanContext:
    """What is known around a point when it is judged."""

    centre: PointResult | None = None
    """Result of the scan's centre; that of the point itself where it is the centre."""
    expected_events: int | None = None
    """Events that a whole point has, where settings say it."""
    other_triggers: tuple[int, ...] = ()
    """Triggers of the scan's other points, of each its newest result that is not flagged."""
    median_points: int = 3
    """From so many other points on, the median of their triggers is what a whole point has."""
    reference: ReferenceRecord | None = None


NO_CONTEXT = ScanContext()


@dataclass(frozen=True)
class Derived:
    """A derived quantity and what else is to be said of it."""

    measurement: Measurement
    remark: str = ""


def derive_quantities(result: PointResult, context: ScanContext) -> tuple[Derived, ...]:
    """Return every quantity that needs more than the result's own measurements."""
    return (
        *(Derived(entry) for entry in _event_shares(result)),
        _slipped_events(result),
        _channel_mismatch(result),
        Derived(_completeness(result, context)),
        Derived(_arrival_shift(result, context)),
        *(Derived(_over_centre(result, context, name)) for name in RELATIVE_TO_CENTRE),
        *_agreement(result, context.reference),
    )


def _event_shares(result: PointResult) -> Iterator[Measurement]:
    """Return which share of events the worst channel has damaged, twice, not, or not any more."""
    files = [file for file in result.provenance.inputs if file.events + file.skipped_events]
    last = max((file.last_event for file in files if file.last_event is not None), default=0)
    losses = [_Losses.of(file, last) for file in files]
    for name, kind, meaning in (
        ("damaged_events", "damaged", "Events that could not be read"),
        ("doubled_events", "doubled", "Events that came twice"),
        ("lost_events", "lost", "Events that other channels have, before the file's end"),
        ("cut_off_events", "cut_off", "Events that other channels have after the file's end"),
    ):
        shares = [(min(1.0, getattr(loss, kind) / loss.whole), loss.whole) for loss in losses]
        if not shares:
            yield Missing(name=name, reason="no raw file with events is named in the result")
            continue
        share, whole = max(shares)
        told = f"{meaning}, of the worst channel."
        error = binomial_error(share, whole)
        yield Quantity(name=name, value=share, error=error, unit="", meaning=told)


@dataclass(frozen=True)
class _Losses:
    """What is wrong with the events of one channel's file."""

    damaged: int
    doubled: int
    lost: int
    cut_off: int
    whole: int
    """Events that the file should have."""

    @classmethod
    def of(cls, file: InputFile, last_event: int) -> "_Losses":
        """Count; what other channels have after the file's last event was cut off."""
        own_last = last_event if file.last_event is None else file.last_event
        cut_off = min(last_event - own_last, file.vanished_events)
        lost = file.vanished_events - cut_off
        whole = file.expected_events
        return cls(file.skipped_events, file.doubled_events, lost, cut_off, whole)


def _slipped_events(result: PointResult) -> Derived:
    """Return which share of the worst channel's events are of another trigger."""
    name = "slipped_events"
    slips = {
        file.channel: file.slipped_events
        for file in result.provenance.inputs
        if file.slipped_events is not None
    }
    if not slips or not result.triggers:
        return Derived(Missing(name=name, reason="no time tags of two channels can be compared"))
    pmt_channel = result.provenance.acquisition.pmt_channel
    if pmt_channel not in slips and not any(slips.values()):
        # That the monitor has not slipped says nothing of the channel that the gain is from.
        reason = f"the time tags of the PMT's channel {pmt_channel} cannot be compared"
        return Derived(Missing(name=name, reason=reason))
    quantity = Quantity(
        name=name,
        value=min(1.0, max(slips.values()) / result.triggers),
        error=1.0 / result.triggers,
        unit="",
        meaning="Events with the time tag of another trigger than the trigger's channel has.",
    )
    remarks = [f"{events} events of channel {channel}" for channel, events in slips.items()]
    return Derived(quantity, ", ".join(remarks) if quantity.value else "")


def _channel_mismatch(result: PointResult) -> Derived:
    """Return the number of events that say another channel than their file's name."""
    wrong = [
        file
        for file in result.provenance.inputs
        if file.said_channel not in (None, file.channel) and file.events
    ]
    quantity = Quantity(
        name="channel_mismatch",
        value=float(sum(file.events for file in wrong)),
        # All events are counted: it is no sample.
        error=0.0,
        unit="",
        meaning="Events that say another channel than the name of their file.",
    )
    remarks = [f"the events of {file.path} say channel {file.said_channel}" for file in wrong]
    return Derived(quantity, "; ".join(remarks))


def _completeness(result: PointResult, context: ScanContext) -> Measurement:
    name = "completeness"
    others, least = context.other_triggers, context.median_points
    if context.expected_events is not None:
        whole, of = float(context.expected_events), "the number that settings expect"
    elif len(others) < least:
        why = f"settings expect no number of events, and less than {least} other points are there"
        return Missing(name=name, reason=f"{why} to compare with")
    else:
        whole, of = statistics.median(others), f"the median of {len(others)} other points"
    if not whole:
        return Missing(name=name, reason="the scan's other points have no triggers")
    value, meaning = result.triggers / whole, f"Triggers over {of}."
    return Quantity(name=name, value=value, error=1.0 / whole, unit="", meaning=meaning)


def _arrival_shift(result: PointResult, context: ScanContext) -> Measurement:
    name, of = "arrival_shift_ns", "arrival_time_ns"
    pair = _own_and_centres(result, context, of)
    if isinstance(pair, str):
        return Missing(name=name, reason=pair)
    own, centre = pair
    return Quantity(
        name=name,
        value=own.value - centre.value,
        error=_both(own.error, centre.error),
        unit="ns",
        meaning="Arrival time less that at the centre of the same scan.",
    )


def _over_centre(result: PointResult, context: ScanContext, name: str) -> Measurement:
    of = RELATIVE_TO_CENTRE[name]
    pair = _own_and_centres(result, context, of)
    if isinstance(pair, str):
        return Missing(name=name, reason=pair)
    own, centre = pair
    if not (own.value > 0 and centre.value > 0):
        return Missing(name=name, reason=f"{of} is zero here or at the centre")
    ratio = own.value / centre.value
    relative = _both(
        own.error and own.error / own.value, centre.error and centre.error / centre.value
    )
    return Quantity(
        name=name,
        value=ratio,
        error=None if relative is None else ratio * relative,
        unit="",
        meaning=f"{of} over that at the centre of the same scan.",
    )


def _both(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else math.hypot(one, other)


def _own_and_centres(
    result: PointResult, context: ScanContext, of: str
) -> tuple[Quantity, Quantity] | str:
    """Return a quantity here and at the centre, or why there is no pair of them."""
    if result.kind is not ScanKind.POSITION:
        return "an HV check has no other position to compare with"
    centre = _other_centre(result, context)
    if centre is None:
        is_centre = context.centre is not None
        return "this is the centre itself" if is_centre else "the centre is not measured yet"
    found = []
    for where, each in (("here", result), ("at the centre", centre)):
        entry = each.measurement_of(of)
        if not isinstance(entry, Quantity):
            why = entry.reason if isinstance(entry, Missing) else "the result does not have it"
            return f"{of} was not measured {where}: {why}"
        found.append(entry)
    return found[0], found[1]


def _other_centre(result: PointResult, context: ScanContext) -> PointResult | None:
    centre = context.centre
    is_other = centre is not None and centre.take.point != result.take.point
    return centre if is_other else None


def _agreement(result: PointResult, reference: ReferenceRecord | None) -> tuple[Derived, Derived]:
    """Compare the thresholded spectrum with that of the reference."""
    names = ("reference_chi2_per_ndf", "reference_ks_distance")
    found = _compare(result, reference)
    if isinstance(found, str):
        first, second = (Missing(name=name, reason=found) for name in names)
        return Derived(first), Derived(second)
    comparison, against = found
    of = f"against reference {against}"
    chi2 = Quantity(
        name=names[0],
        value=comparison.chi2_per_ndf,
        error=math.sqrt(2.0 / comparison.ndf),
        unit="",
        meaning="Chi2 of the two charge spectra, each of area 1, over its degrees of freedom.",
    )
    distance = Quantity(
        name=names[1],
        value=comparison.ks_distance,
        error=0.5 / math.sqrt(max(result.selected_charges, 1)),
        unit="",
        meaning="Kolmogorov-Smirnov distance of the two spectra.",
    )
    return Derived(chi2, f"{of}, {comparison.pulls_in_words}"), Derived(distance, of)


def _compare(
    result: PointResult, reference: ReferenceRecord | None
) -> tuple[Comparison, str] | str:
    """Return the comparison and what it was made with, or why there is none."""
    if result.kind is not ScanKind.POSITION:
        return "a reference is for positions, not for voltages"
    if reference is None:
        return "no reference was made of this PMT or of its type"
    good = reference.spectrum_of(result.take.point.name)
    if good is None:
        return f"reference {reference.name} has no spectrum of {result.take.point.name}"
    spectrum = result.spectrum_of(SpectrumName.THRESHOLD)
    if spectrum is None:
        return "the result has no spectrum of thresholded charges"
    comparison = compare_spectra(spectrum, good)
    return comparison if isinstance(comparison, str) else (comparison, reference.name)
