"""The pictures of the pages, put in place: spectrum and HV curve."""

from functools import cache
from html import escape
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from dashboard.components.curve_svg import draw_curve
from dashboard.components.markup import paragraph
from dashboard.components.spectrum_svg import draw_spectrum
from dashboard.views.curve import CurveView
from dashboard.views.spectrum import SpectrumView

FOLDER = Path(__file__).parent
BESIDE_MAP = (330.0, 300.0)
"""Size of a picture that stands beside a map."""
CURVE_BESIDE = (460.0, 290.0)
"""Size of an HV curve below its tiles."""
WHOLE_WIDTH = (900.0, 480.0)
"""Size of a picture that has the page to itself."""


@cache
def _component() -> ComponentRenderer:
    return st.components.v2.component(
        "pmt_drawing",
        html='<div class="drawing"></div>',
        css=(FOLDER / "drawing.css").read_text(),
        js=(FOLDER / "drawing.js").read_text(),
    )


def spectrum_chart(
    view: SpectrumView | None, title: str, key: str, size: tuple[float, float] = BESIDE_MAP
) -> None:
    """Show a charge spectrum, or that there is none."""
    if view is None:
        st.html(paragraph("No spectrum yet."))
    else:
        _component()(key=key, data={"svg": draw_spectrum(view, title, size)})


def curve_chart(view: CurveView, key: str, size: tuple[float, float] = CURVE_BESIDE) -> None:
    """Show the gain curve of an HV check with its answer and its doubts, or why there is none."""
    lines = [f'<p class="pmt-gain">{escape(view.headline)}</p>']
    lines += [paragraph(view.message, "fault")] if view.message else []
    lines += [paragraph(text, "strong") for text in (view.recommended,) if text]
    lines += [paragraph(view.details)] if view.details else []
    st.html("".join(lines))
    title = f"Gain over high voltage: {view.headline}"
    _component()(key=key, data={"svg": draw_curve(view, title, size)})
