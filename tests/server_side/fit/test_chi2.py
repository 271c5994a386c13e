import math

import numpy as np
import pytest
from scipy.stats import chi2 as reference

from server_side.chi2 import chi2_probability, goodness_of_fit


@pytest.mark.parametrize("ndf", [1, 2, 3, 4, 7, 20, 45, 250, 1001])
@pytest.mark.parametrize("chi2", [1e-9, 0.1, 1.0, 7.7, 60.0, 300.0, 1200.0])
def test_the_probability_agrees_with_an_independent_implementation(chi2: float, ndf: int) -> None:
    assert chi2_probability(chi2, ndf) == pytest.approx(reference.sf(chi2, ndf), rel=1e-9)


def test_the_probability_of_what_is_no_chi2_is_zero() -> None:
    assert chi2_probability(math.nan, 3) == chi2_probability(math.inf, 3) == 0.0
    assert chi2_probability(1.0, 0) == 0.0
    assert chi2_probability(0.0, 5) == 1.0


def test_bins_that_expect_little_are_merged_and_nothing_is_lost() -> None:
    expected = np.array([0.5, 0.5, 5.0, 20.0, 2.0, 2.0, 0.1])
    counts = np.array([1.0, 0.0, 5.0, 21.0, 3.0, 1.0, 0.0])
    goodness = goodness_of_fit(counts, expected, free_parameters=0)
    assert goodness.ndf == 2
    assert goodness.chi2 == pytest.approx(0.0 + (25 - 24.1) ** 2 / 24.1, abs=1e-12)
    assert goodness.pulls.shape == expected.shape


def test_chi2_of_poisson_counts_follows_its_distribution_down_to_small_expectations() -> None:
    rng = np.random.default_rng(5)
    expected = 40.0 * np.exp(-0.5 * np.linspace(-3.5, 3.5, 60) ** 2)
    p_values = [goodness_of_fit(rng.poisson(expected), expected, 0).p_value for _ in range(2000)]
    assert np.mean(p_values) == pytest.approx(0.5, abs=0.03)
    assert np.mean(np.array(p_values) < 0.01) < 0.02
