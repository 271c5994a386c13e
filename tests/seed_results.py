"""Results of points made from the ten real spectra, for tests that need no cluster.

The charges are those of ``data/spectra.json``; only the fit is a quick
least-squares one of the same two Gaussians, so that no TensorFlow is loaded.
"""

import json
import math
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import curve_fit
from scipy.stats import chi2 as chi2_distribution

from server_side.result import (
    ELEMENTARY_CHARGE_C,
    Acquisition,
    ChannelWaveforms,
    Curve,
    InputFile,
    Missing,
    NoFit,
    Parameter,
    PointResult,
    Provenance,
    Quantity,
    Spectrum,
    SpectrumName,
    Trace,
    ValidFit,
    Waveforms,
)
from server_side.scan import ScanKind, ScanPlan, Take, zone_stamp

SPECTRA = Path(__file__).parent / "data" / "spectra.json"
TRIGGERS = 600_000
Array = NDArray[np.float64]


class Fate(Enum):
    """What happens at a point."""

    HEALTHY = 1.000
    CHECK = 0.960
    """Gain between inner and outer limits."""
    POOR = 0.880
    """Gain below the outer limit."""
    NO_LIGHT = 0.0
    FIT_FAILED = -1.0
    FAILED = -2.0
    """No result at all: the analysis gave up."""


@cache
def real_spectra() -> tuple[tuple[tuple[float, ...], tuple[int, ...]], ...]:
    """Return edges (pC) and counts of the ten real spectra."""
    entries = json.loads(SPECTRA.read_text())["spectra"]
    return tuple((tuple(e["charge_edges_pC"]), tuple(e["counts"])) for e in entries)


def make_result(
    plan: ScanPlan,
    take: Take,
    measured_at: datetime,
    *,
    fate: Fate = Fate.HEALTHY,
    gain: float | None = None,
    seed: int = 0,
    damage: int = 0,
    job: str | None = None,
) -> PointResult:
    """Make the result of a take, with the fate's gain unless another one is given.

    The seed chooses real spectrum and fluctuations; ``damage`` counts broken events of the PMT.
    """
    spectrum = _make_spectrum(fate, gain, seed)
    stamp = zone_stamp(measured_at, plan.zone)
    fit = _fit_spectrum(spectrum, fate, "dft" if plan.kind is ScanKind.HV else "two_gaussian")
    stem = f"live_data_{stamp}_{plan.serial_number}_{take.point.name}"
    return PointResult(
        site=plan.site,
        scan_id=plan.scan_id,
        kind=plan.kind,
        serial_number=plan.serial_number,
        slot=plan.slot,
        take=take,
        triggers=TRIGGERS,
        selected_charges=sum(spectrum.counts),
        spectra=(spectrum,),
        fits=(fit,),
        quality=_make_quality(fate, seed),
        provenance=_make_provenance(plan, take, measured_at, damage, job),
        charge_plot=f"{stem}_charge.png",
        gain_file=f"{stem}_GAIN.txt" if isinstance(fit, ValidFit) else None,
    )


def make_waveforms(seed: int = 0) -> Waveforms:
    """Make a few example waveforms of a PMT's channel."""
    generator = np.random.default_rng(seed)
    time_ns = 2.0 * np.arange(260)
    pulse = -6.2 * np.exp(-0.5 * ((time_ns - 326.0) / 4.7) ** 2)
    noisy = [pulse * size + generator.normal(0, 0.55, 260) for size in (1.0, 0.0, 2.0)]
    examples = tuple(_trace(number + 1, values) for number, values in enumerate(noisy))
    mean = _trace(None, 0.07 * pulse)
    channel = ChannelWaveforms(
        channel=2, role="pmt", sample_ns=2.0, examples=examples, mean=mean, mean_of="all events"
    )
    return Waveforms(channels=(channel,))


def _trace(event_number: int | None, values: Array) -> Trace:
    return Trace(event_number=event_number, voltage_mv=tuple(round(float(v), 3) for v in values))


def _make_spectrum(fate: Fate, gain: float | None, seed: int) -> Spectrum:
    edges, counts = real_spectra()[seed % len(real_spectra())]
    generator = np.random.default_rng(seed)
    if fate is Fate.NO_LIGHT:
        new = generator.poisson(0.2, len(counts))
    elif fate is Fate.FIT_FAILED:
        new = generator.poisson(np.linspace(900.0, 300.0, len(counts)))
    else:
        wanted = gain if gain is not None else 1.025e7 * fate.value
        new = _move_peak(np.asarray(edges), np.asarray(counts), wanted, generator)
    return Spectrum(
        name=SpectrumName.THRESHOLD,
        edges_pc=edges,
        counts=tuple(int(count) for count in new),
        definition="0.5 to 4.5 pC, start 321 to 330 ns after the trigger",
    )


