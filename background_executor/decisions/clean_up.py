"""Local copies that are not needed here any more: counted first, then to the trash.

Only copies of scans that have ended, and only when the same files, verified by
checksum where they lie, are on the server. The trash is emptied when its time is
over; until then everything in it lies under the path that it had. All that was
counted goes, or nothing: what a clean-up that was cut short had moved goes back
before its command is done again.
"""

import logging
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path, PurePosixPath

from background_executor import queries
from background_executor.commanding import Act, Outcome
from background_executor.crash_points import MoveCrashPoint, reach
from background_executor.decisions import decision_queries
from background_executor.decisions.contents import ExpectedTake, check_takes, hash_folders
from background_executor.decisions.decision_commands import CleanUp, CleanUpCommand, PlanCleanUp
from background_executor.decisions.decision_queries import CleanUpRecord, StoredFolder
from background_executor.errors import (
    CommandError,
    NoAnswerError,
    RemoteFileError,
    UntrustedFileError,
)
from background_executor.records import ScanRecord, ScanState
from background_executor.site import Site
from background_executor.writing import StoreWriter
from background_executor.writing.moves import CountedCopies
from server_side.layout import MANIFEST_FILE, ScanLayout
from server_side.scan import ScanPlan

log = logging.getLogger(__name__)

MAX_SCANS = 10_000
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class LocalCopy:
    """A local copy in its place, and where it would lie in the trash."""

    place: Path
    trash: Path

    @property
    def size_bytes(self) -> int:
        """Size of its files."""
        return sum(file.stat().st_size for file in self.place.iterdir() if file.is_file())


@dataclass(frozen=True)
class Count:
    """What a clean-up takes, and which scans keep their copies and why."""

    copies: tuple[LocalCopy, ...]
    kept: tuple[str, ...]

    @property
    def size_bytes(self) -> int:
        """Size of all copies."""
        return sum(copy.size_bytes for copy in self.copies)


def clean_up(act: Act, command: CleanUpCommand) -> Outcome:
    """Count the local copies that may go, or move what was counted to the trash.

    Raises
    ------
    CommandError
        When the count is not what its asker saw any more.
    TransportError
        When the server could not be asked.
    """
    if isinstance(command, PlanCleanUp):
        return _plan(act, command)
    return _move_to_trash(act, command)


def _plan(act: Act, command: PlanCleanUp) -> Outcome:
    number, days = act.record.command_id, command.older_than_days
    count = _count(act.site, days, number, act.now)
    counted = CountedCopies(days, len(count.copies), count.size_bytes, "; ".join(count.kept))

    def change(writer: StoreWriter) -> None:
        writer.count_copies(act.site.name, number, act.record.operator, counted)

    age = "of all ended scans" if days is None else f"of scans that ended {days} days ago or more"
    stays = f"; these stay: {counted.kept}" if counted.kept else ""
    size = counted.size_bytes / MEGABYTE
    return Outcome(
        f"{counted.folders} local copies {age}, {size:.1f} MB, are verified on the server and may "
        f"go to the trash by clean-up {number}{stays}",
        change,
    )


def _move_to_trash(act: Act, command: CleanUp) -> Outcome:
    site, number = act.site, command.plan
    record = _find(site, number)
    _put_back(site, number)
    count = _count(site, record.older_than_days, number, act.now)
    now = (len(count.copies), count.size_bytes)
    if now != (command.folders, command.size_bytes):
        raise CommandError(
            f"{now[0]} local copies of {now[1]} bytes could go now, not {command.folders} of "
            f"{command.size_bytes} as was counted: count again. Nothing was moved"
        )
    _put_away(site, number, count.copies)

    def change(writer: StoreWriter) -> None:
        writer.note_trashed(site.name, number, act.record.operator, len(count.copies))

    until = act.now + timedelta(days=site.config.decisions.trash_days)
    return Outcome(
        f"{len(count.copies)} local copies are in {_trash(site, number)}, "
        f"until {until:%Y-%m-%d}; on the server nothing was touched",
        change,
    )


def _put_away(site: Site, number: int, copies: tuple[LocalCopy, ...]) -> None:
    """Move copies to the trash: all of them, or none."""
    try:
        for copy in copies:
            copy.trash.parent.mkdir(parents=True, exist_ok=True)
            copy.place.rename(copy.trash)
            reach(MoveCrashPoint.COPY_TRASHED)
    except OSError as error:
        _put_back(site, number)
        raise CommandError(f"the trash took not all copies: {error}. Nothing was moved") from error


