"""What is shown instead of the pages when there is no site to show."""

import streamlit as st

from background_executor.errors import ExecutorError
from dashboard.components.plain import plain


def show_faults(error: ExecutorError, variable: str) -> None:
    """Say why there is nothing to show; a wrong settings file with every fault it holds."""
    st.header("The monitor has no site to show")
    st.error("The settings file or the store cannot be used:")
    st.code(str(error), language=None, wrap_lines=True)
    st.write(
        f"The settings file is named by the environment variable {plain(variable)}. Mend it and "
        "reload this page; what each setting means is in `docs/settings.md`."
    )
