"""Settings of one site: one TOML file, checked in whole before anything starts.

``load_config`` is the way in. Every setting is documented in ``docs/settings.md``.
Reading and writing the file itself is in ``config_file``.
"""

import re
import sys
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import sqlalchemy as sa
from pydantic import Field, StringConstraints, field_validator, model_validator

from background_executor.config_file import parse_settings, read_text
from background_executor.decisions.decision_settings import DecisionSettings
from background_executor.errors import StoreError
from background_executor.judging.health import HealthSettings
from background_executor.store import Store
from server_side.boundary import BoundaryModel
from server_side.scan import (
    FolderName,
    PositionPoint,
    SiteName,
    VoltagePoint,
    ZoneName,
    parse_point,
    position_points,
)
from server_side.settings import (
    AnalysisSettings,
    DaqSettings,
    MeasurementSettings,
    WatchSettings,
)

SETTINGS_VARIABLE = "PMT_MONITOR_SETTINGS"
"""Environment variable that names the settings file, for the command line and the pages."""
Line = Annotated[str, StringConstraints(pattern=r"^[^\r\n]*$", max_length=1000)]
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@:-]{0,99}$")]
HostName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9:][A-Za-z0-9.:_-]{0,252}$")]


class TransportName(StrEnum):
    """How the server is reached."""

    LOCAL = "local"
    """It is this machine."""
    SSH = "ssh"
    """By one SSH connection."""


class SchedulerName(StrEnum):
    """What runs the jobs."""

    PROCESS = "process"
    """Plain processes."""
    SLURM = "slurm"
    """SLURM."""
    PJM = "pjm"
    """PJM, as on Sukap."""


class SubmitSection(BoundaryModel):
    """What the batch system is told about a job: ``[site.submit]``."""

    partition: Word | None = None
    account: Word | None = None
    time_limit: Annotated[str, StringConstraints(pattern=r"^(\d+-)?\d{1,3}:\d{2}:\d{2}$")] = (
        "08:00:00"
    )
    memory: Annotated[str, StringConstraints(pattern=r"^[1-9]\d*[KMGT]?$")] = "8G"
    cpus: int = Field(default=2, ge=1, le=256)
    module_lines: tuple[Line, ...] = ()
    activate_lines: tuple[Line, ...] = ()


class SshSection(BoundaryModel):
    """The one SSH connection: ``[site.ssh]``."""

    host: HostName
    user: Word | None = None
    port: int | None = Field(default=None, ge=1, le=65535)
    identity: Path | None = None
    known_hosts: Path
    config_file: Path | None = None
    connect_timeout_s: float = Field(default=20.0, gt=0)
    connect_interval_s: float = Field(default=15.0, ge=15.0)
    max_refusals: int = Field(default=2, ge=1, le=5)

    @property
    def login_timeout_s(self) -> float:
        """How long a login may take, over all hosts on the way and whatever it waits for."""
        return 4.0 * self.connect_timeout_s


class SiteSection(BoundaryModel):
    """Where the site is and where things lie: ``[site]``."""

    name: SiteName
    transport: TransportName
    scheduler: SchedulerName
    base_folder: PurePosixPath
    raw_base: PurePosixPath
    flag_folder: FolderName = "FLAG"
    archive_folder: FolderName = "archive"
    state_dir: Path
    store_url: str | None = None
    zone: ZoneName = "Asia/Tokyo"
    grace_s: float = Field(default=60.0, ge=0)
    python: Line = "python3"
    poll_s: float = Field(default=0.5, ge=0.05)
    call_timeout_s: float = Field(default=60.0, gt=0)
    scheduler_poll_s: float = Field(default=30.0, ge=0.05)
    submit: SubmitSection = SubmitSection()
    ssh: SshSection | None = None

    @model_validator(mode="before")
    @classmethod
    def _use_own_python(cls, given: Any) -> Any:
        """Let jobs of this machine run with this program's interpreter: it has server_side."""
        if isinstance(given, dict) and given.get("transport") == TransportName.LOCAL:
            return {"python": sys.executable, **given}
        return given

    @field_validator("base_folder", "raw_base")
    @classmethod
    def _check_absolute(cls, folder: PurePosixPath) -> PurePosixPath:
        if not folder.is_absolute() or ".." in folder.parts:
            raise ValueError("expected an absolute path on the server, like '/data/gpfs/pmt'")
        if re.search(r"[\x00-\x1f]", str(folder)):
            raise ValueError("expected a path without control characters")
        return folder

    @model_validator(mode="after")
    def _check_ssh(self) -> "SiteSection":
        if self.transport is TransportName.SSH and self.ssh is None:
            raise ValueError("transport 'ssh' needs a section [site.ssh] with host and known_hosts")
        return self


