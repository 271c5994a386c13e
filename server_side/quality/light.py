"""The light monitor, the reference photomultiplier, and the efficiency they normalise."""

import math

import numpy as np
from numpy.typing import NDArray

from server_side.pulses import PulseColumns, PulseReading
from server_side.quality.quantities import drift, fraction, mean, measured
from server_side.result import Measurement, Missing, Quantity
from server_side.scan import ScanPlan
from server_side.settings import ChannelRole


def measure_light(
    reading: PulseReading, plan: ScanPlan, response: tuple[Measurement, ...]
) -> tuple[Measurement, ...]:
    """Return charge and stability of monitor and reference, and the light yield."""
    monitor = _table_of(reading, plan, ChannelRole.MONITOR)
    reference = _table_of(reading, plan, ChannelRole.REFERENCE)
    return (
        _charge("monitor_charge_pc", monitor, "Mean charge of the light monitor's pulses."),
        _relative_drift("monitor_drift", monitor, "Change of the monitor's charge over the point."),
        _charge("reference_charge_pc", reference, "Mean charge of the reference PMT's pulses."),
        _hits("reference_hit_fraction", reference),
        _relative_drift("reference_drift", reference, "Change of the reference's charge."),
        _light_yield(response, monitor),
        _yield_ratio(response, reference),
    )


def _table_of(reading: PulseReading, plan: ScanPlan, role: ChannelRole) -> PulseColumns | str:
    """Return the table of a role's channel, or why there is none."""
    numbers = [c.number for c in plan.settings.daq.channels if c.role is role]
    read = [entry.channel for entry in reading.channels if entry.channel in numbers]
    if read:
        return reading.pulses.of(read[0])
    refused = [entry.reason for entry in reading.refused if entry.channel in numbers]
    return refused[0] if refused else f"there is no {role.value} channel in the data"


def _pulse_charges(table: PulseColumns) -> NDArray[np.float64]:
    return table.charge_pc[np.isfinite(table.charge_pc)]


def _charge(name: str, table: PulseColumns | str, meaning: str) -> Measurement:
    if isinstance(table, str):
        return Missing(name=name, reason=table)
    return mean(name, _pulse_charges(table), "pC", meaning)


def _hits(name: str, table: PulseColumns | str) -> Measurement:
    if isinstance(table, str):
        return Missing(name=name, reason=table)
    hits = int(np.isfinite(table.start_sample).sum())
    return fraction(name, hits, len(table), "Triggers with a pulse in the reference PMT.")


def _relative_drift(name: str, table: PulseColumns | str, meaning: str) -> Measurement:
    if isinstance(table, str):
        return Missing(name=name, reason=table)
    charges = _pulse_charges(table)
    level = float(charges.mean()) if len(charges) else 0.0
    if not level > 0:
        return Missing(name=name, reason="the channel has no pulses")
    return drift(name, charges / level, "", f"{meaning} First event to last, by a straight line.")


def _yield_ratio(response: tuple[Measurement, ...], reference: PulseColumns | str) -> Measurement:
    """Return the light that the PMT saw over that which the reference PMT saw."""
    name = "occupancy_per_reference_occupancy"
    occupancy = next((entry for entry in response if entry.name == "occupancy"), None)
    if isinstance(reference, str):
        return Missing(name=name, reason=reference)
    if not isinstance(occupancy, Quantity):
        return Missing(name=name, reason=_why_no_occupancy(occupancy))
    hits, events = int(np.isfinite(reference.start_sample).sum()), len(reference)
    if not 0 < hits < events:
        return Missing(name=name, reason=f"the reference PMT has a pulse in {hits} of {events}")
    share = hits / events
    seen = -math.log1p(-share)
    relative = math.hypot(
        (occupancy.error or 0.0) / occupancy.value,
        math.sqrt(share / (1.0 - share) / events) / seen,
    )
    ratio = occupancy.value / seen
    meaning = (
        "Occupancy over that of the reference PMT, -ln(1 - hit fraction); over that of the "
        "centre, an efficiency that does not hang on the monitor."
    )
    return measured(name, ratio, ratio * relative, "", meaning)


def _why_no_occupancy(occupancy: Missing | None) -> str:
    reason = f": {occupancy.reason}" if occupancy is not None else ""
    return f"the occupancy was not measured{reason}"


def _light_yield(response: tuple[Measurement, ...], monitor: PulseColumns | str) -> Measurement:
    """Return the light that the PMT saw over that which the monitor saw, each per trigger.

    A laser that misses triggers lowers the occupancy, but not the charge of the monitor's
    pulses: a trigger without a pulse counts as no charge.
    """
    name = "occupancy_per_monitor_charge"
    occupancy = next((entry for entry in response if entry.name == "occupancy"), None)
    if not isinstance(occupancy, Quantity):
        return Missing(name=name, reason=_why_no_occupancy(occupancy))
    if isinstance(monitor, str):
        return Missing(name=name, reason=monitor)
    charges = np.where(np.isfinite(monitor.charge_pc), monitor.charge_pc, 0.0)
    level = mean(name, charges, "pC", "Mean charge of the light monitor per trigger.")
    if not isinstance(level, Quantity) or not level.value > 0:
        return Missing(name=name, reason="the light monitor was not measured")
    relative = math.hypot(
        (occupancy.error or 0.0) / occupancy.value, (level.error or 0.0) / level.value
    )
    ratio = occupancy.value / level.value
    meaning = (
        "Occupancy over the monitor's charge per trigger: over that of the centre, the relative "
        "efficiency."
    )
    return measured(name, ratio, ratio * relative, "1/pC", meaning)
