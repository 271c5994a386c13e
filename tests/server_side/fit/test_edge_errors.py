"""A nuisance at an edge of physics is not known: what hangs on it has the errors of a free one."""

import numpy as np
import pytest

from server_side.edge_errors import free_at_edge
from server_side.fit_outcome import Minimum
from server_side.likelihood import BinnedLikelihood
from server_side.response.dft import DftWindow
from server_side.response.poisson_gauss import PoissonGauss
from server_side.result import SpectrumName

EDGES = np.linspace(-1.2, 9.0, 301)
POISSON_GAUSS = np.array([2e5, 0.3, 0.0, 0.15, 1.6, 0.5])
STEPS = np.array([450.0, 1.5e-3, 4e-4, 4e-4, 3e-3, 3e-3])


def hessian_of(likelihood: BinnedLikelihood, values, slots):
    rows = []
    for slot in slots:
        offset = np.zeros_like(values)
        offset[slot] = STEPS[slot]
        above = likelihood.slopes(values + offset, slots)
        below = likelihood.slopes(values - offset, slots)
        rows.append((above - below) / (2.0 * STEPS[slot]))
    return np.array(rows)


@pytest.mark.parametrize("held", [1, 5])
def test_the_errors_are_those_with_the_parameter_free(make_spectrum, held: int) -> None:
    model = PoissonGauss()
    counts = np.round(model.expected(POISSON_GAUSS, EDGES))
    likelihood = BinnedLikelihood(model)
    likelihood.set_data(make_spectrum(EDGES, counts, SpectrumName.WINDOW), STEPS)
    everything = np.linalg.inv(hessian_of(likelihood, POISSON_GAUSS, range(6)))
    others = tuple(slot for slot in range(6) if slot != held)
    known = np.linalg.inv(hessian_of(likelihood, POISSON_GAUSS, others))

    held_fast = Minimum(POISSON_GAUSS, others, 0.0, known, (), "")
    found = free_at_edge(held_fast, likelihood, held, STEPS[held])

    assert found.free == (*others, held)
    assert found.at_edge == (held,)
    assert found.fitted == 5
    expected = everything[np.ix_(found.free, found.free)]
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert np.allclose(found.covariance / scale, expected / scale, atol=0.01)


def test_a_minimum_without_a_covariance_gets_none(make_spectrum) -> None:
    failed = Minimum(POISSON_GAUSS, (0, 1, 2, 3, 4), 0.0, None, (), "no valid minimum")
    likelihood = BinnedLikelihood(PoissonGauss())
    assert free_at_edge(failed, likelihood, 5, 0.01) is failed


def test_a_fit_at_its_edge_does_not_know_that_there_are_no_low_charges(
    fitter, make_spectrum
) -> None:
    model = DftWindow()
    inside = np.array([1e5, 0.3, 0.0, 0.15, 1.6, 0.45, 0.15, 0.56, 0.15])
    at_edge = inside.copy()
    at_edge[6] = 0.0
    wants_less = 1.0 - 4e-4 * (np.abs(EDGES[:-1] - 0.5) < 0.3)
    fits = [
        fitter.fit(make_spectrum(EDGES, np.round(counts), SpectrumName.WINDOW), "dft")
        for counts in (model.expected(at_edge, EDGES) * wants_less, model.expected(inside, EDGES))
    ]
    assert fits[0].message.startswith("fixed low_fraction = 0")
    low_fraction = next(p for p in fits[0].parameters if p.name == "low_fraction")
    assert low_fraction.value == 0.0
    assert low_fraction.note == "at its edge; the error is the one without the edge"
    assert fits[0].gain_mean_err == pytest.approx(fits[1].gain_mean_err, rel=0.2)
