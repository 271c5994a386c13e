"""The files of an HV check as the group knows them, beside the copies of its points.

``<SN>_HV_at_gain_1.00e+07.txt`` holds the voltage, and is there only while the
check has ended and gives one. ``<SN>_gain_vs_hv.csv`` holds the points of the
curve with what is doubtful about them, what their gains are, and the gain that is
looked for, ``<SN>_gain_vs_hv_loglog.png`` is drawn whenever that table changes, by the
cluster part in a process of its own: drawing takes seconds, and a turn of the executor
must not.
"""

import csv
import io
import logging
import math
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from background_executor import queries
from background_executor.errors import StoreError
from background_executor.hv_curve_record import HvCurveRecord
from background_executor.imported import Provenance
from background_executor.records import ScanRecord, ScanState
from background_executor.site import Site
from server_side.scan import ScanKind

log = logging.getLogger(__name__)

ENDED = (ScanState.COMPLETE, ScanState.STOPPED)
COLUMNS = ("hv_V", "gain", "gain_err", "target_gain", "gain_method", "model", "note")
DRAWING_S = 10.0
"""An executor that ends waits for its picture so long."""
SCANS = 50
"""The newest so many scans are looked at."""


@dataclass(frozen=True)
class HvFileNames:
    """Names of the files of an HV check on this machine."""

    folder: Path
    serial_number: str
    target_gain: float

    @property
    def voltage(self) -> Path:
        """File with the voltage alone, as the group's scripts read it."""
        return self.folder / f"{self.serial_number}_HV_at_gain_{self.target_gain:.2e}.txt"

    @property
    def points(self) -> Path:
        """Table of the points of the curve."""
        return self.folder / f"{self.serial_number}_gain_vs_hv.csv"

    @property
    def plot(self) -> Path:
        """Picture of points, curve and band."""
        return self.folder / f"{self.serial_number}_gain_vs_hv_loglog.png"


def hv_file_names(site: Site, scan: ScanRecord) -> HvFileNames:
    """Return the names of the files of an HV check.

    Raises
    ------
    StoreError
        When the scan was not measured here.
    """
    folder = site.config.results_folder / site.layout(scan.scan_id).scan_name
    return HvFileNames(
        folder / scan.serial_number, scan.serial_number, site.config.health.target_gain
    )


class HvFiles:
    """Keeps the files of all HV checks as the store has them.

    Attributes
    ----------
    drawing
        Process that draws, or drew last.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._seen = -1
        self.drawing: subprocess.Popen[bytes] | None = None

    def keep_up(self) -> None:
        """Write, draw or take away what changed since the last look; never waits."""
        if self.drawing is not None and self.drawing.poll() is None:
            return
        counter = queries.change_counter(self._site.store)
        if counter == self._seen:
            return
        for scan in queries.scans(self._site.store, self._site.name, SCANS):
            is_open = scan.kind is ScanKind.HV and scan.state is not ScanState.ARCHIVED
            if is_open and scan.provenance is Provenance.MEASURED:
                self._keep_up_scan(scan)
                if self.drawing is not None and self.drawing.poll() is None:
                    return
        self._seen = counter

    def end(self) -> None:
        """Let what is being drawn come to its end."""
        if self.drawing is not None:
            try:
                self.drawing.wait(DRAWING_S)
            except subprocess.TimeoutExpired:
                self.drawing.kill()
                self.drawing.wait()

    def _keep_up_scan(self, scan: ScanRecord) -> None:
        try:
            names = hv_file_names(self._site, scan)
        except StoreError:
            return
        record = queries.hv_curve(self._site.store, scan.scan_id, self._site.config.health)
        if record is None or not names.folder.is_dir():
            return
        try:
            _keep_voltage(names, record, has_ended=scan.state in ENDED)
            _write_points(names, record)
            if _is_older(names.plot, names.points):
                self._draw(names)
        except OSError as error:
            log.warning("Files of HV check %s: %s", scan.scan_id, error)

    def _draw(self, names: HvFileNames) -> None:
        target = f"{names.target_gain!r}"
        argv = [sys.executable, "-m", "server_side", "hv-curve", str(names.points)]
        argv += ["--target-gain", target, "--plot", str(names.plot)]
        self.drawing = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )


def _keep_voltage(names: HvFileNames, record: HvCurveRecord, *, has_ended: bool) -> None:
    """Write the voltage while there is one; one that is none any more goes.

    So does one for a gain that settings do not ask for any more: nobody keeps it true.
    """
    for path in names.folder.glob(f"{names.serial_number}_HV_at_gain_*.txt"):
        if path != names.voltage:
            path.unlink(missing_ok=True)
    voltage_v = record.curve.hv_at_target_v
    if voltage_v is None or not record.curve.valid or not has_ended:
        names.voltage.unlink(missing_ok=True)
    else:
        _write_when_new(names.voltage, f"{voltage_v:.1f}")


def _write_points(names: HvFileNames, record: HvCurveRecord) -> None:
    """Write the table of points; a dead one has no gain, and says why."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    shared = repr(names.target_gain), record.method, record.model
    for point in record.points:
        if point.used:
            gain, error = _number(point.gain), _number(point.gain_err)
            table.writerow((point.voltage_v, gain, error, *shared, point.note))
        elif point.is_dead:
            table.writerow((point.voltage_v, "", "", *shared, point.note))
    _write_when_new(names.points, text.getvalue())


def _number(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else repr(value)


def _write_when_new(path: Path, text: str) -> None:
    if path.exists() and path.read_text() == text:
        return
    aside = path.with_name(f"{path.name}.part")
    aside.write_text(text)
    aside.replace(path)


def _is_older(picture: Path, table: Path) -> bool:
    """Tell whether a picture is missing or was drawn before its table was written."""
    return not picture.exists() or picture.stat().st_mtime_ns < table.stat().st_mtime_ns
