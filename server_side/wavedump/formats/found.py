"""How a message quotes what was found in a file."""

QUOTED_BYTES = 24


def quote_bytes(content: bytes) -> str:
    """Return the beginning of some bytes for a message."""
    if not content:
        return "the end of the file"
    text = repr(content[:QUOTED_BYTES])[1:]
    return text if len(content) <= QUOTED_BYTES else f"{text}..."
