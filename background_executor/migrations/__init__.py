"""Steps that bring a store to the present tables; run by ``store`` when it opens one.

A new step is a new file in ``versions`` with the next number. Steps that were
released are never changed, and never import ``tables``, which moves on.
"""
