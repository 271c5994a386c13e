"""A simulated bench: writes WaveDump files as the DAQ would, and keeps the truth aside.

``simulate_acquisition`` runs one acquisition as ``BenchSettings`` say. Faults
are named by ``Fault``. The true values lie beside the acquisition in
``truth_<stamp>.json`` (``Truth``), which no other part reads but the one that
compares.

One subject a module: ``spe`` (charge of single photoelectrons), ``pulse_shape``,
``photoelectrons``, ``triggers``, ``bench`` (gain and light over position and
voltage), ``faults``, ``channels``, ``waveforms`` (compiled loops),
``channel_writer`` and ``channel_file``, ``acquisition``, ``truth``, ``command``.
"""

from server_side.simulate.acquisition import SimulatedAcquisition, simulate_acquisition
from server_side.simulate.faults import Fault
from server_side.simulate.settings import (
    BenchSettings,
    FaultAt,
    LightSettings,
    SimulatedPmt,
    SpeSettings,
)
from server_side.simulate.spe import SpeShape
from server_side.simulate.truth import TruePmt, TruePoint, Truth, read_truth

__all__ = [
    "BenchSettings",
    "Fault",
    "FaultAt",
    "LightSettings",
    "SimulatedAcquisition",
    "SimulatedPmt",
    "SpeSettings",
    "SpeShape",
    "TruePmt",
    "TruePoint",
    "Truth",
    "read_truth",
    "simulate_acquisition",
]
