"""How batch systems write how long something took."""

import re
from datetime import timedelta

_NUMBER = "([0-9]{1,4})"
_ELAPSED = re.compile(rf"(?:{_NUMBER}-)?(?:{_NUMBER}:)?{_NUMBER}:{_NUMBER}")


def read_elapsed(text: str) -> timedelta | None:
    """Read ``[days-][hours:]minutes:seconds``; None where nothing of that form stands."""
    found = _ELAPSED.fullmatch(text.strip())
    if found is None:
        return None
    days, hours, minutes, seconds = (int(number or 0) for number in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
