"""Where everything lies on the cluster: the one place that builds names there.

Tree below the base folder of a site::

    scan_output_<stamp>_<scan id>/            HV_output_... for an HV check
        plan.json                             the scan's plan
        job-<job uuid>.json                   what one job was told
        job-<job uuid>.sh                     what the scheduler was given
        log-<job uuid>.txt                    what the job printed
        journal-<job uuid>.jsonl              what it says, line by line
        live-<job uuid>.json                  how far the point in hand is
        stop-<job uuid>                       asks that job to end
        STOPPED_<stamp>.json                  who stopped the scan, and why
        claim-<claim uuid>/                   made by the first of several jobs for one work
        <SN>/data_theta10_phi90[_take2][_rev2]/   one published result
    FLAG/  archive/                           results and scans that were moved
    .processes/                               jobs of a site without a batch system
    ROOT_SCAN_DATA_saves/pyrate_output_<stamp>/<SN>/scan_<stamp>_<SN>_<take>.root
    ROOT_SCAN_DATA_saves/.building-<scan id>/ what a job has in hand of them
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

from server_side.errors import NameFormatError
from server_side.scan import ScanKind, ScanPlan, Take, parse_take, zone_stamp

PLAN_FILE = "plan.json"
RESULT_FILE = "result.json"
WAVEFORMS_FILE = "waveforms.json"
MANIFEST_FILE = "MANIFEST.json"
RECEIPT_FILE = "RECEIPT.json"
STOPPED_STEM = "STOPPED"
TEMPORARY_PREFIX = ".building-"
ROOT_FOLDER = "ROOT_SCAN_DATA_saves"
PROCESSES_FOLDER = ".processes"

_SCAN_PREFIX = {ScanKind.POSITION: "scan_output", ScanKind.HV: "HV_output"}
_FILE_PREFIX = {ScanKind.POSITION: "live_data", ScanKind.HV: "hv_check"}
_TAKE_PREFIX = "data_"


@dataclass(frozen=True)
class ScanLayout:
    """Names of one scan below the base folder of its site."""

    base: PurePosixPath
    plan: ScanPlan

    @property
    def scan_name(self) -> str:
        """Name of the scan folder."""
        return f"{_SCAN_PREFIX[self.plan.kind]}_{self.plan.stamp}_{self.plan.scan_id}"

    @property
    def scan_folder(self) -> PurePosixPath:
        """Folder of the scan."""
        return self.base / self.scan_name

    @property
    def results_folder(self) -> PurePosixPath:
        """Folder that holds the published takes."""
        return self.scan_folder / self.plan.serial_number

    @property
    def plan_file(self) -> PurePosixPath:
        """Plan of the scan."""
        return self.scan_folder / PLAN_FILE

    def job_file(self, job: str) -> PurePosixPath:
        """Return the file that tells a job what to do."""
        return self.scan_folder / f"job-{job}.json"

    def script_file(self, job: str) -> PurePosixPath:
        """Return the script that the scheduler was given."""
        return self.scan_folder / f"job-{job}.sh"

    def journal_file(self, job: str) -> PurePosixPath:
        """Return the journal of a job."""
        return self.scan_folder / f"journal-{job}.jsonl"

    def live_file(self, job: str) -> PurePosixPath:
        """Return the progress file of a job."""
        return self.scan_folder / f"live-{job}.json"

    def log_file(self, job: str) -> PurePosixPath:
        """Return what a job printed."""
        return self.scan_folder / f"log-{job}.txt"

    def claim_folder(self, claim: str) -> PurePosixPath:
        """Return the empty folder that the first job for a piece of work makes."""
        return self.scan_folder / f"claim-{claim}"

    def stop_file(self, job: str) -> PurePosixPath:
        """Return the file whose presence asks a job to end."""
        return self.scan_folder / f"stop-{job}"

    def stop_record(self, stopped_at: datetime) -> PurePosixPath:
        """Return the file that says who stopped the scan at that moment, and why."""
        return self.scan_folder / f"{STOPPED_STEM}_{zone_stamp(stopped_at, self.plan.zone)}.json"

    def take_folder(self, take: Take) -> PurePosixPath:
        """Return the published folder of a take."""
        return self.results_folder / take_folder_name(take)

    def flagged_folder(self, flag_folder: str) -> PurePosixPath:
        """Return where takes of this scan lie once they are flagged."""
        return self.base / flag_folder / self.scan_name / self.plan.serial_number

    def root_file(self, stamp: str, take: Take) -> PurePosixPath:
        """Return the ROOT file of a take of an acquisition."""
        serial = self.plan.serial_number
        folder = self.base / ROOT_FOLDER / f"pyrate_output_{stamp}" / serial
        return folder / f"scan_{stamp}_{serial}_{take.name}.root"

    @property
    def root_building_folder(self) -> PurePosixPath:
        """Folder of this scan's ROOT files that no published take names yet."""
        return self.base / ROOT_FOLDER / f"{TEMPORARY_PREFIX}{self.plan.scan_id}"

    def file_stem(self, stamp: str, take: Take) -> str:
        """Return the common beginning of a take's plot and gain file."""
        return f"{_FILE_PREFIX[self.plan.kind]}_{stamp}_{self.plan.serial_number}_{take.point.name}"


def take_folder_name(take: Take) -> str:
    """Name the folder of a take, ``data_theta10_phi90_take2``."""
    return _TAKE_PREFIX + take.name


def parse_take_folder(name: str) -> Take:
    """Read a take from the name of its folder.

    Raises
    ------
    NameFormatError
        When it is no such name.
    """
    if not name.startswith(_TAKE_PREFIX):
        raise NameFormatError(
            f"no take folder in {name[:60]!r}: expected like 'data_theta10_phi90'"
        )
    return parse_take(name.removeprefix(_TAKE_PREFIX))
