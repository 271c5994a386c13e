"""The state of a PMT at a point: its gain and light there, and what is wrong with it."""

import math
from functools import reduce

from server_side.scan import PositionPoint, VoltagePoint
from server_side.simulate.faults import Conditions, with_fault
from server_side.simulate.settings import TARGET_GAIN, BenchSettings, SimulatedPmt

EDGE_DEG = 50.0
"""The map's numbers hold at this theta."""


def conditions_of(bench: BenchSettings, pmt: SimulatedPmt, step: int) -> Conditions:
    """Return the state of a PMT in a step of the acquisition, with its faults."""
    point = bench.point_of(pmt, step)
    position = point if isinstance(point, PositionPoint) else bench.hv_position
    conditions = Conditions(
        gain_peak=_gain_at_centre(pmt, point) * _gain_map(pmt, position),
        occupancy=bench.light.occupancy * _efficiency_map(pmt, position),
        dark_rate_hz=pmt.dark_rate_hz,
        noise_adc=pmt.noise_adc,
        baseline_adc=pmt.baseline_adc,
    )
    return reduce(with_fault, bench.faults_of(pmt, step), conditions)


def _gain_at_centre(pmt: SimulatedPmt, point: PositionPoint | VoltagePoint) -> float:
    if isinstance(point, PositionPoint):
        return pmt.gain_peak
    return TARGET_GAIN * float((point.voltage_v / pmt.hv_for_target_v) ** pmt.gain_index)


def _gain_map(pmt: SimulatedPmt, position: PositionPoint) -> float:
    return _map(position, pmt.gain_tilt, pmt.gain_edge)


def _efficiency_map(pmt: SimulatedPmt, position: PositionPoint) -> float:
    return _map(position, pmt.efficiency_tilt, pmt.efficiency_edge)


def _map(position: PositionPoint, tilt: float, edge: float) -> float:
    """Return 1 at the centre, a plane tilted towards phi = 0 and a paraboloid elsewhere."""
    reach = position.theta_deg / EDGE_DEG
    return 1 + tilt * reach * math.cos(math.radians(position.phi_deg)) + edge * reach**2
