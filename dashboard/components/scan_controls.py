"""What can be asked for at one place of the bench: every act is a command, none is waited for."""

import streamlit as st
from pydantic import ValidationError

from background_executor import queries
from background_executor.acquisition_record import AcquisitionRecord
from background_executor.commands import (
    ListAcquisitions,
    ProcessExisting,
    StartHvCheck,
    StartScan,
)
from background_executor.records import ScanRecord
from dashboard.asking import ask
from dashboard.components.markup import paragraph
from dashboard.components.plain import plain
from dashboard.components.start_drawer import begin
from dashboard.site import OpenSite
from dashboard.views.slots import ScanView, serial_number_fault
from dashboard.views.wording import count, kind_label, local_time, point_label
from server_side.scan import ScanKind, Slot

DEFAULT_NOMINAL_V = 1800
_KIND_WORDS = {ScanKind.POSITION: "Scan", ScanKind.HV: "HV"}


def choose_kind(slot: Slot, newest: ScanRecord | None) -> ScanKind:
    """Let the position scan or the HV check of a place be shown.

    The newer one is shown until the other is chosen, and again as soon as
    something new is started, here or elsewhere.
    """
    key, seen = f"kind{slot.value}", f"newest{slot.value}"
    kind = ScanKind.POSITION if newest is None else newest.kind
    scan_id = None if newest is None else newest.scan_id
    if st.session_state.setdefault(seen, scan_id) != scan_id:
        st.session_state[seen] = scan_id
        st.session_state[key] = kind
    st.html(f'<p class="pmt-heading">PMT {slot.value}</p>', width="content")
    chosen = st.radio(
        "Shown",
        list(ScanKind),
        format_func=_KIND_WORDS.__getitem__,
        index=list(ScanKind).index(kind),
        horizontal=True,
        key=key,
        label_visibility="collapsed",
        width="content",
        bind="query-params",
    )
    return chosen or kind


def scan_controls(site: OpenSite, slot: Slot, scan: ScanView | None, operator: str) -> None:
    """Draw the serial number and what can be done with it."""
    serial = _serial_number(slot, scan)
    fault = serial_number_fault(serial) if serial else ""
    is_ready = bool(operator and serial and not fault)
    _start_scan(site, slot, serial, operator, is_ready=is_ready)
    _start_hv_check(site, slot, serial, operator, is_ready=is_ready)
    _process_existing(site, slot, operator)
    if fault:
        st.html(paragraph(fault, "fault"))


def _serial_number(slot: Slot, scan: ScanView | None) -> str:
    text = st.text_input(
        f"Serial number of PMT {slot.value}",
        value=scan.serial_number if scan is not None else "",
        key=f"sn{slot.value}",
        bind="query-params",
        placeholder="serial number",
        label_visibility="collapsed",
        max_chars=40,
        width=140,
    )
    return (text or "").strip()


def _start_scan(site: OpenSite, slot: Slot, serial: str, operator: str, *, is_ready: bool) -> None:
    if st.button(
        "Start scan", key=f"start-scan{slot.value}", type="primary", disabled=not is_ready
    ):
        begin(site, StartScan(serial_number=serial, slot=slot), operator)


def _start_hv_check(
    site: OpenSite, slot: Slot, serial: str, operator: str, *, is_ready: bool
) -> None:
    with st.popover("HV check", key=f"hv{slot.value}", disabled=not is_ready):
        nominal = st.number_input(
            "Nominal voltage (V)",
            min_value=500,
            max_value=3000,
            value=DEFAULT_NOMINAL_V,
            step=10,
            key=f"nominal{slot.value}",
        )
        points = site.config.voltage_points(int(nominal))
        st.html(paragraph("Measured: " + ", ".join(point_label(point) for point in points)))
        if st.button("Start HV check", key=f"start-hv{slot.value}", type="primary"):
            command = StartHvCheck(serial_number=serial, slot=slot, nominal_v=int(nominal))
            begin(site, command, operator)


def _process_existing(site: OpenSite, slot: Slot, operator: str) -> None:
    with st.popover("Existing data", key=f"existing{slot.value}", disabled=not operator):
        known = queries.acquisitions(site.store, site.name)
        chosen = st.selectbox(
            "Acquisition on the server",
            options=known,
            format_func=lambda entry: _describe(entry, site.zone),
            index=None,
            placeholder="choose one" if known else "none known: look for them first",
            key=f"acquisition{slot.value}",
        )
        with st.container(horizontal=True):
            go_on = st.button(
                "Process it", key=f"process{slot.value}", type="primary", disabled=chosen is None
            )
            look = st.button("Look for data", key=f"look{slot.value}")
        if go_on and chosen is not None:
            _ask_for(site, chosen, slot, operator)
        if look:
            ask(site.store, site.name, ListAcquisitions(), operator)


def _describe(entry: AcquisitionRecord, zone: str) -> str:
    points = count(entry.points, "point", "points")
    when = local_time(entry.modified_at, zone)
    return f"{entry.serial_number}, {kind_label(entry.kind)}, {points}, {when} ({entry.folder})"


def _ask_for(site: OpenSite, entry: AcquisitionRecord, slot: Slot, operator: str) -> None:
    try:
        command = ProcessExisting(
            serial_number=entry.serial_number,
            slot=slot,
            scan_kind=entry.kind.value,
            acquisition=entry.folder,
        )
    except ValidationError as error:
        st.error(f"This acquisition cannot be processed: {plain(str(error), 2000)}")
        return
    begin(site, command, operator)
