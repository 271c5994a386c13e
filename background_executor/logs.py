"""Where the executor's log goes: set up once, by the process that runs."""

import logging
import sys
import time
from logging.handlers import RotatingFileHandler

from background_executor.config import SiteConfig

LOG_FILE = "executor.log"
MAX_BYTES = 5 << 20
KEPT_FILES = 5


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
    formatter = logging.Formatter("%(asctime)sZ %(levelname)s %(name)s: %(message)s")
    formatter.converter = time.gmtime
    for handler in handlers:
        handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=handlers, force=True)
    for talkative in ("alembic", "paramiko"):
        logging.getLogger(talkative).setLevel(logging.WARNING)
