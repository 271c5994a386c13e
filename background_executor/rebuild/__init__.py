"""Make a new store from what lies on the server: plans, journals, published folders, receipts.

``rebuild.rebuild_store`` is the way in. What only this machine knew is not made
again: the audit of before, references, commands, and scans that never came to the server.
"""
