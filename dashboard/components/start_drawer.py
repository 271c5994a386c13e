"""Begin a scan: at once, or after the operator has said what becomes of the previous one."""

from enum import StrEnum

import streamlit as st

from background_executor.commands import PreviousScan, ProcessExisting, StartHvCheck, StartScan
from background_executor.decisions.decision_commands import SeenPrevious
from background_executor.decisions.decision_queries import previous_scan, seen_scan
from background_executor.decisions.offers import archive_offer
from background_executor.records import ScanRecord
from dashboard.asking import ask
from dashboard.components.archive_drawer import NO_REASON, ask_reason, show_offer
from dashboard.components.drawers import Content, open_drawer
from dashboard.components.markup import paragraph
from dashboard.components.plain import plain
from dashboard.site import OpenSite
from dashboard.views.wording import kind_label, local_time
from server_side.scan import ScanKind

StartCommand = StartScan | StartHvCheck | ProcessExisting


class Way(StrEnum):
    """What may become of a previous scan that is not settled."""

    ARCHIVE = "Archive it as it is"
    """With a reason."""
    ASIDE = "Keep it aside"
    """It stays where it is; with a reason."""


_PREVIOUS = {Way.ARCHIVE: PreviousScan.ARCHIVE, Way.ASIDE: PreviousScan.KEEP_ASIDE}


def begin(site: OpenSite, command: StartCommand, operator: str) -> None:
    """Ask for a scan, or open the drawer when a previous one stands in its place."""
    kind = kind_of(command)
    previous = previous_scan(site.store, site.name, kind, command.serial_number)
    if previous is None:
        ask(site.store, site.name, command, operator)
    else:
        title = f"Start {kind_label(kind)} of {command.serial_number}"
        seen = seen_scan(site.store, previous.scan_id)
        if seen is not None:
            before = SeenPrevious(scan_id=previous.scan_id, **seen.model_dump())
            command = command.model_copy(update={"previous_seen": before})
        open_drawer(title, start_drawer(command, previous))


def kind_of(command: StartCommand) -> ScanKind:
    """Return the kind of scan that a command begins."""
    match command:
        case StartScan():
            return ScanKind.POSITION
        case StartHvCheck():
            return ScanKind.HV
        case ProcessExisting():
            return ScanKind(command.scan_kind)


def start_drawer(command: StartCommand, previous: ScanRecord) -> Content:
    """Return the drawer that says what becomes of the previous scan, and starts the next."""

    def content(site: OpenSite, operator: str) -> None:
        offer = archive_offer(site.store, previous.scan_id)
        if offer is None:
            st.error(f"There is no scan {plain(previous.scan_id)} any more.")
            return
        begun = local_time(previous.started_at, site.zone)
        what = f"The previous {kind_label(previous.kind)}, {previous.scan_id} of {begun}"
        if offer.may_archive:
            st.html(paragraph(f"{what}, is settled. It is archived first."))
            show_offer(site, offer, operator)
            if st.button("Archive it and start", key="start-sure", type="primary"):
                ask(site.store, site.name, command, operator)
                st.rerun()
            return
        st.html(paragraph(f"{what}, is not settled. Nothing moves and nothing starts until then."))
        show_offer(site, offer, operator)
        _choose(site, command, operator)

    return content


def _choose(site: OpenSite, command: StartCommand, operator: str) -> None:
    way: Way | None = st.radio(
        "Settle it with the buttons above, or:", list(Way), format_func=str, key="start-way"
    )
    reason = ask_reason("start-reason", is_needed=True)
    if not st.button("Do that and start", key="start-sure", type="primary"):
        return
    if not reason or way is None:
        st.error(NO_REASON)
        return
    changes = {"previous": _PREVIOUS[way], "previous_reason": reason}
    ask(site.store, site.name, command.model_copy(update=changes), operator)
    st.rerun()
