"""Photoelectrons of a block of triggers: laser light, late ones, dark ones."""

import numpy as np
from numpy.typing import NDArray

from server_side.simulate.faults import Conditions
from server_side.simulate.settings import LightSettings
from server_side.simulate.triggers import TriggerBlock

DARK_LEAD_NS = 100.0
"""Dark pulses begin this long before the record, so that their tails are in it."""


def light_times(
    triggers: TriggerBlock,
    light: LightSettings,
    conditions: Conditions,
    random: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Draw the photoelectrons of the laser.

    Returns
    -------
    Index of the event in the block and time in the record (ns), each of shape (photoelectrons,).
    """
    mean = conditions.occupancy * (1 + conditions.light_drift * triggers.progress)
    event = np.repeat(np.arange(len(triggers)), random.poisson(mean))
    transit_ns = light.transit_sigma_ns * random.standard_normal(
        len(event)
    ) + light.transit_tail_ns * random.standard_exponential(len(event))
    is_late = random.random(len(event)) < light.late_fraction
    late_ns = np.where(is_late, light.late_ns * random.standard_exponential(len(event)), 0.0)
    arrival_ns = light.arrival_ns + conditions.arrival_shift_ns
    return event, triggers.edge_ns[event] + arrival_ns + transit_ns + late_ns


def dark_times(
    triggers: TriggerBlock, rate_hz: float, record_ns: float, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Draw photoelectrons that have nothing to do with the trigger.

    Returns
    -------
    Index of the event in the block and time in the record (ns), each of shape (photoelectrons,).
    """
    span_ns = record_ns + DARK_LEAD_NS
    event = np.repeat(
        np.arange(len(triggers)), random.poisson(rate_hz * span_ns * 1e-9, len(triggers))
    )
    return event, random.uniform(-DARK_LEAD_NS, record_ns, len(event))
