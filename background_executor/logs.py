"""Where the executor's log goes: set up once, by the process that runs."""

import logging
import sys
import time
from logging.handlers import RotatingFileHandler

from background_executor.config import SiteConfig
from background_executor.terminal import visible

LOG_FILE = "executor.log"
MAX_BYTES = 5 << 20
KEPT_FILES = 5


class _OneLine(logging.Formatter):
    """Shows what people wrote as text: it neither steers a terminal nor forges a line."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  (the library's name)
        record.message = visible(record.message)
        return super().formatMessage(record)


def set_up_logging(config: SiteConfig) -> None:
    """Send the log to a file that is turned over, and to the terminal where there is one."""
    config.log_folder.mkdir(parents=True, exist_ok=True)
    handlers: list[logging.Handler] = [
        RotatingFileHandler(
            config.log_folder / LOG_FILE, maxBytes=MAX_BYTES, backupCount=KEPT_FILES
        )
    ]
    if sys.stderr.isatty():
        handlers.append(logging.StreamHandler())
    formatter = _OneLine("%(asctime)sZ %(levelname)s %(name)s: %(message)s")
    formatter.converter = time.gmtime
    for handler in handlers:
        handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    for talkative in ("alembic", "paramiko"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