class PlanSection(BoundaryModel):
    """Which points a scan has: ``[plan]``."""

    positions: tuple[str, ...] = Field(
        default=tuple(point.name for point in position_points()), min_length=1
    )
    hv_steps_v: tuple[int, ...] = Field(default=(-100, -50, 0, 50, 100), min_length=1)

    @field_validator("positions")
    @classmethod
    def _check_positions(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        voltages = [name for name in names if parse_point(name).kind != "position"]
        if voltages:
            raise ValueError(f"{voltages[0]!r} is no position: expected like 'theta10_phi90'")
        if len(set(names)) != len(names):
            raise ValueError("a position stands in the list twice")
        return names

    @field_validator("hv_steps_v")
    @classmethod
    def _check_steps(cls, steps: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(steps)) != len(steps):
            raise ValueError("a step stands in the list twice")
        return steps


class SiteConfig(BoundaryModel):
    """All settings of one site."""

    site: SiteSection
    daq: DaqSettings = DaqSettings()
    plan: PlanSection = PlanSection()
    analysis: AnalysisSettings = AnalysisSettings()
    watch: WatchSettings = WatchSettings()
    health: HealthSettings = HealthSettings()
    decisions: DecisionSettings = DecisionSettings()

    @model_validator(mode="after")
    def _check_models(self) -> "SiteConfig":
        for key, model, models in (
            ("judging_model", self.health.judging_model, "models"),
            ("hv_model", self.health.hv_model, "hv_models"),
        ):
            fitted: tuple[str, ...] = getattr(self.analysis, models)
            if model not in fitted:
                raise ValueError(
                    f"health.{key} {model!r} is not fitted: add it to analysis.{models} "
                    f"({', '.join(fitted)})"
                )
        return self

    @property
    def measurement(self) -> MeasurementSettings:
        """What travels with a scan and decides its numbers."""
        return MeasurementSettings(daq=self.daq, analysis=self.analysis, watch=self.watch)

    @property
    def store_url(self) -> str:
        """URL of the store; a SQLite file in the state folder unless settings say otherwise."""
        return self.site.store_url or f"sqlite:///{self.site.state_dir / 'store.sqlite'}"

    @property
    def has_store(self) -> bool:
        """Whether there is a store to look at; one in a database server is always asked."""
        url = sa.make_url(self.store_url)
        is_file = url.get_backend_name() == "sqlite" and url.database not in (None, "", ":memory:")
        return not is_file or Path(str(url.database)).exists()

    @property
    def results_folder(self) -> Path:
        """Folder of the verified copies of published folders."""
        return self.site.state_dir / "results"

    @property
    def trash_folder(self) -> Path:
        """Folder of the local copies that were cleaned up, until their time is over."""
        return self.site.state_dir / "trash"

    @property
    def lock_file(self) -> Path:
        """File that the running executor holds locked."""
        return self.site.state_dir / "executor.lock"

    @property
    def log_folder(self) -> Path:
        """Folder of the executor's logs."""
        return self.site.state_dir / "logs"

    def position_points(self) -> tuple[PositionPoint, ...]:
        """Return the planned positions."""
        points = (parse_point(name) for name in self.plan.positions)
        return tuple(point for point in points if isinstance(point, PositionPoint))

    def voltage_points(self, nominal_v: int) -> tuple[VoltagePoint, ...]:
        """Return the planned voltages around a nominal one."""
        return tuple(VoltagePoint(voltage_v=nominal_v + step) for step in self.plan.hv_steps_v)

    def open_store(self) -> Store:
        """Open the site's store; its folders are made when they are missing.

        Raises
        ------
        StoreError
            When that cannot be.
        """
        try:
            self.results_folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"folder {self.results_folder} cannot be made: {error.strerror}; "
                "look at state_dir in section [site] of the settings"
            ) from error
        return Store.open(self.store_url, self.results_folder)


def load_config(path: Path) -> SiteConfig:
    """Read and check a site's settings file; relative paths count from its folder.

    Raises
    ------
    SettingsError
        When it cannot be read or is wrong; the message lists every fault.
    """
    return parse_settings(SiteConfig, path, read_text(path))
