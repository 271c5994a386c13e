"""What a command asks for, in words."""

import json
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter

from dashboard.views.wording import point_label
from server_side.scan import Point

_POINT: TypeAdapter[Point] = TypeAdapter(Point)

_WORDS = MappingProxyType(
    {
        "start-scan": "Start scan",
        "start-hv-check": "Start HV check",
        "stop-scan": "Stop",
        "resume-scan": "Continue",
        "process-existing": "Process existing data",
        "list-acquisitions": "Look for existing data",
        "sync-now": "Sync now",
        "reset": "Read everything again",
        "stop-executor": "Stop executor",
        "flag": "Flag",
        "unflag": "Unflag",
        "accept": "Accept",
        "acknowledge": "Acknowledge",
        "withdraw": "Take back",
        "retake": "Retake",
        "archive": "Archive",
        "restore": "Restore",
        "keep-aside": "Keep aside",
        "no-longer-aside": "No longer keep aside",
        "plan-clean-up": "Count local copies",
        "clean-up": "Clean up local copies",
        "make-reference": "Make a reference",
        "judge-again": "Judge again",
        "import": "Import old data",
    }
)
_NAMED = ("serial_number", "acquisition", "folder")


def command_words(arguments: str) -> str:
    """Say what a command asks for and of what; ``arguments`` are those of its row."""
    asked: dict[str, Any] = json.loads(arguments)
    kind = str(asked.get("kind", ""))
    parts = [_WORDS.get(kind, kind), *(str(asked[name]) for name in _NAMED if asked.get(name))]
    if "nominal_v" in asked:
        parts.append(f"at {asked['nominal_v']} V")
    if asked.get("takes"):
        parts.append(f"{_takes(asked['takes'])} of")
    if asked.get("scan_id"):
        parts.append(f"scan {asked['scan_id']}")
    return " ".join(parts)


def whole_command(text: str) -> str:
    """Say a command with its reasons; any text that is none stays as it stands."""
    if not text.startswith('{"'):
        return text
    try:
        asked = json.loads(text)
    except ValueError:
        return text
    if not isinstance(asked, dict) or "kind" not in asked:
        return text
    reasons = (asked.get(name) for name in ("reason", "comment", "previous_reason"))
    return ": ".join([command_words(text), *(str(reason) for reason in reasons if reason)])


def _takes(takes: list[Any]) -> str:
    first = point_label(_POINT.validate_python(takes[0]["point"]))
    more = f" and {len(takes) - 1} more" if len(takes) > 1 else ""
    return f"{first}{more}"
