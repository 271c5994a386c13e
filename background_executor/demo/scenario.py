"""What is simulated, and the settings of the site that measures it.

``make demo`` and ``make demo-check`` share all of it but the pace.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import tomlkit

from background_executor.config import SiteConfig, load_config
from background_executor.errors import SettingsError
from server_side.scan import ScanKind

SERIAL_NUMBERS = ("EK0146", "EK0147")
"""PMT 1 and PMT 2 of the simulated bench."""
TRIGGERS = 25_000
"""A point; at occupancy 0.3 about 6,000 charges, a gain good to about 1.3 %."""
OCCUPANCY = 0.3
SEED = 20260220
TRUE_GAIN = 1.025e7
"""Of both PMTs at the centre: in the middle of the healthy window."""
NOMINAL_V = 1750
TRUE_HV_V = 1762.0
"""Voltage at which the simulated PMT 1 has a gain of 1e7."""
FAULTS = {("EK0146", "theta30_phi90"): "low_gain", ("EK0147", "theta20_phi180"): "no_light"}
"""One faulty position for each PMT, by the simulator's names."""
EXPECTED_VERDICT = {"low_gain": "poor", "no_light": "no_light"}

THIS_MACHINE: Mapping[str, object] = {"transport": "local", "scheduler": "process"}

_MARKER = "made-by-the-demo"


@dataclass(frozen=True)
class DemoFolders:
    """Where the demo keeps everything."""

    top: Path

    @property
    def raw(self) -> Path:
        """Raw files of the simulated digitiser."""
        return self.top / "raw"

    @property
    def base(self) -> Path:
        """What a cluster account's base folder is on a real site."""
        return self.top / "server"

    @property
    def state(self) -> Path:
        """The operator's side: store, results, logs."""
        return self.top / "state"

    @property
    def settings(self) -> Path:
        """Settings file of the demo's site."""
        return self.top / "demo.toml"

    def bench_settings(self, kind: ScanKind) -> Path:
        """Return the settings file of the simulated bench for one acquisition."""
        return self.top / f"bench-{kind}.json"


def make_fresh(top: Path) -> DemoFolders:
    """Make the demo's folders, removing what an earlier demo left.

    Raises
    ------
    SettingsError
        When the folder holds something that no demo made: nothing is removed then.
    """
    folders = DemoFolders(top.resolve())
    if top.exists():
        if top.is_symlink() or not (top / _MARKER).is_file():
            raise SettingsError(
                f"{top} exists and was not made by a demo: move it away, or name another folder "
                "with --folder"
            )
        shutil.rmtree(top)
    for folder in (folders.raw, folders.base, folders.state):
        folder.mkdir(parents=True)
    (folders.top / _MARKER).write_text("Removed and made anew by each demo.\n")
    return folders


def write_settings(
    folders: DemoFolders, python: str, place: Mapping[str, object] = THIS_MACHINE
) -> SiteConfig:
    """Write and load the settings of the demo's site.

    Parameters
    ----------
    place
        Keys of ``[site]`` that say where the jobs run and how that place is reached.
    """
    document = tomlkit.document()
    document["site"] = {
        "name": "demo",
        "base_folder": str(folders.base),
        "raw_base": str(folders.raw),
        "state_dir": str(folders.state),
        "python": python,
        "poll_s": 0.5,
        "scheduler_poll_s": 2.0,
        **place,
    }
    document["watch"] = {"poll_s": 0.5, "stable_s": 20.0, "expected_events": TRIGGERS}
    folders.settings.write_text(tomlkit.dumps(document))
    return load_config(folders.settings)
