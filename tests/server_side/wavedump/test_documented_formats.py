"""What ``docs/formats.md`` shows is what is read."""

import re
from pathlib import Path

import pytest

from server_side.settings import DaqSettings
from server_side.wavedump import inspect_file
from server_side.wavedump.format_names import READABLE_FORMATS

PAGE = Path(__file__).parents[3] / "docs" / "formats.md"
IN_HEX = ("binary", "binary-reordered", "binary-no-header", "x742-binary")


def example_of(name: str) -> str:
    """Return the example of a format: what stands in its section's fence."""
    section = re.search(rf"(?ms)^### `{name}`\n(.*?)(?=^##)", PAGE.read_text())
    assert section is not None, f"no section of {name}"
    example = re.search(r"(?s)```\n(.*?)```", section[1])
    assert example is not None, f"no example of {name}"
    return example[1]


@pytest.mark.parametrize("name", READABLE_FORMATS)
def test_every_format_has_a_section_with_an_example(name: str) -> None:
    assert example_of(name)


@pytest.mark.parametrize("name", IN_HEX)
def test_a_documented_binary_example_is_read_as_what_it_is_called(
    raw_file: Path, name: str
) -> None:
    raw_file.write_bytes(bytes.fromhex(example_of(name)))
    seen = inspect_file(raw_file, DaqSettings(record_length=8))
    assert (seen.format, seen.events, seen.record_length) == (name, 2, 8)
    assert seen.first_event == (0 if "no-header" in name else 17)
    assert seen.baseline_mean == pytest.approx(2143 if "x742" in name else 15000, rel=0.001)


@pytest.mark.parametrize("name", ["ascii", "ascii-comma", "x742-ascii"])
def test_a_documented_text_header_is_that_of_a_readable_file(raw_file: Path, name: str) -> None:
    *header, samples = re.split(r"(?m)^(?=\d+[.,\n])", example_of(name), maxsplit=1)
    sample = samples.split("\n")[0].split(",")[0]
    lines = header[0].replace("...\n", "Channel: 2\nEvent Number: 17\n")
    length = int(lines.partition("Record Length: ")[2].split()[0])
    joined = (", " if "comma" in name else "\n").join([sample] * length)
    raw_file.write_text(f"{lines}{joined}\n")
    seen = inspect_file(raw_file, DaqSettings())
    assert (seen.format, seen.events, seen.channel, seen.first_event) == (name, 1, 2, 17)
