r"""The one place that prints for the verbs: text is shown, and never steers the terminal.

Reasons, comments and names of operators are anybody's text, and so are folder
names and what a server prints. Control codes, writing directions and bytes
that are no text appear as escapes like ``\x1b``.
"""

import sys

_SET_IN = "  "


def visible(text: str) -> str:
    """Return text on one line in which whatever would steer a terminal is an escape."""
    return "".join(letter if letter.isprintable() else ascii(letter).strip("'") for letter in text)


def say(*lines: str, is_error: bool = False) -> None:
    """Print lines; each stays one line."""
    for line in lines:
        print(visible(line), file=sys.stderr if is_error else sys.stdout, flush=True)


def say_at_length(text: str, *, is_error: bool = False) -> None:
    """Print text that may have several lines.

    Those after the first are set in, so that no quoted text passes for a line of ours.
    """
    first, *others = text.split("\n")
    say(first, *(f"{_SET_IN}{line}" for line in others), is_error=is_error)