def _move_peak(
    edges: Array, counts: Array, gain: float, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Scale the charges of a real spectrum so that its fitted gain becomes the wanted one."""
    centres = 0.5 * (edges[1:] + edges[:-1])
    values, _ = _least_squares(edges, counts)
    scale = gain * ELEMENTARY_CHARGE_C * 1e12 / values[1]
    density = np.interp(centres / scale, centres, counts, right=0.0) / scale
    return generator.poisson(density)


def _two_gaussians(charge_pc: Array, *values: float) -> Array:
    first, mean, sigma, second, sigma2 = values
    one = first * np.exp(-0.5 * ((charge_pc - mean) / sigma) ** 2)
    two = second * np.exp(-0.5 * ((charge_pc - 2 * mean) / sigma2) ** 2)
    return one + two


def _least_squares(edges: Array, counts: Array) -> tuple[Array, Array]:
    centres = 0.5 * (edges[1:] + edges[:-1])
    errors = np.sqrt(np.maximum(counts, 1.0))
    peak = centres[int(np.argmax(counts))]
    start = (float(counts.max()), peak, 0.25 * peak, 0.1 * float(counts.max()), 0.4 * peak)
    return curve_fit(_two_gaussians, centres, counts, start, errors, absolute_sigma=True)


def _fit_spectrum(spectrum: Spectrum, fate: Fate, model: str) -> ValidFit | NoFit:
    charges = sum(spectrum.counts)
    shared = {"model": model, "spectrum": spectrum.name, "charges": charges}
    if fate is Fate.NO_LIGHT:
        why = f"{charges} charges in the spectrum, a fit needs 500"
        return NoFit(outcome="too_few_charges", message=why, **shared)
    if fate is Fate.FIT_FAILED:
        why = "mean_1 ended at the end of its range: there is no peak in the spectrum"
        return NoFit(outcome="invalid", message=why, **shared)
    edges, counts = np.asarray(spectrum.edges_pc), np.asarray(spectrum.counts, dtype=np.float64)
    values, covariance = _least_squares(edges, counts)
    errors = np.sqrt(np.diag(covariance))
    expected = _two_gaussians(0.5 * (edges[1:] + edges[:-1]), *values)
    pulls = (counts - expected) / np.sqrt(np.maximum(expected, 1.0))
    ndf = len(counts) - len(values)
    per_pc = 1e-12 / ELEMENTARY_CHARGE_C
    names = ("height_1", "mean_1", "sigma_1", "height_2", "sigma_2")
    units = ("charges", "pC", "pC", "charges", "pC")
    return ValidFit(
        gain_peak=float(values[1] * per_pc),
        gain_peak_err=float(errors[1] * per_pc),
        gain_mean=None,
        gain_mean_err=None,
        chi2=float(np.sum(pulls**2)),
        ndf=ndf,
        p_value=float(chi2_distribution.sf(np.sum(pulls**2), ndf)),
        parameters=tuple(
            Parameter(name=name, value=float(value), error=float(error), unit=unit)
            for name, value, error, unit in zip(names, values, errors, units, strict=True)
        ),
        curves=_make_curves(edges, values),
        pulls=tuple(round(float(pull), 3) for pull in pulls),
        **shared,
    )


def _make_curves(edges: Array, values: Array) -> tuple[Curve, ...]:
    charge_pc = np.linspace(edges[0], edges[-1], 201)
    first, mean, sigma, second, sigma2 = values
    shapes = {
        "fit": _two_gaussians(charge_pc, *values),
        "1 photoelectron": _two_gaussians(charge_pc, first, mean, sigma, 0.0, sigma2),
        "2 photoelectrons": _two_gaussians(charge_pc, 0.0, mean, sigma, second, sigma2),
    }
    grid = tuple(round(float(q), 4) for q in charge_pc)
    return tuple(
        Curve(label=label, charge_pc=grid, counts=tuple(round(float(y), 3) for y in counts))
        for label, counts in shapes.items()
    )


def _make_quality(fate: Fate, seed: int) -> tuple[Quantity | Missing, ...]:
    generator = np.random.default_rng(seed + 1000)
    occupancy = 0.0001 if fate is Fate.NO_LIGHT else float(generator.normal(0.075, 0.002))
    return (
        _quantity(
            "occupancy",
            occupancy,
            math.sqrt(occupancy / TRIGGERS),
            "photoelectrons per trigger",
        ),
        _quantity("baseline_noise_adc", float(generator.normal(4.5, 0.05)), 0.004, "counts"),
        _quantity("pulse_to_noise", float(generator.normal(11.3, 0.1)), 0.05, ""),
        _quantity("saturated_fraction", 0.0, 1.0 / TRIGGERS, ""),
        Missing(name="reference_charge_pc", reason="there is no channel 4"),
    )


def _quantity(name: str, value: float, error: float, unit: str) -> Quantity:
    meaning = "docs/measurement.md says how it is defined."
    return Quantity(name=name, value=value, error=error, unit=unit, meaning=meaning)


def _make_provenance(
    plan: ScanPlan, take: Take, measured_at: datetime, damage: int, job: str | None
) -> Provenance:
    ended_at = measured_at - timedelta(seconds=6)
    stamp = zone_stamp(plan.started_at, plan.zone)
    folder = f"/raw/wavedump_output_{stamp}/{plan.serial_number}/wavesave_{take.point.name}"
    channels = {0: 0, 1: 0, int(plan.slot) + 1: damage}
    return Provenance(
        software_version="0.1.0",
        job=job,
        host="node01",
        measured_at=measured_at,
        settings_sha256=plan.settings.digest(),
        acquisition=Acquisition(
            folder=folder,
            generation=f"{take.take:064x}",
            stamp=stamp,
            pmt_channel=int(plan.slot) + 1,
            began_at=ended_at - timedelta(minutes=5),
            ended_at=ended_at,
            complete_because="every channel has 600000 events",
        ),
        inputs=tuple(
            _make_input(folder, number, take, ended_at, skipped)
            for number, skipped in channels.items()
        ),
        root_file=None,
        duration_s=5.4,
    )


def _make_input(
    folder: str, channel: int, take: Take, ended_at: datetime, skipped: int
) -> InputFile:
    return InputFile(
        channel=channel,
        path=f"{folder}/wave{channel}save_{take.point.name}.txt",
        size_bytes=1_020_000_000,
        modified_at=ended_at,
        raw_format="ascii_header",
        events=TRIGGERS - skipped,
        first_event=0,
        last_event=TRIGGERS - 1,
        skipped_events=skipped,
    )
