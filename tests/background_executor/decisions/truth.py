"""What must be true after any acts: a model that knows the rules and nothing of the program."""

from collections.abc import Iterable
from dataclasses import dataclass, field

HERE, FLAGGED_AWAY = "here", "flag"


@dataclass
class TrueTake:
    """One take."""

    number: int
    is_healthy: bool
    revisions: int = 1
    """0 for one that failed and has no folder."""
    decision: str = ""
    covered: str = ""
    """What a flag that is in force covers: it comes back when the flag is taken back."""

    def flag(self) -> None:
        """Be out of use."""
        self.decision, self.covered = "flagged", self.decision

    def unflag(self) -> None:
        """Be what it was."""
        self.decision, self.covered = self.covered, ""

    def accept(self) -> None:
        """Be used although it is not healthy."""
        self.decision = "accepted"

    def acknowledge(self) -> None:
        """Have failed, and somebody knows."""
        self.decision = "acknowledged"

    @property
    def is_away(self) -> bool:
        """Whether its folders lie in the flag folder."""
        return self.decision == "flagged"


@dataclass
class TruePoint:
    """One planned point."""

    name: str
    takes: list[TrueTake] = field(default_factory=list)
    awaits: bool = False
    """A retake was asked for and has no data yet."""

    @property
    def newest(self) -> TrueTake | None:
        """The take that counts."""
        return self.takes[-1] if self.takes else None

    def before_newest(self, count: int) -> TrueTake:
        """Return the take that came so many before the newest, or the first; there is one."""
        return self.takes[max(-1 - count, -len(self.takes))]

    @property
    def is_measured(self) -> bool:
        """Whether it has an outcome and waits for nothing."""
        return bool(self.takes) and not self.awaits

    @property
    def is_settled(self) -> bool:
        """Whether nobody has to do anything about it."""
        take = self.newest
        if take is None or self.awaits:
            return False
        if take.decision == "flagged":
            return True
        if take.revisions == 0:
            return take.decision == "acknowledged"
        return take.is_healthy or take.decision == "accepted"

    def folders(self) -> Iterable[tuple[str, bool]]:
        """Yield the name of each folder, and whether it lies in the flag folder."""
        for take in self.takes:
            number = f"_take{take.number}" if take.number > 1 else ""
            for revision in range(1, take.revisions + 1):
                suffix = f"_rev{revision}" if revision > 1 else ""
                yield f"data_{self.name}{number}{suffix}", take.is_away


@dataclass
class TrueScan:
    """One scan."""

    scan_id: str
    series: int
    """Which PMT and kind it is of."""
    points: list[TruePoint]
    state: str = "running"
    is_aside: bool = False
    opened_from: str = ""
    """What it was before a retake opened it."""
    archived_from: str = ""
    """What it was before it was archived."""

    @property
    def may_be_decided(self) -> bool:
        """Whether its takes lie where decisions can move them."""
        return self.state != "archived"

    @property
    def is_in_the_way(self) -> bool:
        """Whether the next scan of its series must see to it first."""
        return self.state in ("complete", "stopped") and not self.is_aside

    def complete_if_measured(self) -> None:
        """Follow its points."""
        if self.state == "running" and all(point.is_measured for point in self.points):
            self.state = "complete"

    def open_again(self) -> None:
        """Wait for points again."""
        if self.state != "running":
            self.state, self.opened_from = "running", self.state

    def close_again(self) -> None:
        """Be what it was, once no retake is waited for any more."""
        if self.state == "running" and not any(point.awaits for point in self.points):
            self.state = self.opened_from or self.state

    def unsettled(self) -> list[str]:
        """Return the points that stand between it and the archive."""
        counted = [p for p in self.points if p.takes or self.state != "stopped"]
        return [point.name for point in counted if not point.is_settled]

    def may_archive(self, *, override: bool, reason: str) -> bool:
        """Tell whether it may go to the archive."""
        if self.state not in ("complete", "stopped"):
            return False
        if self.unsettled() and not override:
            return False
        needs_reason = bool(self.unsettled()) or self.state == "stopped"
        return bool(reason) or not needs_reason

    def archive(self) -> None:
        """Go to the archive."""
        self.state, self.archived_from = "archived", self.state

    def restore(self) -> None:
        """Come back from there."""
        self.state = self.archived_from


def may_flag(_: TruePoint, take: TrueTake) -> bool:
    """Tell whether a take of a point can be flagged."""
    return take.revisions > 0 and take.decision != "flagged"


def may_unflag(_: TruePoint, take: TrueTake) -> bool:
    """Tell whether it can come back."""
    return take.decision == "flagged"


def may_accept(_: TruePoint, take: TrueTake) -> bool:
    """Tell whether it can be accepted."""
    can_be = take.revisions > 0 and not take.is_healthy
    return can_be and take.decision not in ("flagged", "accepted")


def may_acknowledge(point: TruePoint, take: TrueTake) -> bool:
    """Tell whether its failure can be acknowledged."""
    if take.revisions > 0 or (take is point.newest and point.awaits):
        return False
    return take.decision != "acknowledged"


def may_withdraw(point: TruePoint) -> bool:
    """Tell whether there is something to take back."""
    if point.newest is None:
        return False
    return point.awaits or point.newest.decision in ("accepted", "acknowledged")


def may_retake(point: TruePoint) -> bool:
    """Tell whether it can be opened again."""
    return point.is_measured
