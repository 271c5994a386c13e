"""Write the fuzzer's inputs of every format: whole, growing, and with each kind of damage.

``python -m tests.fuzz.write_inputs`` after a style was added to ``raw_content``. Finds of the
fuzzer lie in the same folder and are left alone.
"""

from collections.abc import Iterator
from pathlib import Path

from tests.fuzz.oracle import DAQ
from tests.server_side.wavedump.raw_content import STYLES, Style, make_events

INPUTS = Path(__file__).parent / "inputs"
NOT_CUT = b"\xff\xff"
"""The file does not grow: see ``oracle``."""
CUT = b"\x40\x00"
"""It has 64 bytes at first."""
LONG_BYTES = 900
"""So much of a longer event leaves the fuzzer room to add to it."""


def inputs_of(style: Style) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each input of a style."""
    events = make_events(5, length=DAQ.record_length)
    parts = [style.write(event) for event in events]
    whole, first, size = b"".join(parts), len(parts[0]), sum(map(len, parts))
    middle = size // 2
    yield "whole", NOT_CUT + whole
    yield "grows", CUT + whole
    yield "torn", NOT_CUT + whole[: first * 2 + first // 2]
    yield "lost-bytes", NOT_CUT + whole[:middle] + whole[middle + 7 :]
    yield "added-bytes", NOT_CUT + whole[:middle] + b"\xff7\n\x00" + whole[middle:]
    yield "flipped-byte", CUT + whole[:middle] + bytes([whole[middle] ^ 0x10]) + whole[middle + 1 :]
    yield "hole", NOT_CUT + whole[:middle] + bytes(first) + whole[middle + first :]
    yield "damaged-beginning", NOT_CUT + b"\x00" + whole[1:]
    yield "doubled-event", NOT_CUT + b"".join([*parts[:3], parts[2], *parts[3:]])
    yield "lost-event", NOT_CUT + b"".join([*parts[:2], *parts[3:]])
    yield "torn-long-event", NOT_CUT + style.write(make_events(1, length=260)[0])[:LONG_BYTES]
    yield "events-out-of-order", NOT_CUT + b"".join([parts[0], *parts[3:], *parts[1:3]])


def main() -> None:
    """Write them all."""
    INPUTS.mkdir(exist_ok=True)
    for name, style in STYLES.items():
        for kind, content in inputs_of(style):
            (INPUTS / f"{name}-{kind}").write_bytes(content)


if __name__ == "__main__":
    main()
