"""Starts of all models on histograms of every kind: in range, or refused with a reason."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from server_side.response import MODELS
from server_side.response.model import Refusal
from server_side.response.moments import measure_moments
from server_side.result import Spectrum, SpectrumName

KINDS = ("flat", "peak", "spikes", "two peaks", "falling", "rising", "peak at the end")


def counts_of(kind: str, bins: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return counts of a kind, with random position and height."""
    place = np.arange(bins) / bins
    width, at = 0.2 * rng.random() + 0.1 / bins, rng.random()
    shapes = {
        "flat": np.full(bins, 10.0 ** rng.uniform(0, 6)),
        "peak": 1e5 * np.exp(-0.5 * ((place - at) / width) ** 2) + rng.choice([0, 5, 100]),
        "spikes": np.where(rng.random(bins) < 0.1, rng.integers(0, 10**6, bins), 0),
        "two peaks": 1e4 * np.exp(-0.5 * ((place - 0.8) / 0.02) ** 2)
        + 3e3 * np.exp(-0.5 * ((place - 0.3) / 0.1) ** 2),
        "falling": 1e4 * np.exp(-5.0 * place),
        "rising": 1e4 * np.exp(5.0 * place - 5.0),
        "peak at the end": 1e5 * np.exp(-0.5 * ((place - 0.9) / 0.01) ** 2) + 500.0,
    }
    return rng.poisson(shapes[kind])


def histograms(name: SpectrumName, kind: str) -> list[Spectrum]:
    rng, found = np.random.default_rng(KINDS.index(kind)), []
    for _ in range(60):
        bins = int(rng.choice([1, 2, 3, 8, 20, 50, 300]))
        low, width = float(rng.choice([-5.0, -1.0, 0.0, 0.5, 3.0])), 10.0 ** rng.uniform(-3, 1)
        edges = tuple(float(edge) for edge in low + width * np.arange(bins + 1))
        counts = tuple(int(count) for count in counts_of(kind, bins, rng))
        found.append(Spectrum(name=name, edges_pc=edges, counts=counts))
    return [spectrum for spectrum in found if sum(spectrum.counts) >= 500]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("model", MODELS, ids=lambda m: f"{m.name} {m.spectrum}")
def test_a_start_lies_in_its_range_or_is_refused(model, kind: str) -> None:
    for spectrum in histograms(model.spectrum, kind):
        start = model.start(spectrum)
        if isinstance(start, Refusal):
            assert start.reason
            continue
        for row in start.rows:
            assert row.low <= row.value <= row.high
            assert row.low < row.high
            assert row.step > 0
        values = np.array([row.value for row in start.rows])
        assert np.all(np.isfinite(model.expected(values, np.asarray(spectrum.edges_pc))))


@pytest.mark.parametrize("kind", KINDS)
def test_moments_are_finite_or_refused(kind: str) -> None:
    rng = np.random.default_rng(2)
    for spectrum in histograms(SpectrumName.WINDOW, kind):
        mixed = tuple(int(count) for count in rng.permutation(spectrum.counts))
        other = spectrum.model_copy(update={"name": SpectrumName.DARK, "counts": mixed})
        for dark in (None, other):
            found = measure_moments(spectrum, dark)
            if isinstance(found, Refusal):
                assert found.reason
            else:
                assert 0 < found.mean_pc.error < found.mean_pc.value < math.inf
