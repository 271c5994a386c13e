"""The command line's verbs for decisions: each looks first, then asks the running executor.

What is asked carries what was seen, so that it is refused when somebody else was faster.
"""

import argparse
import contextlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from background_executor import queries
from background_executor.asking import EXIT_DONE, Arguments, asks, scan_arguments, wait_arguments
from background_executor.commands import Command
from background_executor.config import SiteConfig, load_config
from background_executor.decisions import decision_queries
from background_executor.decisions.decision_commands import (
    AcceptTakes,
    AcknowledgeTakes,
    ArchiveScan,
    CleanUp,
    FlagTakes,
    KeepAside,
    NoLongerAside,
    PlanCleanUp,
    RestoreScan,
    RetakeTakes,
    SeenScan,
    SeenTake,
    TakesCommand,
    UnflagTakes,
    WithdrawDecisions,
)
from background_executor.decisions.decision_queries import TakeRecord
from background_executor.decisions.offers import archive_offer
from background_executor.decisions.refusals import why_not
from background_executor.decisions.rules import at_take, seen
from background_executor.errors import CommandError
from background_executor.records import PointRecord
from background_executor.store import Store
from background_executor.terminal import say
from background_executor.verb import Verb
from server_side.errors import NameFormatError
from server_side.scan import parse_point

Make = Callable[[Store, SiteConfig, Arguments], Command]

_ALL_HELP = "the newest take of every point; says which are left out, not being open to it"
_TAKE = re.compile(r"(?P<point>.+?)(?:_take(?P<take>[1-9]\d{0,2}))?")


def _asks_of(make: Make) -> Callable[[Arguments], int]:
    """Return the act of a verb that looks into the store before it asks."""

    def act(given: Arguments) -> int:
        config = load_config(given.settings)
        with contextlib.closing(config.open_store()) as store:
            return asks(lambda arguments: make(store, config, arguments))(given)

    return act


def _takes(store: Store, kind: type[TakesCommand], given: Arguments) -> tuple[SeenTake, ...]:
    """Return the takes that were named, as they are now; their newest where only points are."""
    points = {point.point.name: point for point in queries.points(store, given.scan_id)}
    takes = decision_queries.takes_of_scan(store, given.scan_id)
    if given.all:
        _scan(store, given)
        return _open_takes(kind, points.values(), given)
    return tuple(_seen(points, takes, name, given.scan_id) for name in given.takes)


def _open_takes(
    kind: type[TakesCommand],
    points: Iterable[PointRecord],
    given: Arguments,
) -> tuple[SeenTake, ...]:
    """Return the newest take of each point that an act is open to; say what is left out."""
    found = []
    for point in points:
        as_seen = seen(point)
        if why := why_not(kind, point):
            say(f"left out: {why}")
        elif as_seen is not None:
            found.append(as_seen)
    if not found:
        raise CommandError(f"nothing of scan {given.scan_id} is open to {given.verb}")
    return tuple(found)


def _seen(
    points: Mapping[str, PointRecord], takes: Sequence[TakeRecord], name: str, scan_id: str
) -> SeenTake:
    match = _TAKE.fullmatch(name)
    try:
        point = parse_point(match["point"] if match else name)
    except NameFormatError as error:
        raise CommandError(str(error)) from error
    number = int(match["take"]) if match and match["take"] else None
    for take in takes:  # newest first
        if take.point == point and number in (None, take.take):
            found = seen(at_take(points[point.name], take))
            if found is not None:
                return found
    raise CommandError(f"scan {scan_id} has no {name}: expected like theta10_phi90_take2")


def _scan(store: Store, given: Arguments) -> SeenScan:
    seen = decision_queries.seen_scan(store, given.scan_id)
    if seen is None:
        raise CommandError(f"no scan {given.scan_id}: 'scans' lists them")
    return seen


def _take_arguments(parser: argparse.ArgumentParser) -> None:
    scan_arguments(parser)
    parser.add_argument("takes", nargs="*", help="theta10_phi90 (its newest), theta10_phi90_take2")
    parser.add_argument("--all", action="store_true", help=_ALL_HELP)
    parser.add_argument("--comment", default="", help="in your own words")


def _decides(kind: type[TakesCommand]) -> Callable[[Arguments], int]:
    """Return the act of a verb that decides about takes."""

    def make(store: Store, _: SiteConfig, given: Arguments) -> Command:
        takes = _takes(store, kind, given)
        words = {"reason": given.reason, "comment": given.comment}
        return kind(scan_id=given.scan_id, takes=takes, **words)

    return _asks_of(make)


def _archive_arguments(parser: argparse.ArgumentParser) -> None:
    scan_arguments(parser)
    parser.add_argument(
        "--override", action="store_true", help="although points are not settled; needs --reason"
    )


def _archive(store: Store, _: SiteConfig, a: Arguments) -> Command:
    seen = _scan(store, a)
    return ArchiveScan(scan_id=a.scan_id, seen=seen, reason=a.reason, override=a.override)


def _restore(store: Store, _: SiteConfig, a: Arguments) -> Command:
    return RestoreScan(scan_id=a.scan_id, seen=_scan(store, a), reason=a.reason)


