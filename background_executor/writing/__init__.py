"""What may be changed in the store, one file per subject; ``StoreWriter`` joins them.

Every method works inside the transaction that ``Store.writing`` began, writes
its own event when something changed, and does nothing when it is repeated.
"""

from background_executor.writing.journal import StoreWriter

__all__ = ["StoreWriter"]
