"""The executor's log shows what people wrote, and is steered by nobody."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from background_executor.config import load_config
from background_executor.logs import LOG_FILE, set_up_logging


@pytest.fixture
def root_logger() -> Iterator[logging.Logger]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield root
    logging.basicConfig(level=level, handlers=handlers, force=True)


def test_a_reason_with_control_codes_stays_one_line_of_text(
    settings_file: Path, root_logger: logging.Logger
) -> None:
    config = load_config(settings_file)
    set_up_logging(config)
    root_logger.info("Command 2, accept: %s", "\x1b[2Jgone\n2026-01-01 INFO forged")
    (line,) = (config.log_folder / LOG_FILE).read_text().splitlines()
    assert line.endswith(r"Command 2, accept: \x1b[2Jgone\n2026-01-01 INFO forged")
