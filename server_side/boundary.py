"""The one base of every model that crosses a process or a disk.

What another process wrote is checked on the way in: an unknown key is an
error, not a surprise later, and a value once read does not change.
"""

from pydantic import BaseModel, ConfigDict


class BoundaryModel(BaseModel):
    """Immutable model that refuses keys it does not know and numbers that are not finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
