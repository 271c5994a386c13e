"""The raw folders of a scan as they stand at one look, with what was seen before."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from server_side.chosen_files import ChosenFiles, choose_files
from server_side.errors import RawDataError
from server_side.raw_data import (
    RawPoint,
    find_raw_points,
    older_acquisitions,
)
from server_side.readiness import Moment, Sighting, completion, look_again
from server_side.scan import PositionPoint, ScanPlan, VoltagePoint
from server_side.takes import RawIdentity
from server_side.wavedump import generation_of, no_event_error

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Candidate:
    """One raw folder: what can be read of it, and whether it is complete."""

    raw_point: RawPoint
    sighting: Sighting
    chosen: ChosenFiles | None
    """None while there is nothing that could be read; ``fault`` says why."""
    fault: str
    raw: RawIdentity | None
    """None before the first event of the PMT is there."""
    complete_because: str | None
    """None while the data may still grow."""

    @property
    def point(self) -> PositionPoint | VoltagePoint:
        """The point whose data it holds."""
        return self.raw_point.point

    @property
    def folder(self) -> Path:
        """Where the data are."""
        return self.raw_point.folder

    @property
    def holds_something(self) -> bool:
        """Tell whether there is, or should be, anything to read in the folder."""
        return bool(self.raw_point.files or self.raw_point.problem or self.complete_because)

    @property
    def has_changed(self) -> bool:
        """Tell whether the files are seen like this for the first time."""
        return self.sighting.looks == 1

    @property
    def is_announceable(self) -> bool:
        """Tell whether it is known for sure which acquisition this is.

        A channel that is not the slot's own is only taken when the data are
        complete: the own one may still come.
        """
        has_own_channel = self.chosen is not None and not self.chosen.note
        return self.raw is not None and (has_own_channel or self.complete_because is not None)


class RawView:
    """Looks at the raw folders of one scan, and remembers the look before."""

    def __init__(self, raw_base: Path, plan: ScanPlan) -> None:
        self._raw_base = raw_base
        self._plan = plan
        self._sightings: dict[Path, Sighting] = {}
        self._generations: dict[Path, tuple[Sighting, str | None]] = {}
        self._is_first_look = True
        self._unseen: set[str] = set()

    def look(self, moment: Moment) -> tuple[Candidate, ...]:
        """Return the candidates as they stand now, by the beginning of their acquisition.

        Raises
        ------
        RawDataError
            When the raw base or the picked acquisition cannot be listed.
        """
        raw_points = find_raw_points(self._raw_base, self._plan, self._say_unseen)
        if self._is_first_look:
            self._say_what_is_left_out()
            self._is_first_look = False
        self._sightings = {
            p.folder: look_again(self._sightings.get(p.folder), p, moment) for p in raw_points
        }
        return tuple(self._candidate(raw_point, raw_points, moment) for raw_point in raw_points)

    def _say_unseen(self, why: str) -> None:
        """Say once that an acquisition cannot be looked at."""
        if why not in self._unseen:
            self._unseen.add(why)
            log.warning("Passed over, it may belong to somebody else: %s", why)

    def _say_what_is_left_out(self) -> None:
        """Name what looks like data of this scan and is not: who expects it must be able to see."""
        older = older_acquisitions(self._raw_base, self._plan)
        if older:
            log.info(
                "Left out, because they began before the scan was started: %s. To use one of them, "
                "start a scan with 'process existing data'",
                ", ".join(older),
            )

    def _candidate(
        self, raw_point: RawPoint, neighbours: Sequence[RawPoint], moment: Moment
    ) -> Candidate:
        sighting = self._sightings[raw_point.folder]
        chosen, fault, generation = None, raw_point.problem, None
        try:
            if not raw_point.problem:
                chosen = choose_files(raw_point, self._plan)
                generation = self._generation(chosen, sighting)
                fault = "" if generation else str(no_event_error(chosen.pmt.path))
        except RawDataError as error:
            fault = str(error)
        raw = RawIdentity(raw_point.point, str(raw_point.folder), generation or "")
        return Candidate(
            raw_point=raw_point,
            sighting=sighting,
            chosen=chosen,
            fault=fault,
            raw=raw if generation else None,
            complete_because=completion(raw_point, sighting, neighbours, self._plan, moment),
        )

    def _generation(self, chosen: ChosenFiles, sighting: Sighting) -> str | None:
        """Return the generation of the PMT's file, read anew only when the folder changed."""
        path = chosen.pmt.path
        known = self._generations.get(path)
        if known is not None and known[0].fingerprint == sighting.fingerprint:
            return known[1]
        generation = generation_of(path)
        self._generations[path] = (sighting, generation)
        return generation
