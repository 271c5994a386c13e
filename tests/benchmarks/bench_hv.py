"""Voltages of simulated HV checks beside the truth: ``python -m tests.benchmarks.bench_hv``.

Three true voltages, three indices, three charge shapes, two occupancies, five
points each of 100,000 triggers, drawn at the level of charges
(``tests/window_charges.py``); with ``--waveforms``, one case of each shape also
through raw files and the whole analysis. Nothing fails here; every case that is
further off than 3 V and 3 of its errors is marked.
"""

import argparse
import statistics
import time
from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np

from server_side.gain_fit import GainFitter
from server_side.hv_curve import HvCurve
from server_side.result import ValidFit
from server_side.simulate.settings import SpeSettings
from server_side.simulate.spe import SpeShape
from tests.waveform_points import measure_hv_case
from tests.window_charges import HvCase, fit_case

TRUE_HV_V = (1700.0, 1800.0, 1850.0)
INDICES = (6.5, 7.0, 7.5)
OCCUPANCIES = (0.1, 0.3)
NOMINAL_V = {1700.0: 1720, 1800.0: 1800, 1850.0: 1830}
"""Voltage in the middle: the truth lies inside, and not always in the middle."""
MAX_DEVIATION_V = 3.0


def all_cases(shapes: Sequence[SpeShape], triggers: int) -> Iterator[HvCase]:
    """Yield every combination."""
    for shape, occupancy, true_hv_v, index in product(shapes, OCCUPANCIES, TRUE_HV_V, INDICES):
        yield HvCase(
            true_hv_v, index, SpeSettings(shape=shape), occupancy, NOMINAL_V[true_hv_v], triggers
        )


def describe(case: HvCase, curve: HvCurve) -> tuple[str, float | None]:
    """Return the line of a case, and how far its voltage is off."""
    start = f"{case.spe.shape:<13} {case.occupancy:>5g} {case.true_hv_v:>7g} {case.index:>5g}"
    if curve.hv_at_target_v is None:
        return f"{start}  none: {curve.message}  MISSED", None
    error = curve.hv_at_target_err_v or 0.0
    deviation = curve.hv_at_target_v - case.true_hv_v
    missed = abs(deviation) > max(MAX_DEVIATION_V, 3 * error)
    ratio = 0.0 if curve.chi2 is None else curve.chi2 / curve.ndf
    numbers = f"{deviation:+6.2f} +- {error:4.2f} V, chi2/ndf {ratio:4.1f}"
    return f"{start}  {numbers}{'  MISSED' if missed else ''}", deviation


def main() -> None:
    """Print a line a case, then how many missed and the median."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--triggers", type=int, default=100_000)
    parser.add_argument("--shape", type=SpeShape, choices=list(SpeShape), help="only this one")
    parser.add_argument("--every", type=int, default=1, help="only every so many cases")
    parser.add_argument("--waveforms", action="store_true", help="also through raw files")
    given = parser.parse_args()
    fitter, began = GainFitter(), time.monotonic()
    print("shape     occupancy true HV index  deviation")
    lines: list[str] = []
    deviations: list[float] = []
    valid_fits = fits_in_all = 0
    shapes = [given.shape] if given.shape else list(SpeShape)
    for seed, case in enumerate(list(all_cases(shapes, given.triggers))[:: given.every]):
        curve, fits = fit_case(fitter, case, np.random.default_rng(seed))
        valid_fits += sum(isinstance(fit, ValidFit) for fit in fits)
        fits_in_all += len(fits)
        _note(case, curve, lines, deviations)
    _summarise(lines, deviations)
    print(f"{valid_fits} of {fits_in_all} fits valid, {time.monotonic() - began:.0f} s")
    if given.waveforms:
        print("through raw files and the whole analysis:")
        lines, deviations = [], []
        for shape in shapes:
            case = HvCase(1762.0, 7.0, SpeSettings(shape=shape), 0.3, 1750, given.triggers)
            _note(case, measure_hv_case(fitter, case), lines, deviations)
        _summarise(lines, deviations)


def _note(case: HvCase, curve: HvCurve, lines: list[str], deviations: list[float]) -> None:
    line, deviation = describe(case, curve)
    lines.append(line)
    if deviation is not None:
        deviations.append(deviation)
    print(line, flush=True)


def _summarise(lines: list[str], deviations: list[float]) -> None:
    missed = sum(line.endswith("MISSED") for line in lines)
    sizes = [abs(deviation) for deviation in deviations] or [float("nan")]
    print(
        f"{missed} of {len(lines)} cases missed; |deviation| median {statistics.median(sizes):.2f} "
        f"V, largest {max(sizes):.2f} V"
    )


if __name__ == "__main__":
    main()