def _put_back(site: Site, number: int) -> None:
    """Bring back what a clean-up moved that was cut short."""
    trash, places = _trash(site, number), site.store.results_folder
    for manifest in sorted(trash.rglob(MANIFEST_FILE)):
        place = places / manifest.parent.relative_to(trash)
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            manifest.parent.rename(place)
            log.warning("%s is back from a clean-up that was cut short.", place)


def _find(site: Site, number: int) -> CleanUpRecord:
    for record in decision_queries.clean_ups(site.store, site.name):
        if record.command_id == number:
            if record.trashed_at is not None:
                raise CommandError(f"the copies of clean-up {number} are in the trash already")
            return record
    raise CommandError(f"there is no count {number}: ask for plan-clean-up first")


def _trash(site: Site, number: int) -> Path:
    return site.config.trash_folder / f"clean-up-{number}"


def _count(site: Site, older_than_days: int | None, number: int, now: datetime) -> Count:
    copies: list[LocalCopy] = []
    kept: list[str] = []
    for scan in queries.scans(site.store, site.name, limit=MAX_SCANS):
        if not isinstance(scan.plan, ScanPlan) or not _is_old(scan, older_than_days, now):
            continue
        stored = decision_queries.stored_folders(site.store, scan.scan_id)
        here = [each for each in stored if _copy(site, each, number).place.is_dir()]
        if not here:
            continue
        try:
            _verify_on_server(site, scan, scan.plan, here)
        except (RemoteFileError, NoAnswerError, UntrustedFileError) as error:
            kept.append(f"scan {scan.scan_id}, not verified on the server: {error}")
        else:
            copies += [_copy(site, each, number) for each in here]
    return Count(tuple(copies), tuple(kept))


def _is_old(scan: ScanRecord, older_than_days: int | None, now: datetime) -> bool:
    if scan.state is ScanState.RUNNING or scan.ended_at is None:
        return False
    return older_than_days is None or now - scan.ended_at >= timedelta(days=older_than_days)


def _copy(site: Site, stored: StoredFolder, number: int) -> LocalCopy:
    place = site.store.results_folder / stored.copy
    return LocalCopy(place, _trash(site, number) / stored.copy)


def _verify_on_server(
    site: Site, scan: ScanRecord, plan: ScanPlan, stored: list[StoredFolder]
) -> None:
    """Check by checksum that the server has what these copies were made of."""
    flagged = decision_queries.flagged_takes(site.store, scan.scan_id)
    of_folder: dict[PurePosixPath, list[StoredFolder]] = {}
    for each in stored:
        is_flagged = (each.take.point.name, each.take.take) in flagged
        of_folder.setdefault(_folder(site, scan, plan, is_flagged), []).append(each)
    for folder, takes in of_folder.items():
        found = hash_folders(site, [folder / each.folder for each in takes])
        hashes = {
            path.relative_to(folder) / inner: digest
            for path, files in found.items()
            for inner, digest in files.items()
        }
        expected = [ExpectedTake(PurePosixPath(t.folder), t.manifest_sha256) for t in takes]
        check_takes(site, folder, hashes, expected)


def _folder(site: Site, scan: ScanRecord, plan: ScanPlan, is_flagged: bool) -> PurePosixPath:
    section = site.config.site
    layout = ScanLayout(section.base_folder, plan)
    if is_flagged:
        return layout.flagged_folder(section.flag_folder)
    if scan.state is ScanState.ARCHIVED:
        archive = section.base_folder / section.archive_folder
        return archive / layout.scan_name / plan.serial_number
    return layout.results_folder


def empty_trash(site: Site, now: datetime) -> None:
    """Delete what has been in the trash for its time."""
    time_to_live = timedelta(days=site.config.decisions.trash_days)
    for record in _over(site, now - time_to_live):
        folder = _trash(site, record.command_id)
        if folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder)
        with site.store.writing(now) as writer:
            writer.note_trash_emptied(site.name, record.command_id)
        log.info("Emptied %s.", folder)


def _over(site: Site, before: datetime) -> Iterator[CleanUpRecord]:
    for record in decision_queries.clean_ups(site.store, site.name):
        is_in_trash = record.trashed_at is not None and record.deleted_at is None
        if is_in_trash and record.trashed_at is not None and record.trashed_at <= before:
            yield record
