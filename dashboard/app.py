"""The pages of the PMT Scan Monitor. Start: ``streamlit run dashboard/app.py``."""

from pathlib import Path

import streamlit as st

from background_executor.config import SETTINGS_VARIABLE
from background_executor.errors import ExecutorError
from dashboard.components.faults import show_faults
from dashboard.components.markup import icon_css
from dashboard.site import open_site

HERE = Path(__file__).parent

st.set_page_config(page_title="PMT Scan Monitor", page_icon=HERE / "icon.svg", layout="wide")
st.html(f"<style>{(HERE / 'style.css').read_text()}{icon_css()}</style>")

try:
    open_site()
except ExecutorError as error:
    show_faults(error, SETTINGS_VARIABLE)
    st.stop()

page = st.navigation(
    [
        st.Page(
            HERE / "app_pages" / "live.py",
            title="Live",
            icon=":material/blur_circular:",
            default=True,
        ),
        st.Page(HERE / "app_pages" / "point.py", title="Point", icon=":material/query_stats:"),
        st.Page(HERE / "app_pages" / "hv.py", title="HV check", icon=":material/bolt:"),
        st.Page(HERE / "app_pages" / "scans.py", title="Scans", icon=":material/inventory_2:"),
        st.Page(HERE / "app_pages" / "log.py", title="Log", icon=":material/receipt_long:"),
        st.Page(HERE / "app_pages" / "wall.py", title="Wall", icon=":material/monitor:"),
    ],
    position="top",
)
page.run()