def _keep_aside(store: Store, _: SiteConfig, a: Arguments) -> Command:
    return KeepAside(scan_id=a.scan_id, seen=_scan(store, a), reason=a.reason)


def _no_longer_aside(store: Store, _: SiteConfig, a: Arguments) -> Command:
    return NoLongerAside(scan_id=a.scan_id, seen=_scan(store, a), reason=a.reason)


def _plan_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--older-than-days", type=int, default=None, help="all ended scans without")
    wait_arguments(parser)


def _clean_up_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("plan", type=int, help="number that plan-clean-up said")
    wait_arguments(parser)


def _clean_up(store: Store, config: SiteConfig, a: Arguments) -> Command:
    for counted in decision_queries.clean_ups(store, config.site.name):
        if counted.command_id == a.plan:
            size = counted.size_bytes
            return CleanUp(plan=a.plan, folders=counted.folders, size_bytes=size)
    raise CommandError(f"there is no count {a.plan}: ask for plan-clean-up --wait first")


def _only_scan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("scan_id", help="as 'scans' prints it")


def _receipts(given: Arguments) -> int:
    with _open(given) as store:
        for move in reversed(decision_queries.moves_of_scan(store, given.scan_id)):
            say(
                f"{move.intended_at:%Y-%m-%d %H:%M:%S} {move.operator}: {move.act} {move.state}",
                f"  {move.message or 'not finished'}",
                f"  reason: {move.reason} {move.comment}",
                f"  receipt: {move.receipt}",
            )
    return EXIT_DONE


def _unsettled(given: Arguments) -> int:
    with _open(given) as store:
        offer = archive_offer(store, given.scan_id)
        if offer is None or queries.scan(store, given.scan_id) is None:
            raise CommandError(f"no scan {given.scan_id}: 'scans' lists them")
        for obstacle in offer.obstacles:
            say(f"in the way: {obstacle}")
        for each in offer.unsettled:
            say(f"{each.point.point.name}: {each.why} ({', '.join(each.ways)})")
        if offer.may_archive:
            say("everything is settled: it may be archived")
    return EXIT_DONE


@contextlib.contextmanager
def _open(given: Arguments) -> Iterator[Store]:
    with contextlib.closing(load_config(given.settings).open_store()) as store:
        yield store


_SCAN = "0123456789ab"

DECISION_VERBS: tuple[Verb, ...] = (
    Verb(
        "flag",
        "take takes out of use: their folders go to the flag folder",
        f"flag {_SCAN} theta10_phi90 --reason 'low gain' --wait",
        _take_arguments,
        _decides(FlagTakes),
    ),
    Verb(
        "unflag",
        "bring flagged takes back",
        f"unflag {_SCAN} theta10_phi90 --wait",
        _take_arguments,
        _decides(UnflagTakes),
    ),
    Verb(
        "accept",
        "use takes although they are not healthy",
        f"accept {_SCAN} theta10_phi90 --reason 'known dip at the dynode'",
        _take_arguments,
        _decides(AcceptTakes),
    ),
    Verb(
        "acknowledge",
        "take note of failures",
        f"acknowledge {_SCAN} theta10_phi90 --reason 'laser was off'",
        _take_arguments,
        _decides(AcknowledgeTakes),
    ),
    Verb(
        "withdraw",
        "take back an acceptance, an acknowledgement or a retake",
        f"withdraw {_SCAN} theta10_phi90",
        _take_arguments,
        _decides(WithdrawDecisions),
    ),
    Verb(
        "retake",
        "open points again: the next acquisition is the next take",
        f"retake {_SCAN} theta10_phi90 theta20_phi90 --reason 'laser was off'",
        _take_arguments,
        _decides(RetakeTakes),
    ),
    Verb(
        "unsettled",
        "what stands between a scan and the archive",
        f"unsettled {_SCAN}",
        _only_scan,
        _unsettled,
    ),
    Verb(
        "archive",
        "move a settled scan to the archive",
        f"archive {_SCAN} --wait",
        _archive_arguments,
        _asks_of(_archive),
    ),
    Verb(
        "restore",
        "bring a scan back from the archive",
        f"restore {_SCAN} --wait",
        scan_arguments,
        _asks_of(_restore),
    ),
    Verb(
        "keep-aside",
        "leave a scan where it is, out of the way of the next",
        f"keep-aside {_SCAN} --reason 'to be looked at by the experts'",
        scan_arguments,
        _asks_of(_keep_aside),
    ),
    Verb(
        "no-longer-aside",
        "let a scan that was kept aside be in the way of the next again",
        f"no-longer-aside {_SCAN} --reason 'the wrong scan'",
        scan_arguments,
        _asks_of(_no_longer_aside),
    ),
    Verb(
        "receipts",
        "what was decided about a scan, and what moved",
        f"receipts {_SCAN}",
        _only_scan,
        _receipts,
    ),
    Verb(
        "plan-clean-up",
        "count the local copies that may go to the trash",
        "plan-clean-up --older-than-days 30 --wait",
        _plan_arguments,
        asks(lambda a: PlanCleanUp(older_than_days=a.older_than_days)),
    ),
    Verb(
        "clean-up",
        "move the local copies that were counted to the trash",
        "clean-up 42 --wait",
        _clean_up_arguments,
        _asks_of(_clean_up),
    ),
)
