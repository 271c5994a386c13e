"""Settings of what people decide: the list of defects, and the times that acts may be undone."""

from typing import Annotated

from pydantic import Field, StringConstraints, field_validator

from server_side.boundary import BoundaryModel

OTHER = "other"
"""The defect that needs a comment."""

DEFAULT_DEFECTS = (
    "low gain",
    "high gain",
    "double peak",
    "noise",
    "low statistics",
    "fit failed",
    "timing",
    "light leak",
    "HV",
    "DAQ",
    OTHER,
)

Defect = Annotated[
    str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]+$", max_length=60, strip_whitespace=True)
]


class DecisionSettings(BoundaryModel):
    """``[decisions]``."""

    defect_reasons: tuple[Defect, ...] = Field(default=DEFAULT_DEFECTS, min_length=1)
    undo_s: float = Field(default=30.0, gt=0, le=3600)
    trash_days: float = Field(default=30.0, ge=0, le=3650)

    @field_validator("defect_reasons")
    @classmethod
    def _check_reasons(cls, reasons: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(reasons)) != len(reasons):
            raise ValueError("a reason stands in the list twice")
        return reasons
