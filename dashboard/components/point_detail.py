"""Everything about one point, drawn."""

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path

import streamlit as st

from dashboard.components.act_bar import act_bar
from dashboard.components.charts import WHOLE_WIDTH, spectrum_chart
from dashboard.components.markup import age_of, chip, facts, paragraph, row
from dashboard.components.selection import read_selection
from dashboard.components.slot_card import SCANS_PAGE, map_legend, panel_head, tile_map
from dashboard.components.tables import Cell, table
from dashboard.views.detail import DetailView
from dashboard.views.point import PointView

CLEANED_UP = "The local copy of its files was cleaned up; they are on the server, the numbers here."
DAMAGED = "is damaged and cannot be shown. No number comes from it."


def point_columns(view: DetailView, operator: str, on_pick: Callable[[str], None]) -> None:
    """Draw the scan's map with the takes on the left, all about the point on the right."""
    point, scan_id = view.point, view.scan.scan_id
    left, right = st.columns([1.0, 1.6], gap="medium")
    with left:
        tile_map(view.scan, point.panel.name, "map", on_pick)
        map_legend(view.scan)
        if view.closed:
            _say_why_closed(view)
        else:
            selection = read_selection("point", scan_id)
            act_bar((view.record,), view.others, scan_id, selection, operator)
        _history(view)
        _takes(point)
        _plot(point)
    with right:
        if view.old:
            _old_results(view)
            return
        _result(point)
        _judgement(point)
        _numbers(point)
        _origin(point)


def _say_why_closed(view: DetailView) -> None:
    st.html(paragraph(view.closed, "strong"))
    st.page_link(
        SCANS_PAGE,
        label="To the scan",
        icon=":material/inventory_2:",
        query_params={"scan": view.scan.scan_id},
    )


def _result(view: PointView) -> None:
    """Show verdict, gain and spectrum of a point."""
    st.html(panel_head(view.panel))
    if view.decision:
        st.html(paragraph(f"Decision: {view.decision}", "strong"))
    title = f"Charge spectrum at {view.panel.title}"
    spectrum_chart(view.panel.spectrum, title, "spectrum", WHOLE_WIDTH)
    if view.panel.spectrum is not None and view.panel.spectrum.caption:
        st.html(paragraph(f"Charges: {view.panel.spectrum.caption}"))


def _judgement(view: PointView) -> None:
    """Show the checks of the verdict in words."""
    if not view.checks:
        return
    st.html(
        _heading("Checks of the verdict")
        + row(paragraph(f"Rule: {view.rule}"), age_of(view.judged_at, "judged "))
        + table(
            ("check", "", "what was found", "value", "limits"),
            [
                (
                    check.name if check.is_required else f"{check.name} (optional)",
                    check.look,
                    check.text,
                    check.value,
                    check.limits,
                )
                for check in view.checks
            ],
        )
    )


def _numbers(view: PointView) -> None:
    """Show fits, parameters and measured quality, of a point that has them."""
    sections = (
        _section("Fits", ("model", "gain_peak", "gain_mean", "χ²/ndf", "outcome"), view.fits),
        _section("Measured quality", ("quantity", "value", "meaning"), view.quality),
        _section("Fit parameters", ("model", "parameter", "value", ""), view.parameters),
    )
    if any(sections):
        st.html("".join(sections))


def _origin(view: PointView) -> None:
    """Show where the numbers came from."""
    heads = ("channel", "file", "size, format", "last written", "events", "damage")
    if view.origin:
        files = _section("Raw files", heads, view.inputs)
        st.html(_heading("Where it came from") + facts(view.origin) + files)


def _history(view: DetailView) -> None:
    """Show every decision about the point; none is ever erased."""
    if view.history:
        st.html(_section("Decisions", ("take", "decision", "why", "by", "when"), view.history))


def _old_results(view: DetailView) -> None:
    """Show what an old tree holds of the point, newest first."""
    st.html(panel_head(view.point.panel))
    for old in view.old:
        st.html(_heading(old.title) + paragraph(old.gain, "strong") + facts(old.origin))
        if old.plot is not None and old.plot.is_file():
            _picture(old.plot)


def _takes(view: PointView) -> None:
    """Show all takes and revisions, and let an older one be shown."""
    if not view.takes:
        return
    st.html(_heading("Takes and revisions"))
    for take in view.takes:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(row(chip(take.look), paragraph(f"{take.label}: {take.gain}, {take.measured}")))
            if take.is_shown:
                st.html(paragraph("shown", "strong"), width="content")
            elif st.button("Show", key=f"show-{take.result_id}"):
                st.query_params["result"] = str(take.result_id)
                st.rerun()


def _plot(view: PointView) -> None:
    """Show the picture that the analysis drew on the server."""
    if view.plot is None:
        return
    st.html(_heading("Picture of the analysis"))
    if view.plot.is_file():
        _picture(view.plot)
    else:
        st.html(paragraph(CLEANED_UP))


def _picture(path: Path) -> None:
    """Show a picture; a damaged one must not take the rest of the page with it."""
    try:
        st.image(path)
    except OSError:
        st.html(paragraph(f"{path.name} {DAMAGED}"))


def _section(title: str, heads: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    """Write a table under its heading; nothing when it has no rows."""
    return _heading(title) + table(heads, rows) if rows else ""


def _heading(text: str) -> str:
    return f'<p class="pmt-heading pmt-above">{escape(text)}</p>'
