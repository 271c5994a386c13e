"""One site as the executor works at it: settings, store, server and scheduler together."""

from dataclasses import dataclass, field

from background_executor import queries
from background_executor.config import SchedulerName, SiteConfig, TransportName
from background_executor.errors import CommandError, StoreError
from background_executor.imported import ImportedPlan
from background_executor.scheduler import JobScript, Scheduler
from background_executor.scheduler.pjm import PjmScheduler
from background_executor.scheduler.process import ProcessScheduler
from background_executor.scheduler.slurm import SlurmScheduler
from background_executor.ssh import open_ssh_transport
from background_executor.store import Store
from background_executor.transport import LocalTransport, Transport
from server_side.layout import ScanLayout
from server_side.scan import ScanPlan


@dataclass(frozen=True)
class Site:
    """What every act of the executor needs."""

    config: SiteConfig
    store: Store
    transport: Transport
    scheduler: Scheduler
    _plans: dict[str, ScanPlan] = field(default_factory=dict, repr=False)
    """Plans read so far; a plan never changes."""

    @property
    def name(self) -> str:
        """Name of the site, which every row carries."""
        return self.config.site.name

    @property
    def timeout_s(self) -> float:
        """How long a call to the server may take."""
        return self.config.site.call_timeout_s

    def plan(self, scan_id: str) -> ScanPlan:
        """Return the plan of a scan.

        Raises
        ------
        StoreError
            When there is no such scan.
        CommandError
            When it was imported: nothing can be done about it on the server.
        """
        if scan_id not in self._plans:
            scan = queries.scan(self.store, scan_id)
            if scan is None:
                raise StoreError(f"no scan {scan_id} in the store of site {self.name}")
            if isinstance(scan.plan, ImportedPlan):
                raise CommandError(
                    f"scan {scan_id} was imported from an old tree: nothing of it is on the server"
                )
            self._plans[scan_id] = scan.plan
        return self._plans[scan_id]

    def layout(self, scan_id: str) -> ScanLayout:
        """Return the names of a scan on the server."""
        return ScanLayout(self.config.site.base_folder, self.plan(scan_id))

    def job_script(self, scan_id: str, job: str) -> JobScript:
        """Return what the scheduler must know to make a job."""
        return JobScript.of(self.layout(scan_id), job)


def open_transport(config: SiteConfig) -> Transport:
    """Make the transport that settings name; it connects when it is first used."""
    if config.site.transport is TransportName.LOCAL:
        return LocalTransport()
    return open_ssh_transport(config.site)


def open_scheduler(config: SiteConfig) -> Scheduler:
    """Make the scheduler that settings name."""
    section = config.site
    match section.scheduler:
        case SchedulerName.PROCESS:
            return ProcessScheduler(section.python, section.base_folder)
        case SchedulerName.SLURM:
            return SlurmScheduler(section.submit, section.python)
        case SchedulerName.PJM:
            return PjmScheduler(section.submit, section.python)


def open_site(config: SiteConfig) -> Site:
    """Open the store and make transport and scheduler, as settings say."""
    return Site(config, config.open_store(), open_transport(config), open_scheduler(config))
