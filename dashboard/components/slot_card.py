"""One place of the bench on the operator's page: controls, progress, map, point."""

from collections.abc import Callable
from html import escape

import streamlit as st

from background_executor.records import PointRecord
from dashboard.components.act_bar import act_bar, selection_bar
from dashboard.components.charts import curve_chart, spectrum_chart
from dashboard.components.markup import age_of, chip, paragraph, row
from dashboard.components.photocathode import photocathode
from dashboard.components.selection import Selection, read_selection
from dashboard.components.tile_list import tile_list
from dashboard.theme import LOOKS
from dashboard.views.live import SlotView
from dashboard.views.panel import PanelView
from dashboard.views.slots import ScanView, WorkView
from server_side.scan import ScanKind

POINT_PAGE = "app_pages/point.py"
SCANS_PAGE = "app_pages/scans.py"
JOB_OLD_AFTER_S = 60
"""A job says at least every few seconds that it lives."""


def scan_head(scan: ScanView) -> None:
    """Say what runs, how far it is, and what the job does now."""
    title = f"{scan.title} of {scan.serial_number}"
    pieces = [
        row(
            f'<p class="pmt-heading">{escape(title)}</p>',
            chip(scan.look),
            paragraph(scan.progress, "strong"),
        ),
        _progress_bar(scan.done, scan.planned),
    ]
    if scan.message:
        pieces.append(paragraph(scan.message, "fault"))
    if scan.work is not None:
        pieces.append(row(*_work(scan.work), kind="small tight"))
    elif not scan.is_running:
        pieces.append(row(age_of(scan.ended_at, "ended ")))
    st.html("".join(pieces))


def _progress_bar(done: int, planned: int) -> str:
    return (
        f'<div class="pmt-bar" role="progressbar" aria-valuemin="0" aria-valuenow="{done}" '
        f'aria-valuemax="{planned}"><div style="width:{100 * done / planned:.1f}%"></div></div>'
    )


def _work(work: WorkView) -> list[str]:
    parts = [paragraph(work.text)]
    if work.place:
        parts.append(paragraph(work.place, "small"))
    if work.preliminary:
        parts.append(f'<span class="pmt-preliminary">{escape(work.preliminary)}</span>')
    return [*parts, age_of(work.heard_at, "job heard ", JOB_OLD_AFTER_S)]


def tile_map(
    scan: ScanView,
    picked: str | None,
    key: str,
    on_pick: Callable[[str], None],
    selection: Selection | None = None,
) -> None:
    """Draw the map of a position scan or the points of an HV check."""
    title = f"{scan.title} of {scan.serial_number}"
    draw = tile_list if scan.kind is ScanKind.HV else photocathode
    draw(scan.tiles, title=title, picked=picked, key=key, on_pick=on_pick, selection=selection)


def map_legend(scan: ScanView) -> None:
    """Count the faces of a map and say how it is to be read."""
    st.html(face_counts(scan) + map_note(scan))


def face_counts(scan: ScanView) -> str:
    """Count the faces of a map."""
    chips = (chip(LOOKS[entry.face], str(entry.tiles)) for entry in scan.counts)
    return row(*chips, kind="tight legend")


def map_note(scan: ScanView) -> str:
    """Say how a map is to be read, and when it last changed."""
    seen = "gain in 10⁷, seen from the front" if scan.kind is ScanKind.POSITION else "gain in 10⁷"
    return row(paragraph(seen), age_of(scan.changed_at, "changed "), kind="small")


def panel_head(panel: PanelView) -> str:
    """Write a point's verdict and gain with its definition, and the ages."""
    pieces = [row(f'<p class="pmt-heading">{escape(panel.title)}</p>', chip(panel.look))]
    if panel.gain is not None:
        pieces.append(f'<p class="pmt-gain">{escape(panel.gain.number)}</p>')
        pieces.append(paragraph(f"{panel.gain.definition}, {panel.gain.goodness}", "small"))
    elif panel.gain_missing:
        pieces.append(paragraph(f"No gain: {panel.gain_missing}", "fault"))
    if panel.summary:
        pieces.append(paragraph(panel.summary, "small"))
    if panel.measured_at is not None:
        ages = (
            age_of(panel.acquired_at, "data "),
            age_of(panel.measured_at, "analysed "),
        )
        pieces.append(row(*ages, kind="small tight"))
    return "".join(pieces)


def point_panel(panel: PanelView, key: str) -> None:
    """Show a point in short: verdict, gain with its definition, spectrum with fit."""
    st.html(panel_head(panel))
    panel_chart(panel, key)


def panel_chart(panel: PanelView, key: str) -> None:
    """Show a point's spectrum, and the way to everything about it."""
    spectrum_chart(panel.spectrum, f"Charge spectrum at {panel.title}", key)
    with st.container(horizontal=True, gap="xsmall", key=f"links-{key}"):
        st.page_link(
            POINT_PAGE,
            label="All about this point",
            icon=":material/arrow_forward:",
            query_params={"scan": panel.scan_id, "point": panel.name},
        )
        st.page_link(
            SCANS_PAGE,
            label="Receipts",
            icon=":material/receipt_long:",
            query_params={"scan": panel.scan_id},
        )


def slot_body(
    view: SlotView, scan: ScanView, operator: str, on_pick: Callable[[str], None]
) -> None:
    """Draw map and point side by side, or the curve of an HV check, with what may be decided."""
    left, right = st.columns([1.62, 1.0], gap="small")
    number = view.slot.value
    selection = read_selection(f"map{number}", scan.scan_id)
    with left, st.container(gap="xsmall"):
        picked = None if view.panel is None else view.panel.name
        tile_map(scan, picked, f"map{number}", on_pick, selection)
        st.html(face_counts(scan))
        selection_bar(selection, scan.tiles, map_note(scan))
        if view.curve is not None:
            curve_chart(view.curve, f"curve{number}")
    with right, st.container(gap="xsmall"):
        if view.panel is None:
            st.html(paragraph("No point is measured yet. Points appear here as they are stored."))
        else:
            st.html(panel_head(view.panel))
        chosen = chosen_points(view, selection)
        act_bar(chosen, view.others, scan.scan_id, selection, operator)
        if view.panel is not None:
            panel_chart(view.panel, f"spectrum{number}")


def chosen_points(view: SlotView, selection: Selection) -> tuple[PointRecord, ...]:
    """Return what an act would be about: the selected points, else the one that is shown."""
    selected = tuple(point for point in view.points if point.point.name in selection.names)
    if selected or view.chosen is None:
        return selected
    return (view.chosen,)
