"""The simulated thresholded spectrum against ten measured ones.

The metric: each spectrum is divided by its peak's position on the charge axis
and by its area between 0.5 and 1.5 of it, and read on a grid there. The
distance of two such shapes is the root of their mean squared difference. The
simulated shape must be no further from the mean of the ten real ones than the
real one that is furthest from the mean of the other nine.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from server_side.pulses import (
    ArrivalWindow,
    count_arrivals,
    extract_pulses,
    find_arrival_window,
)
from server_side.pulses.windows import is_inside
from server_side.scan import PositionPoint, ScanKind
from server_side.settings import AnalysisSettings, DaqSettings
from server_side.simulate import BenchSettings, SimulatedPmt
from server_side.simulate.channels import channels_of
from server_side.simulate.triggers import block_count, trigger_block
from server_side.simulate.waveforms import digitise, make_digitiser
from server_side.wavedump.events import EventBlock

SPECTRA = Path(__file__).parents[2] / "data" / "spectra.json"
REAL_GAIN = 1.03e7
"""Mean of the published gains: with it the bins lie on the simulated peak as on the real ones."""
GRID = np.linspace(0.5, 1.5, 21)
DAQ = DaqSettings()
Floats = NDArray[np.float64]


def peak_pc(edges: Floats, counts: Floats) -> float:
    """Return the highest point of a parabola through the bins above three quarters."""
    middle = (edges[1:] + edges[:-1]) / 2
    high = counts > 0.75 * counts.max()
    curvature, slope, _ = np.polyfit(middle[high], counts[high], 2, w=1 / np.sqrt(counts[high]))
    return float(-slope / (2 * curvature))


def shape_of(edges: Floats, counts: Floats) -> Floats:
    middle = (edges[1:] + edges[:-1]) / 2
    height = np.interp(GRID, middle / peak_pc(edges, counts), counts)
    return np.asarray(height / np.trapezoid(height, GRID))


def distance(one: Floats, other: Floats) -> float:
    return float(np.sqrt(((one - other) ** 2).mean()))


@pytest.fixture(scope="module")
def real_spectra() -> list[tuple[Floats, Floats]]:
    spectra = json.loads(SPECTRA.read_text())["spectra"]
    return [(np.array(s["charge_edges_pC"]), np.array(s["counts"], dtype=float)) for s in spectra]


def simulated_charges(bench: BenchSettings) -> Floats:
    """Thresholded charges in the arrival window, as the analysis would find them."""
    digitiser = make_digitiser(DAQ)
    trigger_ns, starts, charges = 88.0, [], []
    channel = channels_of(bench, 0)[-1]
    settings = DAQ.channels[2]
    for index in range(block_count(bench)):
        triggers = trigger_block(bench, 0, index, slowness=1.0)
        random = np.random.default_rng((bench.seed, index))
        counts = digitise(
            digitiser, channel.draw_pulses(triggers, random), channel.shape,
            baseline_adc=np.full(len(triggers), channel.baseline_adc),
            noise_adc=channel.noise_adc, seed=index,
        )  # fmt: skip
        block = EventBlock(triggers.event_number, triggers.time_tag, counts.astype(np.float32))
        table = extract_pulses(block, settings, DAQ, AnalysisSettings(), ScanKind.POSITION)
        starts.append(table.start_sample)
        charges.append(table.charge_pc)
    arrival_ns = np.concatenate(starts) * DAQ.sample_ns - trigger_ns
    arrival = find_arrival_window(count_arrivals(arrival_ns, DAQ.sample_ns))
    assert isinstance(arrival, ArrivalWindow)
    return np.concatenate(charges)[is_inside(arrival.window, arrival_ns)]


@pytest.mark.slow
def test_the_simulated_spectrum_lies_within_the_spread_of_the_real_ones(
    real_spectra: list[tuple[Floats, Floats]],
) -> None:
    shapes = np.array([shape_of(edges, counts) for edges, counts in real_spectra])
    spread = [
        distance(shape, np.delete(shapes, i, axis=0).mean(axis=0)) for i, shape in enumerate(shapes)
    ]
    bench = BenchSettings(
        pmts=(SimulatedPmt(serial_number="KQ0001", slot=1, gain_peak=REAL_GAIN),),
        points=(PositionPoint(theta_deg=0, phi_deg=0),),
        triggers=300_000,
    )
    edges = real_spectra[0][0]
    counts, _ = np.histogram(simulated_charges(bench), edges)
    simulated = shape_of(edges, counts.astype(float))
    print(f"simulated {distance(simulated, shapes.mean(axis=0)):.4f}, real up to {max(spread):.4f}")
    assert distance(simulated, shapes.mean(axis=0)) <= max(spread)


def test_the_peak_of_a_known_shape_is_found() -> None:
    edges = np.linspace(0.5, 4.5, 51)
    middle = (edges[1:] + edges[:-1]) / 2
    counts = 3000 * np.exp(-0.5 * ((middle - 1.63) / 0.4) ** 2)
    assert peak_pc(edges, counts) == pytest.approx(1.63, abs=0.005)
