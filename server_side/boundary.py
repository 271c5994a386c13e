"""The one base of every model that crosses a process or a disk, and its faults in words.

What another process wrote is checked on the way in: an unknown key is an
error, not a surprise later, and a value once read does not change.
"""

from pydantic import BaseModel, ConfigDict, ValidationError

MAX_FAULTS = 3
MAX_VALUE_CHARACTERS = 60


class BoundaryModel(BaseModel):
    """Immutable model that refuses keys it does not know and numbers that are not finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def place_in_document(location: tuple[int | str, ...]) -> str:
    """Write a place like ``health.checks[1].required``; entries count from 1."""
    parts = (f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".")


def faults_in_words(error: Exception) -> str:
    """Say in one line where a document is wrong, why, and what stands there.

    Returns
    -------
    str
        The first three faults and the number of the others. An error that is none of a
        document's content speaks for itself.
    """
    if not isinstance(error, ValidationError):
        return str(error)
    faults = error.errors(include_url=False, include_context=False)
    words = [_in_words(fault["loc"], fault["msg"], fault["input"]) for fault in faults[:MAX_FAULTS]]
    more = len(faults) - MAX_FAULTS
    return "; ".join([*words, f"and {more} more"] if more > 0 else words)


def _in_words(location: tuple[int | str, ...], message: str, found: object) -> str:
    place = place_in_document(location)
    reason = message.removeprefix("Value error, ")
    value = "" if isinstance(found, dict | BaseModel) else f" (found {_short(found)})"
    return f"{place}: {reason}{value}" if place else f"{reason}{value}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MAX_VALUE_CHARACTERS else f"{text[: MAX_VALUE_CHARACTERS - 3]}..."
