"""What the pages show, made from records: plain functions, no Streamlit.

``live`` reads the store for the operator's page; the other modules turn
records into values that a component can draw as they stand.
"""
